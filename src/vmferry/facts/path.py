"""What is tried from one host towards another, and what came of it."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Reach(enum.StrEnum):
    """What came of a try to open a TCP connection."""

    OPEN = "open"
    REFUSED = "refused"
    """The other host answered that nobody listens there: it is reachable."""
    SILENT = "silent"
    """No answer in the time that is given: as a firewall that drops does it."""
    BARRED = "barred"
    """Somebody on the way answered that there is no way: no route, or prohibited."""
    UNRESOLVED = "unresolved"
    UNKNOWN = "unknown"
    """It could not be tried, or the answer was not understood."""

    @property
    def reachable(self) -> bool:
        return self in (Reach.OPEN, Reach.REFUSED)


class Port(enum.StrEnum):
    """What a port that is tried is for."""

    LIBVIRT = "libvirt"
    MIGRATION = "migration"


@dataclass(frozen=True, slots=True)
class PortPlan:
    use: Port
    host: str
    """A name or an address."""
    port: int


@dataclass(frozen=True, slots=True)
class NeighbourPlan:
    """An address of the target that has to be a neighbour on a link of the source."""

    link: str
    """Of the source."""
    address: str
    there: str
    """The target's link that has the address."""
    mac: str
    """Of that link."""


@dataclass(frozen=True, slots=True)
class PathPlan:
    """What to try from a source towards one target. Everything in it was looked through: it goes to a shell as data."""

    target: str
    names: tuple[str, ...] = ()
    ports: tuple[PortPlan, ...] = ()
    last_resort: PortPlan | None = None
    """Tried only where none of those for migration is reached: whoever waits there for a guest takes the try for it."""
    peer_uri: str | None = None
    neighbours: tuple[NeighbourPlan, ...] = ()


@dataclass(frozen=True, slots=True)
class Resolved:
    """A name as the source resolves it."""

    name: str
    addresses: tuple[str, ...] | None
    """Empty: it does not resolve; None: not looked at."""


@dataclass(frozen=True, slots=True)
class TriedPort:
    use: Port
    host: str
    port: int
    reach: Reach
    said: str = ""
    """The system's own words, where it had any."""


@dataclass(frozen=True, slots=True)
class TriedPeer:
    """What became of opening the target's libvirt from the source, as its daemon does in a migration."""

    uri: str
    hostname: str | None = None
    """Libvirt's name for the host that answered; None: none did."""
    problem: str | None = None
    """What virsh said; with `tried` false, why it was not asked."""
    tried: bool = True


@dataclass(frozen=True, slots=True)
class TriedNeighbour:
    link: str
    address: str
    there: str
    mac: str
    """The one that the target says it has there."""
    answered: str | None = None
    """The link-layer address that the source now sends to for this address; None: nobody answered."""
    fresh: bool = False
    """The answer came now, not from what the source remembered."""
    tried: bool = True

    @property
    def proved(self) -> bool:
        return self.fresh and self.answered == self.mac


@dataclass(frozen=True, slots=True)
class PathFacts:
    """Tries made from the source's shell. Empty where none was made: nothing follows from that."""

    names: tuple[Resolved, ...] = ()
    ports: tuple[TriedPort, ...] = ()
    peer: TriedPeer | None = None
    neighbours: tuple[TriedNeighbour, ...] = ()
    problem: str | None = None
    """Why nothing could be tried."""


NOTHING_TRIED = PathFacts()
