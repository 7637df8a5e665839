"""The libvirt adapter on real hosts: the same promises as those in memory, and what only real ones have."""

from __future__ import annotations

import contextlib
import os
import signal
import time
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from vmferry.errors import HostUnreachable
from vmferry.hosts import LibvirtConnector
from vmferry.hosts.network import NetworkProber
from vmferry.lab.layout import Layout
from vmferry.model.guest import GuestState, Probe
from vmferry.model.host import HostEntry

from ..contract.pair_contract import LIMIT_S, Pair, PairContract
from .conftest import Run


def entry(lab: Layout, name: str) -> HostEntry:
    said = tomllib.loads(lab.config.read_text())["hosts"][name]
    return HostEntry(name, said["uri"], said["peer_uri"], said["migration_address"])


@pytest.fixture(scope="module")
def guest(vmferry: Run) -> Iterator[str]:
    """Its address."""
    busy = ("--memory", "192MiB", "--dirty", "4MiB/s", "--working-set", "32MiB", "--disk-size", "16MiB")
    made = vmferry("lab", "guest", "pair", *busy, "--disk", "shared", "--on", "h1")
    yield made.stdout.split()[2]
    vmferry("lab", "guest", "pair", "--remove")


@pytest.fixture
def target() -> str:
    return "h2"


@pytest.fixture
def pair(lab: Layout, guest: str, target: str) -> Iterator[Pair]:
    connector = LibvirtConnector()
    source, other = (connector.connect(entry(lab, name), 10) for name in ("h1", target))
    (uuid,) = (each.uuid for each in source.guests() if each.name == "pair")
    yield Pair(source, other, uuid)
    source.close()
    other.close()


class TestLibvirtPair(PairContract):
    """A guest on the shared directory, between hosts of the same release and of two."""

    @pytest.fixture(params=["h2", "h3"])
    def target(self, request: pytest.FixtureRequest) -> str:
        name: str = request.param
        return name


def test_a_local_disk_is_told_from_a_shared_one(pair: Pair) -> None:
    (disk,) = pair.source.guest_facts(pair.uuid).guest.disks
    (sight,) = pair.source.see_disks([replace(disk, source="/etc/hostname")])
    assert (sight.seen, sight.shared_kind) == (True, False)


@pytest.mark.parametrize(
    ("source", "seen", "problem"),
    [
        ("iscsi://storage/iqn.2026-01.test.vmferry:none/1", False, "iscsi"),
        ("nfs://storage/srv/nfs/none.img", False, "nfs"),
        ("rbd://storage/pool/image", False, "no answer"),
        ("sheepdog://storage/image", None, "no way to look"),
    ],
)
def test_a_network_disk_that_is_not_there(pair: Pair, source: str, seen: bool | None, problem: str) -> None:
    (disk,) = pair.source.guest_facts(pair.uuid).guest.disks
    (sight,) = pair.target.see_disks([replace(disk, kind="network", source=source)])
    assert sight.seen is seen
    assert problem in (sight.problem or "")


def test_the_migration_card_has_a_rate(pair: Pair) -> None:
    assert pair.source.link_rate()


def test_the_guest_is_seen_from_here_across_a_move(pair: Pair, guest: str) -> None:
    prober = NetworkProber()
    probe = Probe(guest, f"http://{guest}/")
    assert prober.answers(probe, 10)[0]
    watch = prober.watch(guest)
    pair.source.migrate(pair.order())
    assert prober.answers(probe, 10)[0]
    silent_ms = watch.stop()
    pair.target.migrate(pair.order(back=True))
    assert silent_ms is not None
    assert 0 < silent_ms < 10_000


def test_how_much_cpu_the_guest_uses(pair: Pair) -> None:
    """It is busy, and it has no more than its one CPU and QEMU's own threads."""
    before, at_s = pair.source.cpu_seconds()[pair.uuid], time.monotonic()
    time.sleep(2)
    after = pair.source.cpu_seconds()[pair.uuid]
    assert 0 < after - before <= 2 * (time.monotonic() - at_s)
    assert pair.uuid not in pair.target.cpu_seconds()


def test_the_guest_s_card_says_that_it_has_its_address(pair: Pair, guest: str) -> None:
    macs = [nic.mac for nic in pair.source.guest_facts(pair.uuid).guest.nics]
    assert NetworkProber().has_address(guest, macs, 10.0)
    assert NetworkProber().has_address(guest, ["52:54:00:ff:ff:ff"], 0.2) is False
    assert NetworkProber().has_address(guest.rpartition(".")[0] + ".250", macs, 0.2) is False


def test_a_guest_that_does_not_answer(lab: Layout, guest: str) -> None:
    nobody = guest.rpartition(".")[0] + ".250"
    ok, seen = NetworkProber().answers(Probe(nobody, None), 0.2)
    assert not ok
    assert nobody in seen


def test_a_broken_connection_is_made_anew(pair: Pair) -> None:
    assert pair.source.guest_state(pair.uuid) is GuestState.RUNNING
    for children in Path("/proc/self/task").glob("*/children"):
        for pid in children.read_text().split():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # another that has just ended
                if b"ssh" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(int(pid), signal.SIGTERM)
    deadline = time.monotonic() + LIMIT_S
    while True:
        try:
            assert pair.source.guest_state(pair.uuid) is GuestState.RUNNING
            assert pair.source.see_disks(pair.source.guest_facts(pair.uuid).guest.disks)[0].seen
            return
        except HostUnreachable:
            assert time.monotonic() < deadline
