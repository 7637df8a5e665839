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

    MOVING = "is being copied away"
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


def sight(state: GuestState | None, *, moving: bool = False) -> Sight:
    """`moving`: this host says that its copy of the guest is still being sent away.

    A state that libvirt itself calls unknown was answered, but says nothing: as if the host were not asked. Of a
    crashed guest QEMU is kept, and with it the images: it is there, and does not run.
    """
    if state is None:
        return Sight.ABSENT
    if state is GuestState.UNKNOWN:
        return Sight.UNASKED
    if moving:
        return Sight.MOVING
    if state in (GuestState.PAUSED, GuestState.SUSPENDED, GuestState.CRASHED):
        return Sight.PAUSED
    return Sight.RUNS if state.active else Sight.OFF


_SAFE = Settled(Outcome.ROLLED_BACK, "the guest runs on {source}, and nothing of it is on {target}")
_ARRIVED = Settled(Outcome.MIGRATED, "the guest runs on {target}")
_STOPPED = Settled(Outcome.FAILED, "the guest is shut off on {source} and is not on {target}: it stopped meanwhile")
_ENDED = Settled(Outcome.FAILED, "the guest is gone from both hosts, as a transient one is that stopped")
_LOST = Settled(
    Outcome.IN_DOUBT,
    "neither {source} nor {target} knows the guest any more: look for it with vmferry guest list, and in the logs of "
    "libvirt on both",
)
_ARRIVED_OFF = Settled(
    Outcome.IN_DOUBT,
    "the guest is gone from {source} and is shut off on {target}: it arrived and stopped; look there first",
)
_OFF_TWICE = Settled(
    Outcome.IN_DOUBT,
    "the guest is shut off, and both {source} and {target} hold a definition of it: undefine one before starting it",
)
_MOVING = Settled(
    Outcome.IN_DOUBT,
    "the copy from {source} to {target} still goes on by itself: see vmferry guest list for where it ends; virsh "
    "domjobabort on {source} ends it",
)
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
    Sight.MOVING: dict.fromkeys(Sight, _MOVING),
    Sight.RUNS: {
        Sight.MOVING: _TWICE,
        Sight.RUNS: _TWICE,
        Sight.PAUSED: _LEFTOVER,
        Sight.OFF: _DEFINED,
        Sight.ABSENT: _SAFE,
        Sight.UNASKED: _UNSURE,
    },
    Sight.PAUSED: {
        Sight.MOVING: _BOTH_HELD,
        Sight.RUNS: _BOTH_HELD,
        Sight.PAUSED: _BOTH_HELD,
        Sight.OFF: _HELD,
        Sight.ABSENT: _HELD,
        Sight.UNASKED: _UNSURE,
    },
    Sight.OFF: {
        Sight.MOVING: _ARRIVED,
        Sight.RUNS: _ARRIVED,
        Sight.PAUSED: _ARRIVED_HELD,
        Sight.OFF: _OFF_TWICE,
        Sight.ABSENT: _STOPPED,
        Sight.UNASKED: _UNSURE,
    },
    Sight.ABSENT: {
        Sight.MOVING: _ARRIVED,
        Sight.RUNS: _ARRIVED,
        Sight.PAUSED: _ARRIVED_HELD,
        Sight.OFF: _ARRIVED_OFF,
        Sight.ABSENT: _LOST,
        Sight.UNASKED: _UNSURE,
    },
    Sight.UNASKED: dict.fromkeys(Sight, _UNSURE),
}


def settle(source: Sight, target: Sight, *, was_paused: bool, persistent: bool) -> Settled:
    """Decide, with what the guest was like before.

    One that was paused is as safe paused on its source as a running one; one without a definition is gone from
    everywhere once it stops, which is no loss.
    """
    if was_paused and source is Sight.PAUSED:
        source = Sight.RUNS
    if not persistent and source is target is Sight.ABSENT:
        return _ENDED
    return TABLE[source][target]
