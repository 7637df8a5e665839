"""The libvirt adapter on libvirt's own test driver: what the suite of both kinds of hosts leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest

from vmferry.errors import HostUnreachable
from vmferry.facts.host import Network
from vmferry.hosts import LibvirtConnector
from vmferry.model.guest import Disk
from vmferry.model.host import HostEntry
from vmferry.ports import HostPort


@pytest.fixture
def host() -> Iterator[HostPort]:
    host = LibvirtConnector().connect(HostEntry("try", "test:///default"), 5)
    yield host
    host.close()


def test_networks_and_what_only_a_shell_tells(host: HostPort) -> None:
    facts = host.facts()
    assert facts.networks == (Network("default", True, False, "nat", "virbr0"),)
    assert (facts.release, facts.network, host.link_rate()) == (None, None, None)


def test_pools(host: HostPort) -> None:
    (pool,) = host.facts().pools or ()
    assert (pool.name, pool.kind, pool.active, pool.path) == ("default-pool", "dir", True, "/default-pool")
    assert pool.capacity_bytes == 100 << 30
    assert pool.available_bytes == 100 << 30


def test_what_guests_write_to(host: HostPort) -> None:
    assert [guest.disks for guest in host.facts().guests] == [("/guest/diskimage1",)]


def test_without_a_shell_there_are_no_marks(host: HostPort) -> None:
    (sight,) = host.mark_disks([Disk("vda", "disk", "file", "/etc/hostname")])
    assert (sight.seen, sight.marks) == (None, ())
    host.unmark_disks()


def test_without_a_shell_no_disk_is_seen(host: HostPort) -> None:
    (sight,) = host.see_disks([Disk("vda", "disk", "file", "/etc/hostname")])
    assert (sight.target, sight.seen) == ("vda", None)
    assert "no shell" in (sight.problem or "")


def test_a_guest_that_is_off_is_not_started_with_the_host_any_more(host: HostPort) -> None:
    (guest,) = host.guests()
    libvirt_host = cast(Any, host)
    domain = libvirt_host._line.domain(guest.uuid)
    domain.setAutostart(1)
    domain.destroy()
    seen = host.look(guest.uuid)
    assert seen is not None
    assert seen.starts
    host.autostart_off(guest.uuid)
    assert domain.autostart() == 0


def test_a_closed_host_is_out_of_reach() -> None:
    host = LibvirtConnector().connect(HostEntry("try", "test:///default"), 5)
    host.close()
    with pytest.raises(HostUnreachable, match="the connection to host try broke"):
        host.guests()
