"""Many migrations at the pace of their links: each begins when its plan's turn has come and its links have room.

The plan is a start. Real copies take other times than planned, so nothing waits for a planned instant: whatever ends
makes room for those next in the plan's order. A migration uses its links only while it copies; so the next one begins
with its checks while the one before still copies, as long before that one's end as checks have lately taken. One that
fails goes back to be planned anew, by itself, after a pause that doubles; the others go on.
"""

from __future__ import annotations

import math
import queue
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from vmferry.errors import VmferryError
from vmferry.model.guest import Guest
from vmferry.model.migration import MigrationResult, Outcome
from vmferry.ports import Clock
from vmferry.schedule.instance import Move
from vmferry.service.drain_plan import DrainPlan

ATTEMPTS = 3
PAUSE_S = 5.0
"""Before the second attempt; twice as long before each after it."""
LOOK_EVERY_S = 0.2
TOGETHER = 1 + 1e-6
"""Planned rates fill a link exactly."""
USUAL_START_S = 2.5
"""From the beginning to the first bytes, before any was seen."""
EARLIER_S = 1.5
"""How far an ETA of some seconds is off, usually."""
LATEST = 6
"""So many of those that began last say how long it takes now."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One migration of the convoy."""

    guest: Guest
    target: str
    move: Move
    rate_bytes_s: float
    length_s: float
    """As planned."""
    attempt: int = 1
    not_before_s: float = 0.0


class Watcher(Protocol):
    """Is told of every one that begins and ends, from the convoy's own thread."""

    def begins(self, guest: Guest, target: str, attempt: int) -> None: ...

    def ended(self, result: MigrationResult) -> None: ...


class Pace:
    """What a running migration lets the convoy know of itself, from any thread."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s, self._began_s = now_s, now_s()
        self._eta_s: float | None = None
        self._seen_s = 0.0
        self.started_s: float | None = None
        """From its beginning to its first bytes; None: it sends none yet."""
        self.sent = False
        """It sends no more."""

    def sends(self, eta_s: float | None) -> None:
        if self.started_s is None:
            self.started_s = self._now_s() - self._began_s
        self._eta_s, self._seen_s = eta_s, self._now_s()

    def is_done(self) -> None:
        self.sent = True

    def frees_links_within(self, time_s: float) -> bool:
        """As far as is known by its own figures."""
        if self.sent:
            return True
        return self._eta_s is not None and self._eta_s - (self._now_s() - self._seen_s) <= time_s


Carry = Callable[[Guest, str, threading.Event, Pace], MigrationResult]
"""Moves a guest to a host, and says how it ended. Called in a thread of its own."""
Again = Callable[[Guest, str], DrainPlan | None]
"""A plan for a guest that failed to go to that host; None: it has nowhere else to go."""


@dataclass(slots=True)
class Convoy:
    """Runs the ways of a plan to their ends."""

    carry: Carry
    again: Again
    clock: Clock
    watcher: Watcher
    cancel: threading.Event
    """Set: nothing more begins, and what runs is cancelled."""
    parallel: int | None = None
    closes_in_s: Callable[[], float | None] = lambda: math.inf
    """Nothing begins that would not end by then; None: nothing at all, the window is closed."""
    results: list[MigrationResult] = field(default_factory=list)
    """Of each guest the last one, in the order of their ends."""
    _waiting: list[Leg] = field(default_factory=list)
    _running: dict[str, tuple[Leg, Pace]] = field(default_factory=dict)
    _paces: list[Pace] = field(default_factory=list)
    """Of all that have begun, in that order."""
    _capacity: dict[str, float] = field(default_factory=dict)
    _ends: queue.SimpleQueue[tuple[Leg, MigrationResult]] = field(default_factory=queue.SimpleQueue)

    def run(self, plan: DrainPlan) -> Sequence[MigrationResult]:
        """Blocks until all have ended, one way or another."""
        self._waiting += self._legs(plan)
        while self._running or (self._waiting and not self.cancel.is_set()):
            self._begin_those_that_may()
            if not self._running:
                if not any(self._has_time(leg) for leg in self._waiting):
                    break
                self.clock.sleep(LOOK_EVERY_S)
                continue
            try:
                leg, result = self._ends.get(timeout=LOOK_EVERY_S)
            except queue.Empty:
                continue
            self._running.pop(leg.guest.uuid)
            self._ended(leg, result)
        return self.results

    def _legs(self, plan: DrainPlan) -> list[Leg]:
        """In the order of their planned starts."""
        self._capacity |= {link.id: link.capacity_bytes_s for link in plan.schedule.instance.links}
        moves = {move.who: move for move in plan.schedule.instance.moves}
        return [
            Leg(way.guest, way.target, moves[way.guest.uuid], slot.rate_bytes_s, slot.end_s - slot.start_s)
            for way, slot in plan.in_order()
        ]

    def _begin_those_that_may(self) -> None:
        now_s = self.clock.now_s()
        for leg in list(self._waiting):
            if self.cancel.is_set():
                return
            if leg.not_before_s <= now_s and self._has_time(leg) and self._has_room(leg):
                self._waiting.remove(leg)
                pace = Pace(self.clock.now_s)
                self._running[leg.guest.uuid] = leg, pace
                self._paces.append(pace)
                self.watcher.begins(leg.guest, leg.target, leg.attempt)
                threading.Thread(target=self._carry, args=(leg, pace), daemon=True).start()

    def _has_time(self, leg: Leg) -> bool:
        left_s = self.closes_in_s()
        return left_s is not None and leg.length_s <= left_s

    def _has_room(self, leg: Leg) -> bool:
        if self.parallel is not None and len(self._running) >= self.parallel:
            return False
        return all(self._fits(link, leg.rate_bytes_s) for link in leg.move.path)

    def _fits(self, link: str, rate_bytes_s: float) -> bool:
        """On a free link it always does: what a link carries may have been learned anew since this was planned."""
        used = self._used(link)
        return not used or used + rate_bytes_s <= self._capacity[link] * TOGETHER

    def _used(self, link: str) -> float:
        """By when one that began now would send."""
        start_s = self._start_s()
        return sum(
            leg.rate_bytes_s
            for leg, pace in self._running.values()
            if link in leg.move.path and not pace.frees_links_within(start_s)
        )

    def _start_s(self) -> float:
        """Rather too long: to begin too early shares a link for a moment, to begin too late leaves it idle."""
        seen = [pace.started_s for pace in self._paces[-LATEST:] if pace.started_s is not None]
        return max(seen, default=USUAL_START_S) + EARLIER_S

    def _carry(self, leg: Leg, pace: Pace) -> None:
        try:
            result = self.carry(leg.guest, leg.target, self.cancel, pace)
        except VmferryError as error:
            result = _unfinished(leg, Outcome.FAILED, error.message, error.detail)
        except BaseException as error:  # a fault of ours must not leave the convoy waiting for ever
            words = f"internal error: {error!r}; vmferry job list says where it is"
            result = _unfinished(leg, Outcome.IN_DOUBT, words)
        self._ends.put((leg, result))

    def _ended(self, leg: Leg, result: MigrationResult) -> None:
        self.watcher.ended(result)
        before = (each for each in self.results if (each.guest, each.source) != (result.guest, result.source))
        self.results = [*before, result]
        lasting = result.outcome in (Outcome.MIGRATED, Outcome.IN_DOUBT)
        if not lasting and not self.cancel.is_set() and leg.attempt < ATTEMPTS:
            self._waiting += self._retries(leg)

    def _retries(self, leg: Leg) -> Iterable[Leg]:
        """To another host if there is one, to the same once more if not."""
        try:
            found = self.again(leg.guest, leg.target)
        except VmferryError:
            found = None
        legs = self._legs(found) if found is not None else [leg]
        pause_s = PAUSE_S * 2 ** (leg.attempt - 1)
        at_s = self.clock.now_s() + pause_s
        return [replace(each, attempt=leg.attempt + 1, not_before_s=at_s) for each in legs]


def _unfinished(leg: Leg, outcome: Outcome, error: str, detail: str = "") -> MigrationResult:
    """Of one that gave no result of its own."""
    return MigrationResult("", leg.guest.name, leg.guest.host, leg.target, outcome, error, detail or None)
