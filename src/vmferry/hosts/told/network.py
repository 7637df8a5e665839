"""The sections of `look/network.sh`."""

from __future__ import annotations

from vmferry.facts.network import Link, NetworkFacts
from vmferry.hosts.told.sections import Sections


def read_network(sections: Sections) -> NetworkFacts:
    lines = sections.get("links")
    if not lines:
        return NetworkFacts()
    return NetworkFacts(links=tuple(Link(line.split(": ")[1].partition("@")[0]) for line in lines))
