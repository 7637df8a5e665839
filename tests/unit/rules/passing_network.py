"""The network's part of the move that every rule lets pass: two hosts with a bridge each, on one segment."""

from __future__ import annotations

from typing import Any

from vmferry.facts.host import Network, PortGroup
from vmferry.facts.network import Address, Link, NetworkFacts
from vmferry.facts.path import PathFacts, Port, Reach, Resolved, TriedNeighbour, TriedPeer, TriedPort

MACS = {"h1": "02:00:00:00:00:01", "h2": "02:00:00:00:00:02"}
ADDRESSES = {"h1": "10.0.0.1", "h2": "10.0.0.2"}
DATA = {"h1": "10.1.0.1", "h2": "10.1.0.2"}

LAB = Network("lab", True, True, "bridge", "br0", portgroups=(PortGroup("web", vlans=(7,)),))
NETWORKS = (
    LAB,
    Network("idle", False, False, "bridge", "br0"),
    Network("default", True, True, "nat", "virbr0"),
)


def network(name: str) -> NetworkFacts:
    mac = MACS[name]
    links = (
        Link("lo", mtu=65536),
        Link("eth0", mtu=1500, mac=mac, master="br0"),
        Link("br0", "bridge", 1500, mac, vlan_filtering=False),
        Link("virbr0", "bridge", 1500, "52:54:00:00:00:ff", carrier=False),
        Link("mig0", mtu=9000, mac="02:00:00:00:01:ff"),
    )
    addresses = (
        Address("lo", "127.0.0.1", 8),
        Address("br0", ADDRESSES[name], 24),
        Address("virbr0", "192.168.122.1", 24),
        Address("mig0", DATA[name], 24),
    )
    return NetworkFacts(links, addresses)


def network_of_host(name: str) -> dict[str, Any]:
    """Fields of `HostFacts`."""
    return {
        "hostname": name,
        "migration_address": DATA[name],
        "networks": NETWORKS,
        "network": network(name),
    }


PATH = PathFacts(
    names=(Resolved("h2", ("10.0.0.2",)),),
    ports=(
        TriedPort(Port.LIBVIRT, "h2", 22, Reach.OPEN),
        TriedPort(Port.MIGRATION, "10.1.0.2", 49215, Reach.REFUSED),
        TriedPort(Port.MIGRATION, "10.1.0.2", 49183, Reach.REFUSED),
    ),
    peer=TriedPeer("qemu+ssh://root@h2/system", "h2"),
    neighbours=(TriedNeighbour("br0", "10.0.0.2", "br0", MACS["h2"], answered=MACS["h2"], fresh=True),),
)
