"""The network of the hosts of a fake world: one bridge each, all of them on one segment."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from vmferry.facts.network import Address, Link, NetworkFacts
from vmferry.facts.path import PathFacts, PathPlan, Port, Reach, Resolved, TriedNeighbour, TriedPeer, TriedPort

LOOPBACK = "127.0.0.1"


def lan(host: str) -> NetworkFacts:
    number = zlib.crc32(host.encode())
    mac = ":".join(["02", "00", *(f"{byte:02x}" for byte in number.to_bytes(4, "big"))])
    address = f"10.0.{number >> 8 & 0xFF}.{number & 0xFF}"
    links = (Link("lo", mtu=65536), Link("eth0", mtu=1500, mac=mac, master="br0"), Link("br0", "bridge", 1500, mac))
    return NetworkFacts(links, (Address("lo", LOOPBACK, 8), Address("br0", address, 16)))


def way(plan: PathPlan, addresses: Sequence[str]) -> PathFacts:
    """Of a network without a fault, to a host that has these addresses."""
    return PathFacts(
        names=tuple(Resolved(name, tuple(each for each in addresses if each != LOOPBACK)) for name in plan.names),
        ports=tuple(
            TriedPort(each.use, each.host, each.port, Reach.OPEN if each.use is Port.LIBVIRT else Reach.REFUSED)
            for each in plan.ports
        ),
        peer=TriedPeer(plan.peer_uri, plan.target) if plan.peer_uri is not None else None,
        neighbours=tuple(
            TriedNeighbour(each.link, each.address, each.there, each.mac, answered=each.mac, fresh=True)
            for each in plan.neighbours
        ),
    )
