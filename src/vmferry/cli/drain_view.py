"""What drains and returns look like: told while they run, and shown at their end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from vmferry.cli.context import App
from vmferry.cli.output import say
from vmferry.model.guest import Guest
from vmferry.model.migration import MigrationResult, Outcome
from vmferry.model.units import format_duration

if TYPE_CHECKING:
    from vmferry.schedule.search import Slot
    from vmferry.service.drain import Drained
    from vmferry.service.drain_plan import Way
    from vmferry.service.listening import Quiet


class Teller:
    """Tells on standard error which guest moves where, and how each ended."""

    def __init__(self, app: App) -> None:
        self.app = app
        self._lock = threading.Lock()

    def begins(self, guest: Guest, target: str, attempt: int) -> None:
        again = f" (attempt {attempt})" if attempt > 1 else ""
        self.say(f"{guest.name}: {guest.host} to {target}{again}")

    def ended(self, result: MigrationResult) -> None:
        self.say(f"{result.guest}: {ending(result)}")

    def listener(self, guest: Guest) -> Quiet:
        from vmferry.service.listening import Quiet

        return Quiet(lambda message: self.say(f"{guest.name}: {message}"))

    def say(self, text: str) -> None:
        if self.app.verbosity >= 0:
            with self._lock:
                say(text)


def ending(result: MigrationResult) -> str:
    if result.outcome is Outcome.MIGRATED and result.measured is not None:
        took = result.measured
        down = "" if took.downtime_ms is None else f", {format_duration(took.downtime_ms / 1000)} of downtime"
        return f"on {result.target} after {format_duration(took.duration_s)}{down}"
    words = str(result.outcome).replace("_", " ")
    return f"{words}: {result.error}" if result.error else words


def drain_lines(done: Drained) -> Iterator[str]:
    plan = done.plan
    for each in plan.unplaced:
        yield f"{each.guest} has no place:"
        yield from (f"  {reason}" for reason in each.reasons)
    if plan.ways and not done.results:
        for way, slot in plan.in_order():
            yield when_line(way, slot)
        took, least = format_duration(plan.schedule.makespan_s), format_duration(plan.schedule.bound_s)
        yield f"{len(plan.ways)} guests in {took}; the links need {least} for them at the least"
    if not plan.ways and not plan.unplaced:
        yield "no guest has to be moved"
    for result in done.results:
        yield f"{result.guest}: {ending(result)}"
    if plan.off:
        yield f"off, and left where they are: {', '.join(plan.off)}"
    if plan.alone and plan.ways:
        yield f"then the guests of {', '.join(plan.alone)} would not all find room if that host failed (N+1)"


def when_line(way: Way, slot: Slot) -> str:
    when = f"{format_duration(slot.start_s)} to {format_duration(slot.end_s)}"
    return f"{way.guest.name}: {way.guest.host} to {way.target}, {when}"
