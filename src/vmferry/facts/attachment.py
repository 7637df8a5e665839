"""Where a guest's network card is attached on a host."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from vmferry.facts.host import HostFacts, Network
from vmferry.facts.network import OPEN_VSWITCH, Link
from vmferry.model.guest import Nic

OUTSIDE = ("bridge", "private", "vepa", "passthrough")
"""Ways of a libvirt network that put its guests on a segment outside of the host."""


@lru_cache(maxsize=1024)
def attachments(nics: tuple[Nic, ...]) -> tuple[Nic, ...]:
    """The different ways in which cards are attached: without address and model, at which no network looks."""
    return tuple(dict.fromkeys(replace(nic, mac="", model=None) for nic in nics))


def network_of(host: HostFacts, nic: Nic) -> Network | None:
    """The libvirt network of that name; None: there is none, or the card needs none."""
    if nic.kind != "network":
        return None
    return next((network for network in host.networks or () if network.name == nic.source), None)


def link_of(host: HostFacts, nic: Nic) -> str | None:
    """The bridge or device of the host by which the card gets outside; None: it does not, or it is not known."""
    if nic.kind in ("bridge", "direct"):
        return nic.source
    network = network_of(host, nic)
    if network is None or network.forward not in OUTSIDE:
        return None
    return network.bridge or next(iter(network.devices), None)


def kind_of(host: HostFacts, nic: Nic) -> str | None:
    """What the card is attached to, in a word or two; None: not known."""
    network = network_of(host, nic)
    if nic.kind == "network" and (network is None or network.forward is None):
        return None
    if network is not None and network.forward not in OUTSIDE:
        return network.forward
    if nic.kind == "direct" or (network is not None and network.bridge is None):
        return "direct"
    link = link_of(host, nic)
    if host.network is None or host.network.links is None:
        return None
    if link in host.network.ovs_bridges:
        return OPEN_VSWITCH
    found = host.network.link(link)
    return None if found is None else "bridge"


def vlans_of(host: HostFacts, nic: Nic) -> tuple[int, ...]:
    """The VLANs that the card is put into by its definition, its portgroup, or its network, in libvirt's order."""
    network = network_of(host, nic)
    if nic.vlans or network is None:
        return nic.vlans
    groups = (
        group for group in network.portgroups if group.name == nic.portgroup or (not nic.portgroup and group.default)
    )
    group = next(groups, None)
    return group.vlans if group is not None and group.vlans else network.vlans


def mtu_of(host: HostFacts, nic: Nic) -> int | None:
    """The biggest frame that the card can send from this host; None: not known. A bridge drops what is too big for the
    port that it has to go out by, whatever its own MTU is."""
    network = network_of(host, nic)
    if network is not None and network.mtu is not None:
        return network.mtu
    return min((link.mtu for link in way_out(host, nic) if link.mtu is not None), default=None)


def way_out(host: HostFacts, nic: Nic) -> tuple[Link, ...]:
    """What the card's frames leave the host by: what rests on another link comes after that. Empty: not known."""
    facts = host.network
    link = facts.link(link_of(host, nic)) if facts is not None else None
    if facts is None or link is None:
        return ()
    found: dict[str, Link] = {}
    for port in (*facts.ports(link.name), link):
        below = facts.link(port.below)
        found |= {each.name: each for each in (below, port) if each is not None}
    return tuple(found.values())
