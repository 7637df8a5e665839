"""The sections of `look/network.sh`."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence

from vmferry.facts.network import Address, Link, NetworkFacts
from vmferry.hosts.told.sections import Sections

_HEAD = re.compile(r"\d+: ([^\s:@]+)(?:@(\S+))?: <([^>]*)>(.*)", re.ASCII)
_PORT_OF = ("bridge_slave", "bond_slave", "openvswitch_slave", "team_slave", "vrf_slave")
_NO_KIND = ("alias", "altname", "vf")


def read_network(sections: Sections) -> NetworkFacts:
    links, addresses = sections.get("links"), sections.get("addresses")
    return NetworkFacts(
        links=tuple(_links(links)) if links else None,
        addresses=tuple(_addresses(addresses)) if addresses else None,
        ovs_bridges=frozenset(line.strip() for line in sections.get("ovs", ()) if line.strip()),
    )


def _links(lines: Sequence[str]) -> Iterator[Link]:
    for line in lines:
        head, *rest = line.split("\\")
        found = _HEAD.match(head)
        if found:
            yield _link(found, [part.split() for part in rest if part.strip()])


def _link(found: re.Match[str], rest: Sequence[Sequence[str]]) -> Link:
    """`rest`: the words of what ip puts on further lines: the link layer, then what is its kind's own."""
    name, below, flags = found[1], found[2], found[3].split(",")
    words = found[4].split()
    kinds = [part for part in rest[1:] if part[0] not in (*_PORT_OF, *_NO_KIND)]
    own: Sequence[str] = kinds[0] if kinds else ()
    filtering = _after(own, "vlan_filtering")
    return Link(
        name=name,
        kind=own[0] if own else None,
        mtu=_number(_after(words, "mtu")),
        mac=rest[0][1].lower() if rest and rest[0][0] == "link/ether" and len(rest[0]) > 1 else None,
        master=_after(words, "master"),
        # Of a veth's other end in another namespace only a number is told.
        below=below if below and not re.fullmatch(r"if\d+|NONE", below) else None,
        vlan=_number(_after(own, "id")) if own and own[0] == "vlan" else None,
        up="UP" in flags,
        carrier="LOWER_UP" in flags,
        vlan_filtering=None if filtering is None else filtering == "1",
    )


def _addresses(lines: Sequence[str]) -> Iterator[Address]:
    for line in lines:
        words = line.split()
        if len(words) < 4 or words[2] not in ("inet", "inet6"):
            continue
        try:
            found = ipaddress.ip_interface(words[3])
        except ValueError:
            continue
        yield Address(words[1].partition("@")[0], str(found.ip), found.network.prefixlen)


def _after(words: Sequence[str], word: str) -> str | None:
    """What follows a word."""
    place = words.index(word) + 1 if word in words else len(words)
    return words[place] if place < len(words) else None


def _number(word: str | None) -> int | None:
    return int(word) if word is not None and word.isascii() and word.isdigit() and len(word) < 10 else None
