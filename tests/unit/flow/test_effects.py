"""What may be done to a host and when, against a table written by hand from what QEMU and libvirt can lose."""

from __future__ import annotations

import itertools

import pytest

from vmferry.flow.effects import SETTLED_FIRST, Effect, Sighted, What, blocked, completing, undoing
from vmferry.flow.settle import Before, settle
from vmferry.flow.sights import Sight
from vmferry.flow.states import Event

S = Sight
PAIRS = list(itertools.product(Sight, Sight))
KEEPS = list(itertools.product((False, True), (False, True)))
BEFORE = [Before(paused, persistent) for paused in (False, True) for persistent in (True, False)]
ORDINARY = Before()

# (source, target) at which each may be made, of a persistent guest that ran, with all definitions where they help.
MAY: dict[What, set[tuple[Sight, Sight]]] = {
    What.DESTROY_ARRIVING: {
        *((here, S.ARRIVING) for here in (S.RUNS, S.PAUSED, S.HELD, S.OFF)),
        *((here, S.HELD) for here in (S.RUNS, S.PAUSED, S.HELD, S.OFF)),
    },
    What.UNDEFINE_TARGET: {(S.RUNS, S.OFF), (S.PAUSED, S.OFF)},
    What.RESUME_SOURCE: {(S.HELD, S.ABSENT)},
    What.DESTROY_STALE: {(S.HELD, S.RUNS), (S.HELD, S.MOVING), (S.HELD, S.SWITCHING)},
    What.UNDEFINE_SOURCE: {(S.OFF, S.RUNS), (S.OFF, S.PAUSED), (S.OFF, S.MOVING), (S.OFF, S.SWITCHING)},
    What.AUTOSTART_OFF: {(S.OFF, S.RUNS), (S.OFF, S.PAUSED), (S.OFF, S.MOVING), (S.OFF, S.SWITCHING)},
    What.PAUSE: {(S.ABSENT, S.RUNS), (S.OFF, S.RUNS)},
    What.ANNOUNCE: {(S.ABSENT, S.RUNS), (S.OFF, S.RUNS)},
    What.KEEP_DEFINITION: {
        *((S.ABSENT, there) for there in (S.RUNS, S.PAUSED, S.MOVING, S.SWITCHING)),
        *((S.OFF, there) for there in (S.RUNS, S.PAUSED, S.MOVING, S.SWITCHING)),
    },
    What.REMOVE_VOLUME: {(S.RUNS, S.ABSENT), (S.PAUSED, S.ABSENT), (S.OFF, S.ABSENT)},
    What.REMOVE_SOURCE: {(S.ABSENT, S.RUNS), (S.ABSENT, S.PAUSED)},
    What.RENAME_SOURCE: {(S.ABSENT, S.RUNS), (S.ABSENT, S.PAUSED)},
}

NO_QEMU = {S.OFF, S.ABSENT}
CPUS_NEVER_STARTED = {S.ARRIVING, S.HELD}
"""By the word of a target."""
NOT_WHOLE = {S.POST_COPY, S.POST_COPY_BROKEN}
"""A part of its memory is on the other host."""


def may(what: What, seen: Sighted, before: Before = ORDINARY) -> bool:
    return blocked(Effect(what, "either"), seen, before) is None


def test_every_effect_that_is_made_on_what_hosts_said_has_a_row() -> None:
    assert set(MAY) == SETTLED_FIRST


@pytest.mark.parametrize("what", sorted(MAY))
def test_the_whole_table(what: What) -> None:
    allowed = {pair for pair in PAIRS if may(what, Sighted(*pair, source_keeps=True, target_keeps=True))}
    assert allowed == MAY[what]


@pytest.mark.parametrize(("here", "there"), PAIRS)
@pytest.mark.parametrize("before", BEFORE)
def test_what_must_never_be(here: Sight, there: Sight, before: Before) -> None:
    """Whatever the table says: these are the ways in which a guest, its memory or its definition is lost."""
    for keeps in KEEPS:
        seen = Sighted(here, there, *keeps)
        allowed = {what for what in SETTLED_FIRST if may(what, seen, before)}
        if S.UNASKED in (here, there):
            assert not allowed, "a host that was not asked may have it"
        if here in NOT_WHOLE or there in NOT_WHOLE:
            assert not allowed, "each half of a post-copy needs the other"
        if here in (S.MOVING, S.SWITCHING):
            assert not allowed, "libvirt is not done with it"
        if What.DESTROY_ARRIVING in allowed:
            assert there in CPUS_NEVER_STARTED, "one that may have run is destroyed on the target"
            assert here is not S.ABSENT or not before.persistent, "the last of it is destroyed"
        if What.DESTROY_STALE in allowed:
            assert here is S.HELD, "one that a user paused, or that runs, is no stale copy"
            assert there in (S.RUNS, S.MOVING, S.SWITCHING), "the last of it is destroyed"
        if What.RESUME_SOURCE in allowed:
            assert here is S.HELD, "one that a user or an error paused is not ours to resume"
            assert there is S.ABSENT, "it may have run there"
            assert before.persistent, "one that is gone without a trace may have run there"
            assert not before.paused, "it was paused before"
        if What.UNDEFINE_TARGET in allowed:
            assert there is S.OFF, "a definition is taken from under a guest"
            assert here in (S.RUNS, S.PAUSED)
            assert seen.source_keeps, "the last definition is removed"
        if What.UNDEFINE_SOURCE in allowed:
            assert here is S.OFF, "a definition is taken from under a guest"
            assert there not in NO_QEMU | {S.ARRIVING, S.HELD}
            assert seen.target_keeps, "the last definition is removed"
        if What.KEEP_DEFINITION in allowed:
            assert there not in NO_QEMU | {S.ARRIVING, S.HELD}, "there is nothing to keep the definition of"
            assert here in NO_QEMU, "it would be defined where it does not belong"
        if What.REMOVE_VOLUME in allowed:
            assert there is S.ABSENT, "a guest's disk is taken from under it"
            assert here not in (S.ABSENT, S.OFF) or seen.source_keeps, "it may be the last of the guest's data"
        if allowed & {What.REMOVE_SOURCE, What.RENAME_SOURCE}:
            assert here is S.ABSENT, "a guest's disk is taken from under it"
            assert there in (S.RUNS, S.PAUSED), "it may be the last of the guest's data"
        assert not ({What.REMOVE_SOURCE, What.RENAME_SOURCE} & allowed and What.REMOVE_VOLUME in allowed)
        assert not {What.DESTROY_STALE, What.DESTROY_ARRIVING} <= allowed, "both of its copies could be destroyed"
        assert not {What.UNDEFINE_SOURCE, What.UNDEFINE_TARGET} <= allowed


@pytest.mark.parametrize("what", [What.DESTROY_ARRIVING, What.RESUME_SOURCE])
def test_a_transient_guest_has_no_definition_to_tell_of_it(what: What) -> None:
    transient = Before(persistent=False)
    allowed = {pair for pair in PAIRS if may(what, Sighted(*pair), transient)}
    ended = {(S.ABSENT, S.ARRIVING), (S.ABSENT, S.HELD)}
    assert allowed == (MAY[what] | ended if what is What.DESTROY_ARRIVING else set())


@pytest.mark.parametrize("what", sorted(set(What) - SETTLED_FIRST))
def test_what_is_made_of_a_running_copy_asks_nobody(what: What) -> None:
    """Libvirt itself refuses it where there is none; nothing is destroyed by it."""
    assert all(may(what, Sighted(*pair)) for pair in PAIRS)


def test_why_not_names_what_both_have() -> None:
    why = blocked(Effect(What.RESUME_SOURCE, "alpha"), Sighted(S.HELD, S.RUNS), ORDINARY)
    assert why == "the source has it as paused by a migration, the target as runs"


COPY, LIMIT = Effect(What.COPY, "alpha"), Effect(What.LIMIT_DOWNTIME, "alpha", 500, 300)
RESTORED = Effect(What.LIMIT_DOWNTIME, "alpha", 300)


def undo(made: list[Effect], seen: Sighted, before: Before = ORDINARY) -> list[Effect]:
    return list(undoing(made, seen, "alpha", "beta", before))


def test_what_was_not_made_is_not_undone() -> None:
    for pair in PAIRS:
        assert undo([], Sighted(*pair)) == []


def test_the_newest_is_undone_first() -> None:
    assert undo([LIMIT, COPY], Sighted(S.RUNS, S.HELD)) == [Effect(What.DESTROY_ARRIVING, "beta"), RESTORED]


@pytest.mark.parametrize("here", list(Sight))
def test_the_limit_is_put_back_where_its_qemu_still_is(here: Sight) -> None:
    expected = [RESTORED] if here in (S.RUNS, S.PAUSED, S.HELD) else []
    assert undo([LIMIT], Sighted(here, S.ABSENT)) == expected


def test_of_two_limits_the_first_one_s_old_value_is_the_last_word() -> None:
    second = Effect(What.LIMIT_DOWNTIME, "alpha", 800, 500)
    restoring = undo([LIMIT, second], Sighted(S.RUNS, S.ABSENT))
    assert [each.value for each in restoring] == [500, 300]


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (Sighted(S.RUNS, S.ABSENT), []),
        (Sighted(S.RUNS, S.ARRIVING), [(What.DESTROY_ARRIVING, "beta")]),
        (Sighted(S.RUNS, S.OFF), [(What.UNDEFINE_TARGET, "beta")]),
        (Sighted(S.HELD, S.ABSENT), [(What.RESUME_SOURCE, "alpha")]),
        (Sighted(S.HELD, S.HELD), [(What.DESTROY_ARRIVING, "beta"), (What.RESUME_SOURCE, "alpha")]),
        (Sighted(S.RUNS, S.RUNS), []),
        (Sighted(S.OFF, S.HELD), [(What.DESTROY_ARRIVING, "beta")]),
    ],
)
def test_what_takes_back_a_copy(seen: Sighted, expected: list[tuple[What, str]]) -> None:
    assert [(each.what, each.host) for each in undo([COPY], seen)] == expected


def test_a_guest_that_was_paused_is_not_resumed() -> None:
    assert undo([COPY], Sighted(S.HELD, S.ABSENT), Before(paused=True)) == []


@pytest.mark.parametrize(("here", "there"), PAIRS)
@pytest.mark.parametrize("before", BEFORE)
def test_what_is_to_be_undone_first_may_be_made_wherever_the_hosts_said_that_it_is_safe(
    here: Sight, there: Sight, before: Before
) -> None:
    """Else an undo would come to nothing at a place that the table of who has the guest calls safe."""
    seen = Sighted(here, there, source_keeps=before.persistent, target_keeps=there is S.OFF)
    if settle(here, there, before).event not in (Event.SAFE, Event.STOPPED):
        return
    if not before.persistent and there is S.OFF:
        return  # the migration of a transient guest makes no definition: that one is somebody else's
    first = next(iter(undo([LIMIT, COPY], seen, before)), None)
    assert first is None or blocked(first, seen, before) is None


def complete(seen: Sighted, before: Before = ORDINARY) -> list[tuple[What, str]]:
    return [(each.what, each.host) for each in completing(seen, "alpha", "beta", before)]


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (Sighted(S.ABSENT, S.RUNS, target_keeps=True), []),
        (Sighted(S.ABSENT, S.RUNS), [(What.KEEP_DEFINITION, "beta")]),
        (Sighted(S.OFF, S.RUNS, True, True), [(What.UNDEFINE_SOURCE, "alpha")]),
        (Sighted(S.OFF, S.RUNS, True), [(What.KEEP_DEFINITION, "beta"), (What.UNDEFINE_SOURCE, "alpha")]),
        (Sighted(S.HELD, S.RUNS, False, True), [(What.DESTROY_STALE, "alpha")]),
        (Sighted(S.HELD, S.RUNS, True, True), [(What.DESTROY_STALE, "alpha"), (What.UNDEFINE_SOURCE, "alpha")]),
    ],
)
def test_what_completes_an_arrival(seen: Sighted, expected: list[tuple[What, str]]) -> None:
    assert complete(seen) == expected


def test_a_transient_guest_gets_no_definition_and_loses_none() -> None:
    assert complete(Sighted(S.ABSENT, S.RUNS), Before(persistent=False)) == []
    assert complete(Sighted(S.OFF, S.RUNS, source_keeps=True), Before(persistent=False)) == []
