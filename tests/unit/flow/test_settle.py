"""The table of who has the guest, against an independent statement of what must hold."""

from __future__ import annotations

import itertools

import pytest

from vmferry.facts.guest import Reason
from vmferry.facts.look import INCOMING, OUTGOING, Look
from vmferry.flow.settle import TABLE, Before, Cell, Patience, settle
from vmferry.flow.sights import Sight, sight
from vmferry.flow.states import Event
from vmferry.model.guest import GuestState

PAIRS = list(itertools.product(Sight, Sight))
GONE = {Sight.OFF, Sight.ABSENT}
"""Answers that say: no QEMU of it is here."""
NEVER_RAN = {Sight.ARRIVING, Sight.HELD}
"""Answers of a target that say: its CPUs were not started."""
MAY_RUN = set(Sight) - GONE - NEVER_RAN - {Sight.UNASKED}


def ordinary(source: Sight, target: Sight) -> Cell:
    return settle(source, target, Before())


def test_the_table_is_total() -> None:
    assert {(source, target) for source, row in TABLE.items() for target in row} == set(PAIRS)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_what_must_hold(source: Sight, target: Sight) -> None:
    event = ordinary(source, target).event
    if source is Sight.UNASKED or (target is Sight.UNASKED and event not in (Event.MOVING,)):
        assert event is Event.DOUBT, "of a host that was not asked nothing is concluded"
    match event:
        case Event.SAFE:
            assert source in {Sight.RUNS, Sight.PAUSED, Sight.HELD}
            assert target in GONE | NEVER_RAN, "what may run there is not taken back"
        case Event.ARRIVED:
            assert target in {Sight.RUNS, Sight.PAUSED, Sight.MOVING, Sight.SWITCHING}
            assert source in GONE | {Sight.HELD, Sight.SWITCHING}, "a source that may run is not taken for gone"
        case Event.STOPPED:
            assert source is Sight.OFF, "a guest that neither has may be lost"
            assert target in {Sight.ABSENT} | NEVER_RAN
        case Event.MOVING | Event.SWITCH:
            assert source in {Sight.MOVING, Sight.SWITCHING, Sight.POST_COPY, Sight.POST_COPY_BROKEN}
        case _:
            assert event is Event.DOUBT


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_what_libvirt_may_still_change_is_waited_for(source: Sight, target: Sight) -> None:
    """Only what cannot become otherwise is believed at once, and nothing is taken back that was not looked at twice."""
    cell = ordinary(source, target)
    if cell.patience is Patience.AT_ONCE:
        assert cell.event in (Event.MOVING, Event.SWITCH, Event.ARRIVED)
    if cell.event is Event.SAFE and target is not Sight.ABSENT:
        assert cell.patience is Patience.LONG


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_what_is_said_names_a_host_to_look_at(source: Sight, target: Sight) -> None:
    text = ordinary(source, target).text.format(source="h1", target="h2")
    assert "h1" in text
    assert "h2" in text


def test_a_transient_guest_that_stops_is_gone_and_not_lost() -> None:
    transient = Before(persistent=False)
    assert settle(Sight.ABSENT, Sight.ABSENT, transient).event is Event.STOPPED
    assert settle(Sight.ABSENT, Sight.ABSENT, Before()).event is Event.DOUBT


def test_a_transient_guest_that_is_held_may_have_run_elsewhere() -> None:
    assert settle(Sight.HELD, Sight.ABSENT, Before(persistent=False)).event is Event.DOUBT
    assert settle(Sight.HELD, Sight.ABSENT, Before()).event is Event.SAFE


@pytest.mark.parametrize(
    ("look", "expected"),
    [
        (None, Sight.ABSENT),
        (Look(GuestState.UNKNOWN), Sight.UNASKED),
        (Look(GuestState.RUNNING), Sight.RUNS),
        (Look(GuestState.BLOCKED), Sight.RUNS),
        (Look(GuestState.SHUTTING_DOWN), Sight.RUNS),
        (Look(GuestState.RUNNING, job="backup"), Sight.RUNS),
        (Look(GuestState.RUNNING, job=OUTGOING), Sight.MOVING),
        (Look(GuestState.PAUSED, job=OUTGOING), Sight.MOVING),
        (Look(GuestState.PAUSED, Reason.MIGRATION, job=OUTGOING), Sight.SWITCHING),
        (Look(GuestState.PAUSED, Reason.MIGRATION, job=INCOMING), Sight.ARRIVING),
        (Look(GuestState.PAUSED, Reason.STARTING_UP, job=INCOMING), Sight.ARRIVING),
        (Look(GuestState.PAUSED, Reason.MIGRATION), Sight.HELD),
        (Look(GuestState.PAUSED, Reason.STARTING_UP), Sight.HELD),
        (Look(GuestState.PAUSED), Sight.PAUSED),
        (Look(GuestState.PAUSED, Reason.IO_ERROR), Sight.PAUSED),
        (Look(GuestState.PAUSED, Reason.RESUME_FAILED), Sight.PAUSED),
        (Look(GuestState.SUSPENDED), Sight.PAUSED),
        (Look(GuestState.CRASHED), Sight.PAUSED),
        (Look(GuestState.PAUSED, Reason.POST_COPY, job=OUTGOING), Sight.POST_COPY),
        (Look(GuestState.RUNNING, Reason.POST_COPY), Sight.POST_COPY),
        (Look(GuestState.PAUSED, Reason.POST_COPY_FAILED), Sight.POST_COPY_BROKEN),
        (Look(GuestState.RUNNING, Reason.POST_COPY_FAILED), Sight.POST_COPY_BROKEN),
        (Look(GuestState.SHUT_OFF), Sight.OFF),
    ],
)
def test_what_one_host_answers(look: Look | None, expected: Sight) -> None:
    assert sight(look) is expected


def test_a_source_that_could_not_be_resumed_is_held() -> None:
    """Its QEMU was stopped for the switch, and the target's has the lock of its images."""
    assert sight(Look(GuestState.PAUSED, Reason.RESUME_FAILED), of_source=True) is Sight.HELD
    assert sight(Look(GuestState.PAUSED, Reason.IO_ERROR), of_source=True) is Sight.PAUSED


def test_every_sight_and_every_state_of_libvirt_is_seen() -> None:
    cases = test_what_one_host_answers.pytestmark[0].args[1]  # type: ignore[attr-defined]
    assert {expected for _, expected in cases} == set(Sight)
    assert {look.state for look, _ in cases if look is not None} == set(GuestState)
