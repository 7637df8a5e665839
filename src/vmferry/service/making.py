"""Effects, one at a time: written down before and after, made only where both hosts have just said what allows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from vmferry.errors import HostError, HostUnreachable
from vmferry.flow.effects import Effect, Sighted, blocked
from vmferry.flow.journal import Kind
from vmferry.service.record import Record
from vmferry.service.sides import Sides

MOST_EFFECTS = 10
"""To undo or complete one migration; more means that something undoes what we do."""


class Making:
    def __init__(self, record: Record, sides: Sides) -> None:
        self.record, self.sides = record, sides
        self.problem: HostError | None = None
        """Why the last one failed."""
        self.failed: Effect | None = None
        """The one that ended the last `one_by_one`; None: nothing was due any more."""

    def one_by_one(self, ask: Callable[[Sighted], Iterator[Effect]]) -> bool:
        """Look, make the first effect that is due and may be made, look again; until nothing is due or one fails.

        Whether any was made.
        """
        self.failed = None
        for number in range(MOST_EFFECTS):
            seen = self.sides.look()
            effect = next(ask(seen), None)
            if effect is None or blocked(effect, seen, self.record.before) is not None:
                return number > 0
            try:
                self.make(effect, seen)
            except HostError as error:
                self.problem, self.failed = error, effect
                return number > 0
        return True

    def make(self, effect: Effect, seen: Sighted | None = None) -> None:
        """Intent, effect, outcome. Raises what the host raises."""
        self.record.intend(effect, seen)
        self.record.renew(now=True)
        try:
            self.sides.perform(effect, self.record.job.plan.copies)
        except HostUnreachable as error:
            self.record.outcome(Kind.LOST, effect, error.detail or error.message)
            raise
        except HostError as error:
            self.record.outcome(Kind.FAILED, effect, error.detail or error.message)
            raise
        self.record.outcome(Kind.DONE, effect)
