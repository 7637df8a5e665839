"""What is written down of a migration, what can be read from it, and what must hold of it at every moment.

An effect is an intent before it is made and an outcome after. An intent without an outcome means only that it may have
been made: whoever reads that looks at the hosts.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vmferry.flow.effects import SETTLED_FIRST, Effect, Sighted, What, blocked
from vmferry.flow.settle import Before
from vmferry.flow.states import TABLE, TERMINAL, Event, State


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
_ONGOING = (What.COPY,)
"""Others are made while these go on."""


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
        elif each.kind is Kind.DONE and each.effect.what is What.LIMIT_DOWNTIME:
            there = [it for it in there if (it.what, it.was) != (What.LIMIT_DOWNTIME, each.effect.value)]
    return tuple(there)


def last_seen(entries: Sequence[Entry]) -> Sighted | None:
    return next((each.saw for each in reversed(entries) if each.saw is not None), None)


def check_invariants(entries: Sequence[Entry], before: Before) -> None:
    """Raises BrokenJournal. To be asked before every write, with what is to be written."""
    problem = next(problems(entries, before), None)
    if problem is not None:
        raise BrokenJournal(problem)


def problems(entries: Sequence[Entry], before: Before) -> Iterator[str]:
    if not entries or entries[0].state is not State.PLANNED or entries[0].event is not None:
        yield "it does not begin with a plan"
        return
    state, open_intents, seen = State.PLANNED, list[Effect](), None
    for number, each in enumerate(entries[1:], 1):
        if state in TERMINAL:
            yield f"{each.kind} after the end, {state}"
        match each.kind:
            case Kind.STATE:
                if each.state is None or each.event is None or TABLE[state].get(each.event) is not each.state:
                    yield f"{each.event} does not lead from {state} to {each.state}"
                state = each.state or state
                if each.event is Event.TAKE_OVER:
                    open_intents.clear()  # whatever became of them is what the hosts say
                    seen = None
            case Kind.SAW:
                seen = each.saw
            case Kind.INTENT if each.effect is not None:
                yield from _wrong_intent(each.effect, entries[:number], open_intents, seen, before)
                open_intents.append(each.effect)
                seen = None
            case _:
                if each.effect not in open_intents:
                    yield f"an outcome of {each.effect}, which was not intended"
                else:
                    open_intents.remove(each.effect)


def _wrong_intent(
    effect: Effect, past: Sequence[Entry], open_intents: Sequence[Effect], seen: Sighted | None, before: Before
) -> Iterator[str]:
    if any(other.what not in _ONGOING for other in open_intents):
        yield f"{effect.what} while the outcome of another effect is not known"
    if effect.what not in SETTLED_FIRST:
        return
    if open_intents:
        yield f"{effect.what} while the guest is being copied"
    if seen is None:
        yield f"{effect.what} without having asked both hosts right before"
    elif (why := blocked(effect, seen, before)) is not None:
        yield f"{effect.what}, but {why}"
    if not any(each.kind is Kind.INTENT and each.effect and each.effect.what is What.COPY for each in past):
        yield f"{effect.what}, but this migration has copied nothing"
