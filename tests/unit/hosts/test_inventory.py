from __future__ import annotations

import libvirt
import pytest

from vmferry.facts.host import HostFacts
from vmferry.hosts.greeting import Greeting
from vmferry.hosts.inventory import facts
from vmferry.model.host import HostEntry
from vmferry.xml.capabilities import Capabilities


class WithoutNetworks:
    """Libvirt's test driver with its networks failing."""

    def __init__(self, code: int) -> None:
        self._connection, self._code = libvirt.open("test:///default"), code

    def __getattr__(self, name: str) -> object:
        return getattr(self._connection, name)

    def listAllNetworks(self, flags: int = 0) -> list[object]:
        error = libvirt.libvirtError("no")
        error.err = (self._code, 0, "no", 0, None, None, None, 0, 0)
        raise error


def told(entry: HostEntry, code: int = libvirt.VIR_ERR_NO_SUPPORT) -> HostFacts:
    return facts(entry, WithoutNetworks(code), Capabilities("u", (), None), Greeting(), None)


def test_networks_of_a_host_without_their_driver_are_not_known() -> None:
    assert told(HostEntry("h1", "test:///default")).networks is None
    with pytest.raises(libvirt.libvirtError):
        told(HostEntry("h1", "test:///default"), libvirt.VIR_ERR_INTERNAL_ERROR)


def test_peers_are_told_the_uri_that_is_meant_for_them() -> None:
    assert told(HostEntry("h1", "qemu:///system")).peer_uri == "qemu:///system"
    assert told(HostEntry("h1", "qemu:///system", peer_uri="qemu+ssh://h1/system")).peer_uri == "qemu+ssh://h1/system"
