"""The inventory over real hosts, of which some do not answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from vmferry.lab import control
from vmferry.lab.layout import Layout

from .conftest import Run


@pytest.fixture
def dead(lab: Layout) -> Iterator[str]:
    control.kill_host(lab, "h2")
    yield "h2"
    control.start_host(lab, "h2")


def test_every_host_tells_what_it_is(vmferry: Run) -> None:
    hosts = json.loads(vmferry("host", "list", "-o", "json").stdout)["hosts"]
    assert [(host["name"], host["state"]) for host in hosts] == [("h1", "ready"), ("h2", "ready"), ("h3", "ready")]
    assert [host["qemu"].split(".")[0] for host in hosts] == ["10", "10", "7"]
    assert [host["release"].split(" (")[0] for host in hosts] == ["Debian GNU/Linux 13"] * 2 + ["Debian GNU/Linux 12"]
    assert all(host["memory_bytes"] > 0 and host["cpus"] > 0 for host in hosts)


def test_a_host_without_power_holds_nobody_up(vmferry: Run, dead: str) -> None:
    ran = vmferry("host", "list", "-o", "json")
    hosts = {host["name"]: host for host in json.loads(ran.stdout)["hosts"]}
    assert {name: host["state"] for name, host in hosts.items()} == {"h1": "ready", dead: "unreachable", "h3": "ready"}
    assert hosts[dead]["problem"].startswith(f"host {dead} ")
    assert hosts[dead]["problem"] in ran.stderr


def test_a_guest_that_may_be_on_a_host_without_power(vmferry: Run, dead: str) -> None:
    ran = vmferry("guest", "show", "nobody", check=False)
    assert (ran.returncode, ran.stdout) == (7, "")
    assert f"it may be on one that did not: {dead}" in ran.stderr


@pytest.fixture
def keyless_ssh(tmp_path: Path) -> Path:
    """An ssh that has no key, and neither reads nor writes what the user's own knows."""
    options = ("UserKnownHostsFile=/dev/null", "StrictHostKeyChecking=no", "IdentitiesOnly=yes", "IdentityAgent=none")
    words = " ".join(f"-o {option}" for option in options)
    path = tmp_path / "ssh"
    path.write_text(f'#!/bin/sh\nexec ssh -F /dev/null {words} -i {tmp_path}/none "$@"\n')
    path.chmod(0o755)
    return path


def test_a_host_that_refuses_the_key(vmferry: Run, lab: Layout, tmp_path: Path, keyless_ssh: Path) -> None:
    hosts = json.loads(vmferry("lab", "status", "-o", "json").stdout)["hosts"]
    uri = f"qemu+ssh://root@{hosts[0]['address']}/system?command={keyless_ssh}"
    config = tmp_path / "config.toml"
    config.write_text(f'[store]\npath = "{tmp_path}/vmferry.db"\n[hosts.h1]\nuri = "{uri}"\n')
    ran = vmferry("--config", str(config), "guest", "list", check=False)
    assert (ran.returncode, ran.stdout) == (7, "")
    first, *detail = ran.stderr.splitlines()
    assert first.startswith("vmferry: host h1 cannot be reached: it refuses the ssh key of root")
    assert any("Permission denied" in line for line in detail)
