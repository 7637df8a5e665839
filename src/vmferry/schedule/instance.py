"""What is to be planned: moves over links, between hosts of limited memory.

Sizes in bytes, rates in bytes a second, times in seconds from the start of the plan.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Link:
    """A network card (one way), an uplink, a link to storage: what moves share."""

    id: str
    capacity_bytes_s: float


@dataclass(frozen=True, slots=True)
class Place:
    """A host, as a plan sees it."""

    id: str
    memory_bytes: float
    max_out: int | None = None
    """How many may leave it at once; None: as many as its links carry."""
    max_in: int | None = None
    out: tuple[str, ...] = ()
    """The links that whatever leaves it goes over; with `into` they make a path for a detour. Empty: not known."""
    into: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Move:
    """One guest from one host to another, at one rate from start to end."""

    id: str
    source: str
    target: str
    memory_bytes: float
    """What the guest holds of a host: of both while it moves."""
    path: tuple[str, ...]
    after: tuple[str, ...] = ()
    """Moves and activities that have to end first."""
    fixed_bytes: float = 0
    """Sent once, whatever the rate: disks, or all of a move whose bytes are known."""
    rounds_bytes: float = 0
    """Memory that is copied in rounds while the guest dirties it; 0: none."""
    dirty_rate_bytes_s: float = 0
    working_set_bytes: float = 0
    """The most that a round can find dirty."""
    max_rate_bytes_s: float | None = None
    guest: str = ""
    """Several moves of one guest are legs of one way. Empty: the move's own id."""
    leg: int = 0
    """Of a detour through a third host: 1 or 2; 0: none."""

    @property
    def who(self) -> str:
        return self.guest or self.id


@dataclass(frozen=True, slots=True)
class Resident:
    """A guest that is on a host at the start; where a move is its own, it leaves with it."""

    id: str
    host: str
    memory_bytes: float


@dataclass(frozen=True, slots=True)
class Activity:
    """What takes its time and sends nothing: a boot, a shutdown."""

    id: str
    duration_s: float
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class Instance:
    """All of it; `schedule.reading` makes sure that every name is known and every number can be meant."""

    links: tuple[Link, ...]
    places: tuple[Place, ...]
    moves: tuple[Move, ...]
    residents: tuple[Resident, ...] = ()
    activities: tuple[Activity, ...] = ()
    max_moves: int | None = None
    """How many may run at once in all."""

    @cached_property
    def link(self) -> dict[str, Link]:
        return {each.id: each for each in self.links}

    @cached_property
    def place(self) -> dict[str, Place]:
        return {each.id: each for each in self.places}

    @cached_property
    def most_rate(self) -> dict[str, float]:
        """Of each move, by its id: what its path carries where nothing else is on it."""
        return {
            move.id: min(
                (
                    math.inf if move.max_rate_bytes_s is None else move.max_rate_bytes_s,
                    *(self.link[each].capacity_bytes_s for each in move.path),
                )
            )
            for move in self.moves
        }

    @cached_property
    def held_bytes(self) -> dict[str, float]:
        """By host: what is held of it at the start."""
        held = dict.fromkeys(self.place, 0.0)
        for resident in self.residents:
            held[resident.host] += resident.memory_bytes
        known = {resident.id for resident in self.residents}
        for move in self.first_legs:
            if move.who not in known:
                held[move.source] += move.memory_bytes
        return held

    @cached_property
    def first_legs(self) -> tuple[Move, ...]:
        """Of each guest, the move that it begins with."""
        followed = {move.id: move for move in self.moves}
        return tuple(
            move
            for move in self.moves
            if not any(name in followed and followed[name].who == move.who for name in move.after)
        )

    @cached_property
    def final_bytes(self) -> dict[str, float]:
        """By host: what is held of it when all is done."""
        held = dict(self.held_bytes)
        for move in self.moves:
            held[move.target] += move.memory_bytes
            held[move.source] -= move.memory_bytes
        return held
