"""Hosts that are broken on purpose: what all of these tests share.

A module may set `GUEST_DISKS = ("shared", ...)`, the disks of its one guest; it is on h1 for all the module's tests.
Or its own fixture `guest` starts the fixture `tiny`. Each test breaks something by `on`, looks with `check` or
`host_check`, does what the remedy says, looks again, and puts everything back. `check` itself holds that a look changes
nothing on any host.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from vmferry.lab.layout import Layout
from vmferry.lab.shell import ssh

from ..conftest import Run
from .tiny import Tiny

HOSTS = ("h1", "h2", "h3")
LEAN = ("--memory", "160MiB", "--working-set", "16MiB", "--dirty", "0", "--disk-size", "4MiB")
LIMIT_S = 20.0

Found = dict[str, Any]
"""One finding, as the JSON has it."""
On = Callable[..., str]

_STATE = r"""
cd /
find etc/libvirt etc/multipath etc/iscsi -type f 2>/dev/null | sort | xargs -r sha256sum
find run/libvirt/network run/libvirt/storage -name '*.xml' 2>/dev/null | sort
find srv tmp var/tmp root var/lib/libvirt/images -xdev 2>/dev/null | grep -v systemd-private | sort
ls -A srv/*
ip -o link | cut -d: -f2
ip -o addr show | awk '{print $2, $4}' | grep -v ' fe80:' | sort
cut -d' ' -f5 proc/self/mountinfo | grep -v '^/run/user' | sort
command -v nft >/dev/null && nft list ruleset
pgrep -a 'nc|socat|nbdkit|qemu-nbd|arping|tcpdump' || true
"""
"""What a look must leave as it is, told without a call to libvirt: that alone would start a stopped daemon."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What one check answered of one target."""

    verdict: str
    findings: tuple[Found, ...]

    def of(self, rule: str, severity: str | None = None) -> tuple[Found, ...]:
        """What this rule said; with a severity, only that."""
        said = (finding for finding in self.findings if finding["rule"] == rule)
        return tuple(finding for finding in said if severity in (None, finding["severity"]))

    def the(self, rule: str, severity: str) -> Found:
        """The one finding of this rule and severity; it names what is observed and a remedy."""
        (found,) = self.of(rule, severity)
        assert found["observed"]
        assert found["remedy"]
        return found

    def passes(self, rule: str) -> bool:
        """The rule spoke, and had nothing against it."""
        said = self.of(rule)
        return bool(said) and all(finding["severity"] == "info" for finding in said)


Check = Callable[..., Checked]


@pytest.fixture(scope="session")
def on(lab: Layout) -> On:
    """Runs one command on a host, as root: on("h2", "virsh net-destroy lab") -> what it printed. Raises Failed."""

    def on(host: str, script: str) -> str:
        return ssh(lab, host, "sh", "-ec", script)

    return on


@pytest.fixture(scope="module")
def name(request: pytest.FixtureRequest) -> str:
    """Of the module's guest."""
    module: str = request.module.__name__
    return module.rpartition(".")[2].removeprefix("test_").replace("_", "-")


@pytest.fixture(scope="module")
def guest(request: pytest.FixtureRequest, vmferry: Run, name: str) -> Iterator[str]:
    """The module's guest; it runs on h1."""
    disks = [word for disk in getattr(request.module, "GUEST_DISKS", ("shared",)) for word in ("--disk", disk)]
    vmferry("lab", "guest", name, *LEAN, *disks, "--on", "h1")
    yield name
    vmferry("lab", "guest", name, "--remove")


@pytest.fixture(scope="module")
def tiny(on: On, name: str) -> Iterator[Tiny]:
    """For a module whose tests need no guest that runs: its own fixture `guest` starts this one instead."""
    tiny = Tiny(name, on)
    yield tiny
    tiny.end()


def state(on: On) -> dict[str, str]:
    """What each host that answers holds, as text to be compared."""
    with ThreadPoolExecutor(len(HOSTS)) as pool:
        return dict(zip(HOSTS, pool.map(lambda host: on(host, f"{_STATE}true"), HOSTS), strict=True))


@pytest.fixture(scope="module")
def check(vmferry: Run, on: On, guest: str) -> Check:
    """check(to="h2") -> what `vmferry check` says of the module's guest and that target; it changes nothing.

    `of`: the guest by another word than its name.
    """

    def check(*options: str, to: str = "h2", of: str = guest) -> Checked:
        before = state(on)
        done = vmferry("check", of, "--to", to, *options, "-o", "json", check=False)
        assert done.returncode in (0, 3), done.stderr
        assert state(on) == before
        (target,) = json.loads(done.stdout)["targets"]
        return Checked(target["verdict"], tuple(target["findings"]))

    return check


@pytest.fixture(scope="session")
def host_check(vmferry: Run, on: On) -> Check:
    """host_check("h2") -> what `vmferry host check` says of the host; it changes nothing. Needs no guest."""

    def host_check(host: str, *options: str) -> Checked:
        before = state(on)
        done = vmferry("host", "check", host, *options, "-o", "json", check=False)
        assert done.returncode in (0, 3, 7), done.stderr
        assert state(on) == before
        document = json.loads(done.stdout)
        return Checked(document["hosts"][0]["verdict"], tuple(document["findings"]))

    return host_check


def follow(on: On, remedy: str) -> None:
    """Does what it says: `on HOST: COMMAND`."""
    assert remedy.startswith("on "), remedy
    host, _, command = remedy[3:].partition(": ")
    on(host, command)


def until(condition: Callable[[], bool]) -> None:
    """Returns once it holds."""
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, "it never came to pass"
        time.sleep(0.05)
