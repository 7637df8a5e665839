"""The table of who runs the guest, against an independent statement of what must hold."""

from __future__ import annotations

import itertools

import pytest

from vmferry.flow.settle import TABLE, Sight, settle, sight
from vmferry.model.guest import GuestState
from vmferry.model.migration import Outcome

PAIRS = list(itertools.product(Sight, Sight))
GONE = {Sight.OFF, Sight.ABSENT}


def test_the_table_is_total() -> None:
    assert {(source, target) for source, row in TABLE.items() for target in row} == set(PAIRS)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_what_must_hold(source: Sight, target: Sight) -> None:
    outcome = settle(source, target, was_paused=False).outcome
    if Sight.UNASKED in (source, target):
        assert outcome is Outcome.IN_DOUBT
    elif source not in GONE and target not in GONE:
        assert outcome is Outcome.IN_DOUBT, "two copies are never anything else"
    elif outcome is Outcome.ROLLED_BACK:
        assert (source, target) == (Sight.RUNS, Sight.ABSENT)
    elif outcome is Outcome.MIGRATED:
        assert source in GONE
        assert target not in GONE
    elif outcome is Outcome.FAILED:
        assert source in GONE
        assert target in GONE


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_what_is_in_doubt_names_a_host_to_look_at(source: Sight, target: Sight) -> None:
    answer = settle(source, target, was_paused=False)
    text = answer.text.format(source="h1", target="h2")
    assert ("h1" in text or "h2" in text) or answer.outcome is Outcome.FAILED


def test_a_guest_that_was_paused_is_safe_paused() -> None:
    assert settle(Sight.PAUSED, Sight.ABSENT, was_paused=True).outcome is Outcome.ROLLED_BACK
    assert settle(Sight.PAUSED, Sight.ABSENT, was_paused=False).outcome is Outcome.IN_DOUBT
    assert settle(Sight.PAUSED, Sight.RUNS, was_paused=True).outcome is Outcome.IN_DOUBT


def test_every_state_of_libvirt_is_a_sight() -> None:
    assert sight(None) is Sight.ABSENT
    assert {state: sight(state) for state in GuestState} == {
        GuestState.RUNNING: Sight.RUNS,
        GuestState.BLOCKED: Sight.RUNS,
        GuestState.PAUSED: Sight.PAUSED,
        GuestState.SUSPENDED: Sight.PAUSED,
        GuestState.SHUTTING_DOWN: Sight.RUNS,
        GuestState.SHUT_OFF: Sight.OFF,
        GuestState.CRASHED: Sight.OFF,
        GuestState.UNKNOWN: Sight.UNASKED,
    }
