"""The table of who runs the guest, against an independent statement of what must hold."""

from __future__ import annotations

import itertools

import pytest

from vmferry.flow.settle import TABLE, Settled, Sight, settle, sight
from vmferry.model.guest import GuestState
from vmferry.model.migration import Outcome

PAIRS = list(itertools.product(Sight, Sight))
GONE = {Sight.OFF, Sight.ABSENT}
"""Answers that say: no QEMU of it is here."""


def ordinary(source: Sight, target: Sight) -> Settled:
    return settle(source, target, was_paused=False, persistent=True)


def test_the_table_is_total() -> None:
    assert {(source, target) for source, row in TABLE.items() for target in row} == set(PAIRS)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_what_must_hold(source: Sight, target: Sight) -> None:
    outcome = ordinary(source, target).outcome
    if Sight.UNASKED in (source, target) or source is Sight.MOVING:
        assert outcome is Outcome.IN_DOUBT
    elif source not in GONE and target not in GONE:
        assert outcome is Outcome.IN_DOUBT, "two copies are never anything else"
    elif outcome is Outcome.ROLLED_BACK:
        assert (source, target) == (Sight.RUNS, Sight.ABSENT)
    elif outcome is Outcome.MIGRATED:
        assert source in GONE
        assert target not in GONE
    elif outcome is Outcome.FAILED:
        assert (source, target) == (Sight.OFF, Sight.ABSENT), "a guest that neither has may be lost"


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_what_is_said_names_a_host_to_look_at(source: Sight, target: Sight) -> None:
    text = ordinary(source, target).text.format(source="h1", target="h2")
    assert "h1" in text or "h2" in text


def test_a_guest_that_was_paused_is_safe_paused() -> None:
    assert settle(Sight.PAUSED, Sight.ABSENT, was_paused=True, persistent=True).outcome is Outcome.ROLLED_BACK
    assert settle(Sight.PAUSED, Sight.ABSENT, was_paused=False, persistent=True).outcome is Outcome.IN_DOUBT
    assert settle(Sight.PAUSED, Sight.RUNS, was_paused=True, persistent=True).outcome is Outcome.IN_DOUBT


def test_a_transient_guest_that_stops_is_gone_and_not_lost() -> None:
    assert settle(Sight.ABSENT, Sight.ABSENT, was_paused=False, persistent=False).outcome is Outcome.FAILED
    assert settle(Sight.ABSENT, Sight.ABSENT, was_paused=False, persistent=True).outcome is Outcome.IN_DOUBT


def test_every_state_of_libvirt_is_a_sight() -> None:
    assert sight(None) is Sight.ABSENT
    assert {state: sight(state) for state in GuestState} == {
        GuestState.RUNNING: Sight.RUNS,
        GuestState.BLOCKED: Sight.RUNS,
        GuestState.PAUSED: Sight.PAUSED,
        GuestState.SUSPENDED: Sight.PAUSED,
        GuestState.SHUTTING_DOWN: Sight.RUNS,
        GuestState.SHUT_OFF: Sight.OFF,
        GuestState.CRASHED: Sight.PAUSED,
        GuestState.UNKNOWN: Sight.UNASKED,
    }


def test_a_copy_that_is_still_sent_is_moving_whatever_the_guest_does() -> None:
    assert sight(GuestState.RUNNING, moving=True) is Sight.MOVING
    assert sight(GuestState.PAUSED, moving=True) is Sight.MOVING
    assert sight(None, moving=True) is Sight.ABSENT
    assert sight(GuestState.UNKNOWN, moving=True) is Sight.UNASKED
