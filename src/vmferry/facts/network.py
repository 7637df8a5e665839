"""What a host's shell told of its network: links, addresses, bridges."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Link:
    """One network device of the kernel."""

    name: str


@dataclass(frozen=True, slots=True)
class NetworkFacts:
    """One host's network. A field that is None was not told."""

    links: tuple[Link, ...] | None = None
