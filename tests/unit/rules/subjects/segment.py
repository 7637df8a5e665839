"""Cases of the rules of segment."""

from __future__ import annotations

from dataclasses import replace

from vmferry.facts.host import PortGroup
from vmferry.facts.move import MoveFacts
from vmferry.facts.needs import Needs
from vmferry.facts.network import Address, Link, NetworkFacts
from vmferry.facts.path import PathFacts
from vmferry.model.guest import Nic

from ..cases import OK, PASSING, REFUSE, UNKNOWN, WARN, Cases, with_facts, with_guest, with_source, with_target
from ..passing_network import LAB, MACS, PATH, network

MAC = "52:54:00:00:00:01"
(FRAME,) = PATH.neighbours


def answered(**changes: object) -> MoveFacts:
    """The passing move where the one frame was answered otherwise."""
    return replace(PASSING, path=replace(PATH, neighbours=(replace(FRAME, **changes),)))  # type: ignore[arg-type]


def untried(address: str | None = None) -> MoveFacts:
    """No frame could be sent; the target's bridge has that address, or none."""
    here = with_target(network=addressed("h2", address))
    return replace(here, path=replace(PATH, neighbours=()))


def addressed(host: str, address: str | None) -> NetworkFacts:
    found = (Address("br0", address, 24),) if address else ()
    return replace(network(host), addresses=found)


def linked(host: str, name: str, **changes: object) -> NetworkFacts:
    """The host's network with fields of one link changed."""
    links = network(host).links or ()
    changed = (replace(each, **changes) if each.name == name else each for each in links)  # type: ignore[arg-type]
    return replace(network(host), links=tuple(changed))


def with_nic(**changes: object) -> MoveFacts:
    return with_guest(nics=(replace(Nic(MAC, "network", "lab"), **changes),))  # type: ignore[arg-type]


def tagged(host: str, vlan: int, mtu: int = 1500) -> NetworkFacts:
    """Its bridge's port is a VLAN of its card, of that MTU."""
    links = (Link("eth0", mtu=mtu), Link(f"eth0.{vlan}", "vlan", 1500, master="br0", below="eth0", vlan=vlan))
    return NetworkFacts((*links, Link("br0", "bridge", 1500, MACS[host])), network(host).addresses)


def smaller_port(*hosts: str) -> MoveFacts:
    here, there = (linked(host, "eth0", mtu=1400) for host in hosts)
    return replace(with_source(network=here), target=with_target(network=there).target)


def portless() -> MoveFacts:
    here, there = (linked(host, "eth0", master=None) for host in ("h1", "h2"))
    return replace(with_source(network=here), target=with_target(network=there).target)


def in_vlan(here: int, there: int) -> MoveFacts:
    return replace(with_source(network=tagged("h1", here)), target=with_target(network=tagged("h2", there)).target)


def with_listens(*listens: str) -> MoveFacts:
    return with_facts(needs=Needs(listens=listens))


def group(**target: object) -> MoveFacts:
    return replace(with_nic(portgroup="web"), target=with_target(**target).target)


FILTERING = linked("h2", "br0", vlan_filtering=True)

CASES: Cases = {
    "network.same-segment": [
        ("a frame came through", PASSING, OK, "answers for 10.0.0.2 there as 02:00:00:00:00:02"),
        ("nobody answers", answered(answered=None, fresh=False), REFUSE, "nobody answers for 10.0.0.2"),
        ("a router answers for it", answered(answered="02:00:00:00:00:99"), REFUSE, "02:00:00:00:00:99 answers"),
        ("known from before", answered(fresh=False), OK, "no answer just now"),
        ("no addresses", untried(), OK, "no two addresses"),
        ("another subnet", untried("10.9.9.9"), WARN, "not one subnet"),
        ("the same subnet, not tried", untried("10.0.0.2"), OK, "not tried"),
        ("no shell on the source", replace(PASSING, path=PathFacts(problem="no ssh")), UNKNOWN, "no ssh"),
        ("no shell on the target", replace(untried(), target=with_target(network=None).target), UNKNOWN, "not known"),
    ],
    "network.mtu": [
        ("the same", PASSING, OK, "1500"),
        ("smaller", with_target(network=linked("h2", "br0", mtu=1400)), WARN, "1500 on h1, 1400 on h2"),
        ("bigger", with_target(network=linked("h2", "br0", mtu=9000)), OK, "1500"),
        ("a smaller port", with_target(network=linked("h2", "eth0", mtu=1400)), WARN, "1500 on h1, 1400 on h2"),
        ("a smaller port on both", smaller_port("h1", "h2"), OK, "1400"),
        ("a smaller card below the port", with_target(network=tagged("h2", 7, mtu=1400)), WARN, "1400 on h2"),
        ("smaller than the guest's own", with_nic(mtu=9000), REFUSE, "the guest was told 9000"),
        ("the network's own", with_target(networks=(replace(LAB, mtu=1300),)), WARN, "1300 on h2"),
    ],
    "network.vlan": [
        ("the same", in_vlan(7, 7), OK, "VLAN 7 on both"),
        (
            "the card's, and a bridge that filters",
            replace(with_nic(vlans=(7,)), target=with_target(network=FILTERING).target),
            OK,
            "VLAN 7 on both",
        ),
        ("the card's, and a bridge that does not", with_nic(vlans=(7,)), REFUSE, "does not tell VLANs apart"),
        ("another VLAN of the network", with_target(networks=(replace(LAB, vlans=(8,)),)), REFUSE, "8 on h2"),
        (
            "another VLAN of the portgroup",
            group(networks=(replace(LAB, portgroups=()),)),
            REFUSE,
            "7 on h1, none on h2",
        ),
        ("ports in other VLANs", in_vlan(7, 8), WARN, "in VLAN 7, br0 of h2 in 8"),
    ],
    "network.portgroup": [
        ("there", with_nic(portgroup="web"), OK, "it is there"),
        ("not there", group(networks=(replace(LAB, portgroups=(PortGroup("db"),)),)), WARN, "lab has db"),
    ],
    "network.link-up": [
        ("up", PASSING, OK, "it is up"),
        ("down", with_target(network=linked("h2", "br0", up=False)), WARN, "it is down"),
        ("no cable", with_target(network=linked("h2", "eth0", carrier=False)), WARN, "no carrier (eth0)"),
        ("no carrier", with_target(network=linked("h2", "br0", carrier=False)), WARN, "no carrier"),
        ("no port", with_target(network=linked("h2", "eth0", master=None)), WARN, "no card is in it, as one is on h1"),
        ("no port on either", portless(), OK, "it is up"),
    ],
    "network.graphics": [
        ("everywhere", with_listens("127.0.0.1", "0.0.0.0"), OK, "every host has it"),
        ("the target's", with_listens("10.0.0.2"), OK, "it has it"),
        ("the source's", with_listens("10.0.0.1"), REFUSE, "h2 does not have it"),
        (
            "not known",
            replace(with_listens("10.0.0.1"), target=with_target(network=None).target),
            UNKNOWN,
            "addresses of h2 are not known",
        ),
    ],
}
