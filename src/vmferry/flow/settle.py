"""What two sightings of a guest mean: who has it, and what the migration does next.

Three rules of what may be in this file. It decides only from what both hosts answered when asked now, never from what
is remembered. A host that could not be asked is a value of its own, and permits nothing. The table is total: every pair
of sightings has a cell, and a test walks all of them.

How sure one has to be is part of a cell. What cannot become otherwise is believed `AT_ONCE`. What libvirt may be about
to change by itself (it removes a copy that failed, resumes a guest that it held, forgets a source that has left) is
believed when it is still so after `LONG`. Where nobody has heard how libvirt's own call ended, even a quiet source is
looked at for `SHORT`: the call may be about to begin.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass

from vmferry.flow.sights import Sight
from vmferry.flow.states import Event


class Patience(enum.StrEnum):
    """How long the hosts have to go on saying the same."""

    AT_ONCE = "at once"
    SHORT = "short"
    LONG = "long"


@dataclass(frozen=True, slots=True)
class Cell:
    event: Event
    text: str
    """For people, with {source} and {target} to fill in."""
    patience: Patience = Patience.LONG


@dataclass(frozen=True, slots=True)
class Before:
    """What the guest was like before the migration."""

    paused: bool = False
    persistent: bool = True


_SAFE = Cell(Event.SAFE, "the guest runs on {source}, and nothing of it is on {target}", Patience.SHORT)
_SAFE_PAUSED = Cell(Event.SAFE, "the guest is paused on {source}, and nothing of it is on {target}", Patience.SHORT)
_LEFTOVER = Cell(Event.SAFE, "the guest is on {source}; {target} holds a copy that never ran")
_DEFINED = Cell(Event.SAFE, "the guest is on {source}; {target} holds a definition of it")
_HELD = Cell(Event.SAFE, "the guest is paused on {source} by the migration and never reached {target}")
_MOVING = Cell(Event.MOVING, "the copy from {source} to {target} goes on by itself", Patience.AT_ONCE)
_POST_COPY = Cell(
    Event.SWITCH, "the guest runs on {target} while {source} still sends its memory (post-copy)", Patience.AT_ONCE
)
_ARRIVED = Cell(Event.ARRIVED, "the guest is on {target} and gone from {source}", Patience.AT_ONCE)
_ARRIVED_DEFINED = Cell(
    Event.ARRIVED, "the guest is on {target}; {source} still has a definition of it", Patience.SHORT
)
_ARRIVED_HELD = Cell(Event.ARRIVED, "the guest runs on {target}; {source} still holds its old, paused copy")
_ARRIVED_STALE = Cell(Event.ARRIVED, _ARRIVED_HELD.text, Patience.SHORT)
"""No call of libvirt's goes on there: nothing but a resume of old memory could still follow."""
_STOPPED = Cell(
    Event.STOPPED,
    "the guest is shut off on {source} and is not on {target}: it stopped meanwhile",
    Patience.SHORT,
)
_STOPPED_LEFTOVER = Cell(Event.STOPPED, "the guest is shut off on {source}; {target} holds a copy that never ran")
_ENDED = Cell(Event.STOPPED, "the guest is gone from both hosts, as a transient one is that stopped")
_LOST = Cell(
    Event.DOUBT,
    "neither {source} nor {target} knows the guest any more: look for it with vmferry guest list, and in the logs of "
    "libvirt on both",
)
_ARRIVED_OFF = Cell(
    Event.DOUBT,
    "the guest is gone from {source} and is shut off on {target}: it arrived and stopped; look there first",
    Patience.SHORT,
)
_OFF_TWICE = Cell(
    Event.DOUBT,
    "the guest is shut off, and both {source} and {target} hold a definition of it: undefine one before starting it",
    Patience.SHORT,
)
_TWICE = Cell(
    Event.DOUBT,
    "BOTH {source} and {target} say that the guest runs: look at both (virsh dominfo) and stop one at once",
)
_BOTH_PAUSED = Cell(
    Event.DOUBT,
    "the guest is paused on {source} and on {target}: find out which has run last before resuming one",
)
_RUNS_AND_PAUSED = Cell(
    Event.DOUBT,
    "the guest runs on {target}, and {source} has a paused copy of it that no migration holds: do not resume that one; "
    "once the guest on {target} is seen to be well, virsh destroy it on {source}",
)
_RAN_THERE = Cell(
    Event.DOUBT,
    "the guest is paused on {source} by the migration and shut off on {target}: if it ran there, its old copy on "
    "{source} must not be resumed; look into /var/log/libvirt/qemu on {target}; only if it could not be started there "
    "(as where its image was locked), virsh resume it on {source}",
)
_TRANSIENT_HELD = Cell(
    Event.DOUBT,
    "the guest is paused on {source} by the migration and not on {target}; being transient it may have run and stopped "
    "there: look into /var/log/libvirt/qemu on {target}, and resume it on {source} only if it did not",
)
_PART_LOST = Cell(
    Event.DOUBT,
    "the post-copy from {source} to {target} has lost one of its halves, so the guest's memory is lost: destroy what "
    "is left of it on both, undefine it on one, then start it from its disks on the other",
)
_HALF_LOST = Cell(Event.DOUBT, _PART_LOST.text, Patience.SHORT)
"""By the word of the half that is left: nothing brings the other one back."""
_UNSURE = Cell(
    Event.DOUBT,
    "not both hosts can be asked, so nothing was touched: when they answer again, virsh domstate on {source} and "
    "{target}; never start or resume the guest on one before the other has been asked",
)

_RUNNING_THERE = (Sight.RUNS, Sight.MOVING, Sight.SWITCHING, Sight.POST_COPY, Sight.POST_COPY_BROKEN)
_NEVER_RAN = (Sight.ARRIVING, Sight.HELD)
_GONE = (Sight.OFF, Sight.ABSENT)
_UNASKED = (Sight.UNASKED,)
_ALL = tuple(Sight)


def _row(*cells: tuple[Iterable[Sight], Cell]) -> dict[Sight, Cell]:
    """What target sightings mean; raises where one is missing or said twice."""
    row: dict[Sight, Cell] = {}
    for sights, cell in cells:
        for each in sights:
            if each in row:
                raise ValueError(f"{each} has two cells")
            row[each] = cell
    if len(row) != len(Sight):
        raise ValueError(f"no cell for {set(Sight) - row.keys()}")
    return row


_POST_COPY_ROW = _row(
    ((Sight.POST_COPY, Sight.POST_COPY_BROKEN, Sight.RUNS, Sight.PAUSED, *_NEVER_RAN), _POST_COPY),
    ((*_GONE, Sight.MOVING, Sight.SWITCHING), _HALF_LOST),
    (_UNASKED, _UNSURE),
)

TABLE: dict[Sight, dict[Sight, Cell]] = {
    # source: what the target says, and what that means
    Sight.RUNS: _row(
        ((Sight.ABSENT,), _SAFE),
        ((Sight.OFF,), _DEFINED),
        (_NEVER_RAN, _LEFTOVER),
        (_RUNNING_THERE, _TWICE),
        ((Sight.PAUSED,), _BOTH_PAUSED),
        (_UNASKED, _UNSURE),
    ),
    Sight.MOVING: _row((_RUNNING_THERE, _TWICE), ((*_NEVER_RAN, *_GONE, Sight.PAUSED, Sight.UNASKED), _MOVING)),
    Sight.SWITCHING: _row(
        ((Sight.RUNS, Sight.MOVING, Sight.SWITCHING), _ARRIVED_HELD),
        ((Sight.POST_COPY, Sight.POST_COPY_BROKEN), _POST_COPY),
        ((*_NEVER_RAN, *_GONE, Sight.PAUSED, Sight.UNASKED), _MOVING),
    ),
    Sight.POST_COPY: _POST_COPY_ROW,
    Sight.POST_COPY_BROKEN: _POST_COPY_ROW,
    Sight.ARRIVING: _row((_ALL, _UNSURE)),
    Sight.HELD: _row(
        ((Sight.RUNS, Sight.MOVING, Sight.SWITCHING), _ARRIVED_STALE),
        ((Sight.POST_COPY, Sight.POST_COPY_BROKEN), _PART_LOST),
        (_NEVER_RAN, _HELD),
        ((Sight.ABSENT,), _HELD),
        ((Sight.OFF,), _RAN_THERE),
        ((Sight.PAUSED,), _BOTH_PAUSED),
        (_UNASKED, _UNSURE),
    ),
    Sight.PAUSED: _row(
        ((Sight.ABSENT,), _SAFE_PAUSED),
        ((Sight.OFF,), _DEFINED),
        (_NEVER_RAN, _LEFTOVER),
        (_RUNNING_THERE, _RUNS_AND_PAUSED),
        ((Sight.PAUSED,), _BOTH_PAUSED),
        (_UNASKED, _UNSURE),
    ),
    Sight.OFF: _row(
        ((Sight.RUNS, Sight.PAUSED, Sight.MOVING, Sight.SWITCHING), _ARRIVED_DEFINED),
        ((Sight.POST_COPY, Sight.POST_COPY_BROKEN), _PART_LOST),
        (_NEVER_RAN, _STOPPED_LEFTOVER),
        ((Sight.OFF,), _OFF_TWICE),
        ((Sight.ABSENT,), _STOPPED),
        (_UNASKED, _UNSURE),
    ),
    Sight.ABSENT: _row(
        ((Sight.RUNS, Sight.PAUSED, Sight.MOVING, Sight.SWITCHING), _ARRIVED),
        ((Sight.POST_COPY, Sight.POST_COPY_BROKEN), _PART_LOST),
        (_NEVER_RAN, _LOST),
        ((Sight.OFF,), _ARRIVED_OFF),
        ((Sight.ABSENT,), _LOST),
        (_UNASKED, _UNSURE),
    ),
    Sight.UNASKED: _row((_ALL, _UNSURE)),
}


def told(cell: Cell, source: str, target: str) -> str:
    return cell.text.format(source=source, target=target)


def settle(source: Sight, target: Sight, before: Before) -> Cell:
    """Decide, with what the guest was like before.

    A transient guest has no definition that would tell whether it has run: once it stops it is gone from everywhere,
    which is no loss, and one that is held on its source may have been on the target meanwhile.
    """
    if not before.persistent:
        if source is Sight.ABSENT and target in (Sight.ABSENT, *_NEVER_RAN):
            return _ENDED
        if source is Sight.HELD and target is Sight.ABSENT:
            return _TRANSIENT_HELD
    return TABLE[source][target]
