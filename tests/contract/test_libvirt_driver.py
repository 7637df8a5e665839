"""The real adapter on libvirt's own test driver: all that needs no QEMU."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from vmferry.errors import HostError
from vmferry.hosts import LibvirtConnector
from vmferry.model.guest import GuestState
from vmferry.model.host import HostEntry, HostState
from vmferry.ports import HostPort

NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def host() -> Iterator[HostPort]:
    host = LibvirtConnector().connect(HostEntry("try", "test:///default"), 5)
    yield host
    host.close()


def test_what_it_is(host: HostPort) -> None:
    seen = host.describe()
    assert (seen.name, seen.uri, seen.state, seen.guests) == ("try", "test:///default", HostState.READY, 1)
    assert seen.memory_bytes
    assert seen.release is None


def test_its_guests(host: HostPort) -> None:
    (guest,) = host.guests()
    assert (guest.name, guest.host, guest.state, guest.persistent) == ("test", "try", GuestState.RUNNING, True)
    assert guest.memory_bytes == 8 << 30
    assert host.guest_state(guest.uuid) is GuestState.RUNNING
    assert host.guest_persistent(guest.uuid)
    facts = host.guest_facts(guest.uuid)
    assert facts.guest == guest
    assert (facts.virt_type, facts.arch) == ("test", "i686")
    assert facts.live_xml.startswith("<domain")


def test_its_facts(host: HostPort) -> None:
    facts = host.facts()
    assert [(known.name, known.active) for known in facts.guests] == [("test", True)]
    assert [(network.name, network.active) for network in facts.networks] == [("default", True)]
    assert facts.problem is None
    assert facts.memory_free_bytes is None or facts.memory_free_bytes > 0
    assert facts.bridges is None


def test_a_guest_that_is_not_there(host: HostPort) -> None:
    assert host.guest_state(NOBODY) is None
    assert host.job_stats(NOBODY) is None
    with pytest.raises(HostError, match="host try could not tell of guest"):
        host.guest_facts(NOBODY)
    with pytest.raises(HostError) as caught:
        host.guest_persistent(NOBODY)
    assert caught.value.code == 42
    assert "Domain not found" in caught.value.detail


def test_without_a_shell_no_disk_is_seen(host: HostPort) -> None:
    facts = host.guest_facts(host.guests()[0].uuid)
    sights = host.see_disks(facts.guest.disks)
    assert [sight.seen for sight in sights] == [None for _ in facts.guest.disks]
    assert host.link_rate() is None


def test_a_closed_host_answers_nothing(host: HostPort) -> None:
    other = LibvirtConnector().connect(host.entry, 5)
    other.close()
    with pytest.raises(HostError):
        other.guests()
