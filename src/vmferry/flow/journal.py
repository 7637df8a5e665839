"""What is written down of a migration, what can be read from it, and what must hold of it at every moment.

An effect is an intent before it is made and an outcome after. An intent without an outcome means only that it may have
been made: whoever reads that looks at the hosts.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from vmferry.flow.effects import (
    LIMITS,
    MADE_IN,
    SETTLED_FIRST,
    WITHOUT_COPY,
    Effect,
    Sighted,
    What,
    blocked,
    is_undone,
    left_volumes,
)
from vmferry.flow.settle import Before, settle
from vmferry.flow.states import AT_REST, TABLE, TERMINAL, Event, State


class Kind(enum.StrEnum):
    STATE = "state"
    SAW = "saw"
    INTENT = "intent"
    DONE = "done"
    FAILED = "failed"
    """The effect did not happen, by the host's own answer."""
    LOST = "lost"
    """The effect may have happened: its reply was lost."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One record. Which fields it has follows from its kind."""

    kind: Kind
    state: State | None = None
    event: Event | None = None
    """What led to `state`; None of the first one."""
    saw: Sighted | None = None
    effect: Effect | None = None
    text: str = ""
    """Why, or a host's own words."""
    at: str = ""
    """RFC 3339 in UTC."""
    worker: str = ""
    """Who wrote it."""


class BrokenJournal(Exception):
    """A fault of ours: what was to be written breaks the rules of a migration, and was not written."""


OUTCOMES = (Kind.DONE, Kind.FAILED, Kind.LOST)
_ONGOING = (What.COPY, What.RECOVER)
"""Others are made while these go on."""
_CONCLUSIONS = (Event.SAFE, Event.ARRIVED, Event.STOPPED, Event.MOVING, Event.SWITCH)


def state_of(entries: Sequence[Entry]) -> State:
    return next(each.state for each in reversed(entries) if each.state is not None)


def made(entries: Sequence[Entry]) -> tuple[Effect, ...]:
    """Every effect that may be there now, oldest first: not those that a host said it did not make, nor the undone."""
    there: list[Effect] = []
    for each in entries:
        if each.effect is None:
            continue
        if each.kind is Kind.INTENT:
            there.append(each.effect)
        elif each.kind is Kind.FAILED and each.effect in there and each.effect.what not in _ONGOING:
            there.remove(each.effect)
        elif each.kind is Kind.DONE and each.effect.what is What.REMOVE_VOLUME:
            there = [it for it in there if (it.what, it.thing) != (What.MAKE_VOLUME, each.effect.thing)]
        elif each.kind is Kind.DONE and each.effect.what in LIMITS:
            there = [it for it in there if (it.what, it.was) != (each.effect.what, each.effect.value)]
    return tuple(there)


def unanswered(entries: Sequence[Entry]) -> tuple[Effect, ...]:
    """Intents of the worker that has it now whose outcome is not written yet."""
    found: list[Effect] = []
    for each in entries:
        if each.event is Event.TAKE_OVER:
            found.clear()
        elif each.effect is not None and each.kind is Kind.INTENT:
            found.append(each.effect)
        elif each.effect in found:
            found.remove(each.effect)
    return tuple(found)


def heard_of(what: What, entries: Sequence[Entry]) -> frozenset[Effect]:
    """Those of which a host said that it has made them."""
    return frozenset(
        each.effect
        for each in entries
        if each.kind is Kind.DONE and each.effect is not None and each.effect.what is what
    )


def failed_to(what: What, entries: Sequence[Entry]) -> bool:
    """The last attempt at it failed, as far as can be known."""
    outcomes = [each.kind for each in entries if each.effect is not None and each.effect.what is what]
    return bool(outcomes) and outcomes[-1] is not Kind.DONE


def may_be_made(what: What, entries: Sequence[Entry]) -> bool:
    """It was told, and nobody heard that it was not made."""
    kinds = [each.kind for each in entries if each.effect is not None and each.effect.what is what]
    return bool(kinds) and kinds[-1] is not Kind.FAILED


def check_invariants(entries: Sequence[Entry], before: Before) -> None:
    """Raises BrokenJournal. To be asked before every write, with what is to be written."""
    problem = next(problems(entries, before), None)
    if problem is not None:
        raise BrokenJournal(problem)


def problems(entries: Sequence[Entry], before: Before) -> Iterator[str]:
    if not entries or entries[0].state is not State.PLANNED or entries[0].event is not None:
        yield "it does not begin with a plan"
        return
    reader = _Reader(before)
    for number, each in enumerate(entries[1:], 1):
        yield from reader.read(each, entries[:number])


@dataclass(slots=True)
class _Reader:
    """How far it has been read."""

    before: Before
    state: State = State.PLANNED
    open_intents: list[Effect] = field(default_factory=list)
    seen: Sighted | None = None
    """What both hosts said, if nothing has happened since."""
    copied: bool = False

    def read(self, entry: Entry, past: Sequence[Entry]) -> Iterator[str]:
        if self.state in TERMINAL:
            yield f"{entry.kind} after the end, {self.state}"
        match entry.kind:
            case Kind.STATE:
                yield from self._state(entry, past)
            case Kind.SAW:
                self.seen = entry.saw
            case Kind.INTENT if entry.effect is not None:
                yield from self._wrong_intent(entry.effect)
                self.open_intents.append(entry.effect)
                self.copied = self.copied or entry.effect.what is What.COPY
                self.seen = None
            case _ if entry.effect in self.open_intents:
                self.open_intents.remove(entry.effect)
            case _:
                yield f"an outcome of {entry.effect}, which was not intended"

    def _state(self, entry: Entry, past: Sequence[Entry]) -> Iterator[str]:
        event, state = entry.event, entry.state
        if state is None or event is None or TABLE[self.state].get(event) is not state:
            yield f"{event} does not lead from {self.state} to {state}"
        elif event is Event.TAKE_OVER:
            self.open_intents.clear()  # whatever became of them is what the hosts say
        else:
            yield from self._wrong_conclusion(event, past)
            if state in AT_REST and self.open_intents:
                yield f"{state} while the outcome of {self.open_intents[0].what} is not known"
        self.state, self.seen = state or self.state, None

    def _wrong_conclusion(self, event: Event, past: Sequence[Entry]) -> Iterator[str]:
        """Who has the guest is what both hosts have just said, and nothing else."""
        settling = self.state is State.SETTLING and event in _CONCLUSIONS and self.copied
        undone = self.state is State.ROLLING_BACK and event in (Event.GO, Event.STOPPED, Event.LEAVE)
        if not settling and not undone:
            return
        if self.seen is None:
            yield f"{event} without having asked both hosts right before"
            return
        found = settle(self.seen.source, self.seen.target, self.before).event
        if settling and found is not event:
            yield f"{event}, but what both hosts said means {found}"
        if undone and self.copied and (found is Event.STOPPED) is not (event is Event.STOPPED):
            yield f"{event} after an undo, but what both hosts said means {found}"
        if undone and event is not Event.STOPPED and bool(left_volumes(made(past))) is not (event is Event.LEAVE):
            yield f"{event} after an undo with {len(left_volumes(made(past)))} volumes left"
        if undone and not is_undone(made(past), self.seen, self.before):
            yield f"{event} after an undo that left {self.seen.source} on the source, {self.seen.target} on the target"

    def _wrong_intent(self, effect: Effect) -> Iterator[str]:
        what = effect.what
        if any(other.what not in _ONGOING for other in self.open_intents):
            yield f"{what} while the outcome of another effect is not known"
        if what not in SETTLED_FIRST:
            return
        if self.open_intents:
            yield f"{what} while the guest is being copied"
        if self.state not in MADE_IN[what]:
            yield f"{what} while it is {self.state}"
        if self.seen is None:
            yield f"{what} without having asked both hosts right before"
        elif (why := blocked(effect, self.seen, self.before)) is not None:
            yield f"{what}, but {why}"
        if not self.copied and what not in WITHOUT_COPY:
            yield f"{what}, but this migration has copied nothing"
