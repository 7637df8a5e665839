"""What to try from a source towards a target, made of the facts of both."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from ipaddress import ip_address, ip_network

from vmferry.facts.attachment import link_of
from vmferry.facts.ends import Peer, data_host, is_address, migration_ports, peer_of
from vmferry.facts.host import HostFacts
from vmferry.facts.network import Address, NetworkFacts
from vmferry.facts.path import NeighbourPlan, PathPlan, Port, PortPlan
from vmferry.model.guest import Nic
from vmferry.model.names import address_problem, uri_problem

MOST_LINKS = 8
"""So many segments are tried between two hosts; no fleet of ours has more that guests are on."""

_LINK = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,14}", re.ASCII)


def plan_path(source: HostFacts, target: HostFacts, nics: Iterable[Nic] = ()) -> PathPlan:
    """`nics`: of the guests that may move there. What no shell should be given is left out, and so is not tried."""
    peer, data = _peer(target), data_host(target)
    if data is not None and address_problem(data):
        data = None
    ports = [] if peer is None else [PortPlan(Port.LIBVIRT, peer.host, peer.port)]
    resort = None
    if data is not None:
        *unused, first = [PortPlan(Port.MIGRATION, data, port) for port in _for_tries(*migration_ports(target))]
        ports += unused or [first]
        resort = first if unused else None
    hosts = dict.fromkeys(filter(None, (peer.host if peer is not None else None, data)))
    return PathPlan(
        target=target.name,
        names=tuple(host for host in hosts if not is_address(host)),
        ports=tuple(ports),
        last_resort=resort,
        peer_uri=target.peer_uri if peer is not None else None,
        neighbours=tuple(_neighbours(source, target, nics)),
    )


def _for_tries(first: int, last: int) -> tuple[int, ...]:
    """From the one that is least likely to be in use. Libvirt takes the lowest that is free, and a QEMU that listens
    there for a guest takes whoever comes for its source, which ends that migration (tried: while disks are copied it
    listens for as long as that takes).
    """
    return tuple(dict.fromkeys((last, max(first, (first + last) // 2), first)))


def _peer(target: HostFacts) -> Peer | None:
    peer = None if target.peer_uri is None or uri_problem(target.peer_uri) else peer_of(target)
    return None if peer is None or address_problem(peer.host) else peer


def _neighbours(source: HostFacts, target: HostFacts, nics: Iterable[Nic]) -> Iterator[NeighbourPlan]:
    if source.network is None or target.network is None:
        return
    pairs = dict.fromkeys((link_of(source, nic), link_of(target, nic)) for nic in nics)
    for here, there in list(pairs)[:MOST_LINKS]:
        if here is not None and there is not None and _LINK.fullmatch(here):
            yield from _on_link(source.network, here, target.network, there)


def _on_link(source: NetworkFacts, here: str, target: NetworkFacts, there: str) -> Iterator[NeighbourPlan]:
    """One address of each family at the most: the first that has to be a neighbour if the segment is one."""
    link = target.link(there)
    if link is None or link.mac is None:
        return
    own = {each.address for each in source.addresses or ()}
    families = set()
    for each in target.addresses_of(there):
        family = ip_address(each.address).version
        if family not in families and each.address not in own and _near(source.addresses_of(here), each):
            families.add(family)
            yield NeighbourPlan(here, each.address, there, link.mac)


def _near(own: Iterable[Address], other: Address) -> bool:
    """The source would look for it on that link."""
    nets = [ip_network(f"{each.address}/{each.prefix_bits}", strict=False) for each in own]
    return any(ip_address(other.address) in net for net in nets)
