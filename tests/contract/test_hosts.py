"""One suite for every `HostPort`: the hosts in memory, and libvirt's adapter on libvirt's own test driver.

What the test driver cannot do (migrate, measure) the real hosts of tests/lab do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from vmferry.errors import HostError, HostUnreachable
from vmferry.fakes import FakeConnector, FakeWorld
from vmferry.hosts import LibvirtConnector
from vmferry.model.guest import GuestState
from vmferry.model.host import HostEntry, HostState
from vmferry.model.migration import MigrationOrder
from vmferry.ports import Connector, HostPort

GUEST = "6695eb01-f6a4-8304-79aa-97f2502e193f"
"""The UUID of the one guest, `test`, that libvirt's test driver begins with."""
NOBODY = "00000000-0000-4000-8000-000000000000"
NO_DOMAIN = 42
"""VIR_ERR_NO_DOMAIN"""


@dataclass(frozen=True, slots=True)
class Ground:
    connector: Connector
    entry: HostEntry
    nowhere: HostEntry


def fake() -> Ground:
    world = FakeWorld()
    entry = world.add_host("try")
    world.add_guest("test", "try", uuid=GUEST, memory_bytes=8 << 30, vcpus=2)
    return Ground(FakeConnector(world), entry, HostEntry("nowhere", "qemu+ssh://root@nowhere/system"))


def libvirt() -> Ground:
    nowhere = HostEntry("nowhere", "qemu+unix:///system?socket=/nowhere/libvirt-sock")
    return Ground(LibvirtConnector(), HostEntry("try", "test:///default"), nowhere)


@pytest.fixture(params=[fake, libvirt], ids=["fake", "libvirt"])
def ground(request: pytest.FixtureRequest) -> Ground:
    made: Ground = request.param()
    return made


@pytest.fixture
def host(ground: Ground) -> Iterator[HostPort]:
    port = ground.connector.connect(ground.entry, 5.0)
    yield port
    port.close()


def test_a_host_that_is_not_there(ground: Ground) -> None:
    with pytest.raises(HostUnreachable, match="nowhere") as error:
        ground.connector.connect(ground.nowhere, 5.0)
    assert error.value.host == "nowhere"
    assert "\n" not in error.value.message


def test_what_it_is(ground: Ground, host: HostPort) -> None:
    seen = host.describe()
    assert host.entry is ground.entry
    assert (seen.name, seen.uri, seen.state, seen.guests) == ("try", ground.entry.uri, HostState.READY, 1)
    assert seen.problem is None
    assert seen.libvirt
    assert seen.memory_bytes
    assert seen.memory_bytes > 1 << 20
    assert seen.cpus


def test_its_guests(host: HostPort) -> None:
    (guest,) = host.guests()
    assert (guest.name, guest.uuid, guest.host) == ("test", GUEST, "try")
    assert (guest.state, guest.persistent) == (GuestState.RUNNING, True)
    assert (guest.memory_bytes, guest.vcpus) == (8 << 30, 2)


def test_how_much_cpu_its_guests_have_used(host: HostPort) -> None:
    used = host.cpu_seconds()
    assert set(used) <= {GUEST}
    assert all(seconds >= 0 for seconds in used.values())


def test_its_facts(host: HostPort) -> None:
    facts = host.facts()
    assert (facts.name, facts.problem) == ("try", None)
    assert [(guest.name, guest.uuid, guest.active) for guest in facts.guests] == [("test", GUEST, True)]
    assert facts.memory_bytes
    assert facts.libvirt


def test_the_facts_of_a_guest(host: HostPort) -> None:
    facts = host.guest_facts(GUEST)
    assert (facts.guest.uuid, facts.guest.state, facts.guest.host) == (GUEST, GuestState.RUNNING, "try")
    assert facts.live_xml.startswith("<domain")


def test_a_guest_that_it_has(host: HostPort) -> None:
    assert host.guest_state(GUEST) is GuestState.RUNNING
    assert host.guest_persistent(GUEST) is True


def test_a_guest_that_it_has_not(host: HostPort) -> None:
    assert host.guest_state(NOBODY) is None
    assert host.job_stats(NOBODY) is None
    for question in (host.guest_facts, host.guest_persistent, host.disk_problems, host.completed_stats, host.abort):
        with pytest.raises(HostError) as error:
            question(NOBODY)
        assert (error.value.host, error.value.code) == ("try", NO_DOMAIN), question
        assert error.value.detail
        assert type(error.value) is HostError


def test_migrating_what_is_not_there(host: HostPort) -> None:
    with pytest.raises(HostError) as error:
        host.migrate(MigrationOrder(NOBODY, "qemu+ssh://root@nowhere/system", None, persistent=True))
    assert error.value.code == NO_DOMAIN


def test_no_disks_to_see(host: HostPort) -> None:
    assert host.see_disks(()) == ()
