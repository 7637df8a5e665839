"""What must hold of a journal at every moment: each rule has a journal that breaks it by its last entry."""

from __future__ import annotations

import pytest

from vmferry.flow.effects import Effect, Sighted, What
from vmferry.flow.journal import BrokenJournal, Entry, Kind, check_invariants, made, problems, state_of
from vmferry.flow.settle import Before
from vmferry.flow.sights import Sight
from vmferry.flow.states import TERMINAL, Event, State

S, E = State, Event
COPY = Effect(What.COPY, "alpha")
ABORT = Effect(What.ABORT, "alpha")
LIMIT = Effect(What.LIMIT_DOWNTIME, "alpha", 500, 300)
RESTORE = Effect(What.LIMIT_DOWNTIME, "alpha", 300)
DESTROY = Effect(What.DESTROY_ARRIVING, "beta")
RESUME = Effect(What.RESUME_SOURCE, "alpha")
STALE = Effect(What.DESTROY_STALE, "alpha")
BOTH_HELD = Sighted(Sight.HELD, Sight.HELD, source_keeps=True)
SOURCE_HELD = Sighted(Sight.HELD, Sight.ABSENT, source_keeps=True)
ARRIVED = Sighted(Sight.HELD, Sight.RUNS, target_keeps=True)
AT_HOME = Sighted(Sight.RUNS, Sight.ABSENT, source_keeps=True)


def to(event: Event, state: State) -> Entry:
    return Entry(Kind.STATE, state, event)


def saw(seen: Sighted) -> Entry:
    return Entry(Kind.SAW, saw=seen)


def intent(effect: Effect) -> Entry:
    return Entry(Kind.INTENT, effect=effect)


def done(effect: Effect) -> Entry:
    return Entry(Kind.DONE, effect=effect)


def failed(effect: Effect) -> Entry:
    return Entry(Kind.FAILED, effect=effect)


def lost(effect: Effect) -> Entry:
    return Entry(Kind.LOST, effect=effect)


PLANNED = [Entry(Kind.STATE, S.PLANNED)]
RESERVED = [*PLANNED, to(E.GO, S.CHECKED), to(E.GO, S.RESERVED)]
COPYING = [*RESERVED, to(E.GO, S.PREPARED), to(E.GO, S.COPYING), intent(COPY)]
SETTLING = [*COPYING, lost(COPY), to(E.BREAK, S.SETTLING)]
UNDOING = [*SETTLING, saw(BOTH_HELD), to(E.SAFE, S.ROLLING_BACK)]
SWITCHED = [*COPYING, done(COPY), to(E.GO, S.SWITCHED)]
WHOLE = [*UNDOING, saw(BOTH_HELD), intent(DESTROY), done(DESTROY), saw(SOURCE_HELD), intent(RESUME), done(RESUME)]


def wrong(entries: list[Entry], before: Before = Before()) -> list[str]:  # noqa: B008 - frozen
    return list(problems(entries, before))


@pytest.mark.parametrize(
    "entries",
    [
        PLANNED,
        COPYING,
        [*COPYING, to(E.CANCEL, S.COPYING), intent(ABORT), done(ABORT), failed(COPY), to(E.BREAK, S.SETTLING)],
        SETTLING,
        [*WHOLE, saw(AT_HOME), to(E.GO, S.ROLLED_BACK)],
        [*SWITCHED, saw(ARRIVED), intent(STALE), done(STALE), to(E.GO, S.VERIFIED), to(E.GO, S.FINISHED)],
        [*RESERVED, intent(LIMIT), to(E.TAKE_OVER, S.ROLLING_BACK), intent(RESTORE), done(RESTORE)],
        [*UNDOING, saw(BOTH_HELD), intent(DESTROY), to(E.TAKE_OVER, S.SETTLING), saw(SOURCE_HELD)],
        [*SETTLING, saw(Sighted(Sight.RUNS, Sight.UNASKED)), to(E.DOUBT, S.IN_DOUBT)],
    ],
)
def test_journals_of_real_runs_hold(entries: list[Entry]) -> None:
    for end in range(1, len(entries) + 1):
        check_invariants(entries[:end], Before())


BROKEN: dict[str, tuple[list[Entry], str]] = {
    "it is empty": ([], "does not begin with a plan"),
    "it begins elsewhere": ([Entry(Kind.STATE, S.CHECKED)], "does not begin with a plan"),
    "it begins with an event": ([Entry(Kind.STATE, S.PLANNED, E.GO)], "does not begin with a plan"),
    "a state is left out": ([*PLANNED, to(E.GO, S.RESERVED)], "go does not lead from planned to reserved"),
    "an event has no row": ([*PLANNED, to(E.SAFE, S.ROLLING_BACK)], "safe does not lead"),
    "a state without its event": ([*PLANNED, Entry(Kind.STATE, S.CHECKED)], "None does not lead"),
    "an event without its state": ([*PLANNED, Entry(Kind.STATE, event=E.GO)], "go does not lead"),
    "a cancel out of post-copy": (
        [*COPYING, to(E.SWITCH, S.POST_COPY), to(E.CANCEL, S.SETTLING)],
        "cancel does not lead from post-copy",
    ),
    "something after the end": (
        [*PLANNED, to(E.REFUSE, S.REFUSED), saw(SOURCE_HELD)],
        "saw after the end, refused",
    ),
    "an outcome of nothing": ([*RESERVED, done(LIMIT)], "was not intended"),
    "an outcome twice": ([*RESERVED, intent(LIMIT), done(LIMIT), done(LIMIT)], "was not intended"),
    "the outcome of another effect": ([*RESERVED, intent(LIMIT), done(RESTORE)], "was not intended"),
    "an intent without an effect": ([*RESERVED, Entry(Kind.INTENT)], "was not intended"),
    "an outcome from before a take-over": (
        [*RESERVED, intent(LIMIT), to(E.TAKE_OVER, S.ROLLING_BACK), done(LIMIT)],
        "was not intended",
    ),
    "two effects at once": ([*RESERVED, intent(LIMIT), intent(RESTORE)], "while the outcome of another effect"),
    "an undo while it is copied": (
        [*COPYING, saw(BOTH_HELD), intent(DESTROY)],
        "while the guest is being copied",
    ),
    "nobody was asked since": ([*UNDOING, intent(DESTROY)], "without having asked both"),
    "asked before another effect": (
        [*UNDOING, saw(BOTH_HELD), intent(DESTROY), done(DESTROY), intent(RESUME)],
        "without having asked both",
    ),
    "what was answered forbids it": (
        [*UNDOING, saw(Sighted(Sight.HELD, Sight.RUNS)), intent(RESUME)],
        "resume the guest, but the source has it as paused by a migration, the target as runs",
    ),
    "nothing was copied": (
        [*RESERVED, to(E.BREAK, S.ROLLING_BACK), saw(BOTH_HELD), intent(DESTROY)],
        "has copied nothing",
    ),
    "a stale copy destroyed in an undo": (
        [*UNDOING, saw(ARRIVED), intent(STALE)],
        "destroy the old, paused copy while it is rolling_back",
    ),
    "a source resumed after the switch": ([*SWITCHED, saw(SOURCE_HELD), intent(RESUME)], "while it is switched"),
    "it is safe by nobody's word": ([*SETTLING, to(E.SAFE, S.ROLLING_BACK)], "safe without"),
    "it is safe against their word": (
        [*SETTLING, saw(Sighted(Sight.HELD, Sight.RUNS)), to(E.SAFE, S.ROLLING_BACK)],
        "safe, but",
    ),
    "it has arrived against their word": ([*SETTLING, saw(AT_HOME), to(E.ARRIVED, S.SWITCHED)], "arrived, but"),
    "it is safe by the word of before a take-over": (
        [*SETTLING, saw(AT_HOME), to(E.TAKE_OVER, S.SETTLING), to(E.SAFE, S.ROLLING_BACK)],
        "safe without",
    ),
    "it is undone by nobody's word": ([*WHOLE, to(E.GO, S.ROLLED_BACK)], "go without"),
    "it is undone and something is left": (
        [*WHOLE, saw(Sighted(Sight.RUNS, Sight.HELD)), to(E.GO, S.ROLLED_BACK)],
        "left runs on the source, paused by a migration on the target",
    ),
    "it is undone and held": ([*WHOLE, saw(SOURCE_HELD), to(E.GO, S.ROLLED_BACK)], "after an undo that left"),
    "it is undone, but it stopped": (
        [*WHOLE, saw(Sighted(Sight.OFF, Sight.ABSENT)), to(E.GO, S.ROLLED_BACK)],
        "means stopped",
    ),
    "it stopped, but it runs": ([*WHOLE, saw(AT_HOME), to(E.STOPPED, S.FAILED)], "means safe"),
    "it ends in the middle of an effect": (
        [*RESERVED, to(E.BREAK, S.ROLLING_BACK), intent(RESTORE), to(E.GO, S.ROLLED_BACK)],
        "rolled_back while the outcome of",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_journal_that_breaks_a_rule_is_not_written(name: str) -> None:
    entries, words = BROKEN[name]
    if len(entries) > 1:
        assert wrong(entries[:-1]) == [], "only its last entry is wrong"
    assert any(words in each for each in wrong(entries)), wrong(entries)
    with pytest.raises(BrokenJournal):
        check_invariants(entries, Before())


@pytest.mark.parametrize("end", sorted(TERMINAL))
def test_every_end_is_an_end(end: State) -> None:
    way = {
        S.FINISHED: [*SWITCHED, to(E.GO, S.VERIFIED), to(E.GO, S.FINISHED)],
        S.ROLLED_BACK: [*WHOLE, saw(AT_HOME), to(E.GO, S.ROLLED_BACK)],
        S.REFUSED: [*PLANNED, to(E.REFUSE, S.REFUSED)],
        S.FAILED: [*PLANNED, to(E.BREAK, S.FAILED)],
    }[end]
    assert wrong(way) == []
    for event in Event:
        assert wrong([*way, to(event, S.SETTLING)]) != []


def test_what_a_guest_was_like_before_counts() -> None:
    """One that was paused is not resumed; a transient one may have run and be gone."""
    ran = [*UNDOING, saw(BOTH_HELD), intent(DESTROY), done(DESTROY), saw(SOURCE_HELD), intent(RESUME)]
    assert wrong(ran) == []
    assert any("resume" in each for each in wrong(ran, Before(paused=True)))
    assert any("resume" in each for each in wrong(ran, Before(persistent=False)))


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([], ()),
        ([intent(LIMIT)], (LIMIT,)),
        ([intent(LIMIT), done(LIMIT)], (LIMIT,)),
        ([intent(LIMIT), lost(LIMIT)], (LIMIT,)),
        ([intent(LIMIT), failed(LIMIT)], ()),
        ([intent(LIMIT), done(LIMIT), intent(COPY)], (LIMIT, COPY)),
        ([intent(COPY), failed(COPY)], (COPY,)),
        ([intent(COPY), lost(COPY)], (COPY,)),
        ([intent(LIMIT), done(LIMIT), intent(RESTORE), lost(RESTORE)], (LIMIT, RESTORE)),
        ([intent(LIMIT), done(LIMIT), intent(RESTORE), failed(RESTORE)], (LIMIT,)),
        ([intent(LIMIT), done(LIMIT), intent(RESTORE), done(RESTORE)], (RESTORE,)),
        ([intent(LIMIT), intent(RESTORE), done(RESTORE)], (RESTORE,)),
    ],
)
def test_what_may_be_there_now(entries: list[Entry], expected: tuple[Effect, ...]) -> None:
    """A copy that failed may have left something: only what both hosts say takes it back."""
    assert made(entries) == expected


def test_where_it_is() -> None:
    assert state_of(UNDOING) is S.ROLLING_BACK
    assert state_of([*UNDOING, saw(SOURCE_HELD)]) is S.ROLLING_BACK
