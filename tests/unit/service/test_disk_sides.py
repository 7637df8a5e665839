"""What a host's answers mean of a disk that moves alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vmferry.facts.look import Look
from vmferry.flow.effects import Effect, What
from vmferry.flow.journal import Entry, Kind, may_be_made
from vmferry.flow.settle import Before, settle
from vmferry.flow.states import Event
from vmferry.model.guest import GuestState
from vmferry.model.storage import BlockCopy, DiskCopy, DiskState
from vmferry.service.disk_sides import sighted

COPY = DiskCopy("vda", "/old", "/new", "fast", "raw", "raw", 8, 8)
RUNS = Look(GuestState.RUNNING, None, True)
OFF = replace(RUNS, state=GuestState.SHUT_OFF)
PIVOT = Effect(What.PIVOT, "h1", thing="/new")


@pytest.mark.parametrize(
    ("look", "state", "pivoting", "event"),
    [
        (RUNS, DiskState("/old", "/old"), False, Event.SAFE),
        (RUNS, DiskState("/old", "/old"), True, Event.SAFE),
        (RUNS, DiskState("/old", "/old", BlockCopy(1, 8, False)), False, Event.MOVING),
        (RUNS, DiskState("/old", "/old", BlockCopy(8, 8, True)), True, Event.MOVING),
        (RUNS, DiskState("/new", "/new"), True, Event.ARRIVED),
        (RUNS, DiskState("/new", "/old"), True, Event.ARRIVED),
        (RUNS, DiskState("/third", "/old"), False, Event.DOUBT),
        (RUNS, DiskState(None, "/old"), False, Event.DOUBT),
        (replace(RUNS, state=GuestState.PAUSED), DiskState("/old", "/old"), False, Event.SAFE),
        (replace(RUNS, state=GuestState.PAUSED), DiskState("/new", "/new"), True, Event.ARRIVED),
        (replace(RUNS, state=GuestState.UNKNOWN), DiskState("/old", "/old"), False, Event.DOUBT),
        (OFF, DiskState("/old", "/old"), False, Event.STOPPED),
        (OFF, DiskState("/old", "/old"), True, Event.DOUBT),
        (OFF, DiskState("/third", "/third"), False, Event.STOPPED),
        (OFF, DiskState("/new", "/new"), True, Event.ARRIVED),
        (None, None, False, Event.DOUBT),
    ],
)
def test_what_follows(look: Look | None, state: DiskState | None, pivoting: bool, event: Event) -> None:
    seen = sighted(look, state, COPY, pivoting=pivoting)
    assert settle(seen.source, seen.target, Before()).event is event


def test_a_transient_guest_that_is_gone_has_stopped() -> None:
    seen = sighted(None, None, COPY, pivoting=False)
    assert settle(seen.source, seen.target, Before(persistent=False)).event is Event.STOPPED


@pytest.mark.parametrize(("outcome", "may"), [(None, True), (Kind.DONE, True), (Kind.LOST, True), (Kind.FAILED, False)])
def test_whether_it_may_have_gone_over(outcome: Kind | None, may: bool) -> None:
    entries = [Entry(Kind.INTENT, effect=PIVOT)]
    assert may_be_made(What.PIVOT, []) is False
    assert may_be_made(What.PIVOT, [*entries, *([Entry(outcome, effect=PIVOT)] if outcome else [])]) is may
