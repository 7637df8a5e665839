"""Who runs the guest after a copy that did not end as it should, and what that means.

Two rules of what may be in this file: it decides only from what both hosts answered when asked now, never from what was
remembered; and no row of the table does anything destructive. A host that could not be asked is a value of its own.

The table is total: every pair of sightings has a row, and a test walks all of them.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from vmferry.model.guest import GuestState
from vmferry.model.migration import Outcome


class Sight(enum.StrEnum):
    """What one host answered about the guest."""

    RUNS = "runs"
    PAUSED = "paused"
    OFF = "off"
    ABSENT = "absent"
    UNASKED = "cannot be asked"


@dataclass(frozen=True, slots=True)
class Settled:
    """What is now the case. `text` is for people, with {source} and {target} to fill in."""

    outcome: Outcome
    text: str


def sight(state: GuestState | None) -> Sight:
    """A state that libvirt itself calls unknown was answered, but says nothing: as if the host were not asked."""
    if state is None:
        return Sight.ABSENT
    if state is GuestState.UNKNOWN:
        return Sight.UNASKED
    if state in (GuestState.PAUSED, GuestState.SUSPENDED):
        return Sight.PAUSED
    return Sight.RUNS if state.active else Sight.OFF


_SAFE = Settled(Outcome.ROLLED_BACK, "the guest runs on {source}, and nothing of it is on {target}")
_ARRIVED = Settled(Outcome.MIGRATED, "the guest runs on {target}")
_STOPPED = Settled(Outcome.FAILED, "the guest stopped by itself or was stopped; it runs on neither host")
_TWICE = Settled(
    Outcome.IN_DOUBT,
    "BOTH {source} and {target} say that the guest runs: look at both (virsh dominfo) and stop one at once",
)
_LEFTOVER = Settled(
    Outcome.IN_DOUBT,
    "the guest runs on {source}; {target} holds a copy that does not run: look at it with virsh domstate, and once it "
    "is sure that it never ran, virsh destroy it there",
)
_DEFINED = Settled(
    Outcome.IN_DOUBT,
    "the guest runs on {source}; {target} holds a definition of it: virsh undefine it there, without its storage",
)
_BOTH_HELD = Settled(
    Outcome.IN_DOUBT,
    "the guest is paused on {source} and there is a copy on {target}: find out which has run last before resuming one",
)
_HELD = Settled(
    Outcome.IN_DOUBT,
    "the guest is paused on {source} and is not on {target}: virsh resume it on {source}",
)
_ARRIVED_HELD = Settled(Outcome.MIGRATED, "the guest is on {target}, paused")
_UNSURE = Settled(
    Outcome.IN_DOUBT,
    "not both hosts can be asked, so nothing was touched: when they answer again, virsh domstate on {source} and "
    "{target}; never start or resume the guest on one before the other has been asked",
)

TABLE: dict[Sight, dict[Sight, Settled]] = {
    # source        target
    Sight.RUNS: {
        Sight.RUNS: _TWICE,
        Sight.PAUSED: _LEFTOVER,
        Sight.OFF: _DEFINED,
        Sight.ABSENT: _SAFE,
        Sight.UNASKED: _UNSURE,
    },
    Sight.PAUSED: {
        Sight.RUNS: _BOTH_HELD,
        Sight.PAUSED: _BOTH_HELD,
        Sight.OFF: _HELD,
        Sight.ABSENT: _HELD,
        Sight.UNASKED: _UNSURE,
    },
    Sight.OFF: {
        Sight.RUNS: _ARRIVED,
        Sight.PAUSED: _ARRIVED_HELD,
        Sight.OFF: _STOPPED,
        Sight.ABSENT: _STOPPED,
        Sight.UNASKED: _UNSURE,
    },
    Sight.ABSENT: {
        Sight.RUNS: _ARRIVED,
        Sight.PAUSED: _ARRIVED_HELD,
        Sight.OFF: _STOPPED,
        Sight.ABSENT: _STOPPED,
        Sight.UNASKED: _UNSURE,
    },
    Sight.UNASKED: dict.fromkeys(Sight, _UNSURE),
}


def settle(source: Sight, target: Sight, *, was_paused: bool) -> Settled:
    """Decide. A guest that was paused before the migration is as safe paused on its source as a running one."""
    if was_paused and source is Sight.PAUSED:
        source = Sight.RUNS
    return TABLE[source][target]
