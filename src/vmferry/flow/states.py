"""Where a migration is, and where each event leads.

Two rules of what may be in this file: everything that decides the next state is in `TABLE`, and nothing here knows how
a state does its work. A state that is at rest has no work; a terminal one has an empty row.

How to read it. The upper half goes down by GO: each state does its work and says GO. From COPYING on, no end of
libvirt's own call is believed but a good one: everything else (a failure, a lost reply, a worker that took the job
over) leads to SETTLING, where both hosts are asked who runs the guest, and what they answer is the next event. CANCEL
before the copy undoes what was prepared; during the copy it makes libvirt abort, and the copy's own end leads on; in
post-copy it leads nowhere, since the guest is on both hosts; one that is broken is resumed there, and in DOUBT where
that does not help. A migration that is at its end but for a definition on the source is LEFT_BEHIND, one that is
rolled back but for a volume on the target is LITTERED, and tried again from there alone: where the guest has gone since
then is no matter of it. A worker that finds a job of a dead one says
TAKE_OVER, whatever its state.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping


class State(enum.StrEnum):
    PLANNED = "planned"
    CHECKED = "checked"
    RESERVED = "reserved"
    PREPARED = "prepared"
    COPYING = "copying"
    POST_COPY = "post-copy"
    SETTLING = "settling"
    SWITCHED = "switched"
    VERIFIED = "verified"
    ROLLING_BACK = "rolling_back"
    IN_DOUBT = "in_doubt"
    FINISHED = "finished"
    LEFT_BEHIND = "left_behind"
    """Migrated, but the source keeps a definition that could not be removed yet."""
    TIDYING = "tidying"
    ROLLED_BACK = "rolled_back"
    LITTERED = "volumes_left"
    """Rolled back, but the target keeps a volume of ours that could not be removed yet."""
    SWEEPING = "sweeping"
    REFUSED = "refused"
    FAILED = "failed"


class Event(enum.StrEnum):
    GO = "go"
    """The state's work is done."""
    REFUSE = "refuse"
    """A check or a conflict says no."""
    BREAK = "break"
    """The state's work failed, or its reply was lost."""
    CANCEL = "cancel"
    """The user wants the end of it."""
    TAKE_OVER = "take over"
    """Another worker goes on with it; an operator's `job repair` is one too."""
    SWITCH = "switch to post-copy"
    SAFE = "safe"
    """Both hosts say: the source has the guest."""
    ARRIVED = "arrived"
    """Both hosts say: the target has it."""
    STOPPED = "stopped"
    """Both hosts say: it stopped by itself."""
    MOVING = "moving"
    """The source says that it is still sending."""
    DOUBT = "doubt"
    """They do not agree, or one could not be asked."""
    LEAVE = "leave"
    """The source's definition, or a volume on the target, could not be removed."""
    FORGET = "forget"
    """An operator has put it right by hand."""


S, E = State, Event

_UNTOUCHED = {E.REFUSE: S.REFUSED, E.BREAK: S.FAILED, E.CANCEL: S.ROLLED_BACK, E.TAKE_OVER: S.ROLLED_BACK}
"""Before the first effect: nothing is to be undone."""
_UNDO = {E.BREAK: S.ROLLING_BACK, E.CANCEL: S.ROLLING_BACK, E.TAKE_OVER: S.ROLLING_BACK}

TABLE: Mapping[State, Mapping[Event, State]] = {
    S.PLANNED: {E.GO: S.CHECKED, **_UNTOUCHED},
    S.CHECKED: {E.GO: S.RESERVED, **_UNTOUCHED},
    S.RESERVED: {E.GO: S.PREPARED, **_UNDO},
    S.PREPARED: {E.GO: S.COPYING, **_UNDO},
    S.COPYING: {
        E.GO: S.SWITCHED,
        E.SWITCH: S.POST_COPY,
        E.BREAK: S.SETTLING,
        E.CANCEL: S.COPYING,
        E.TAKE_OVER: S.SETTLING,
    },
    S.POST_COPY: {
        E.GO: S.SWITCHED,
        E.BREAK: S.SETTLING,
        E.DOUBT: S.IN_DOUBT,
        E.CANCEL: S.POST_COPY,
        E.TAKE_OVER: S.SETTLING,
    },
    S.SETTLING: {
        E.SAFE: S.ROLLING_BACK,
        E.ARRIVED: S.SWITCHED,
        E.STOPPED: S.ROLLING_BACK,
        E.MOVING: S.COPYING,
        E.SWITCH: S.POST_COPY,
        E.DOUBT: S.IN_DOUBT,
        E.CANCEL: S.SETTLING,
        E.TAKE_OVER: S.SETTLING,
    },
    S.SWITCHED: {E.GO: S.VERIFIED, E.BREAK: S.SETTLING, E.CANCEL: S.SWITCHED, E.TAKE_OVER: S.SETTLING},
    S.VERIFIED: {
        E.GO: S.FINISHED,
        E.LEAVE: S.LEFT_BEHIND,
        E.DOUBT: S.IN_DOUBT,
        E.CANCEL: S.VERIFIED,
        E.TAKE_OVER: S.SETTLING,
    },
    S.LEFT_BEHIND: {E.TAKE_OVER: S.TIDYING, E.FORGET: S.FINISHED},
    S.TIDYING: {E.GO: S.FINISHED, E.LEAVE: S.LEFT_BEHIND, E.CANCEL: S.TIDYING, E.TAKE_OVER: S.TIDYING},
    S.ROLLING_BACK: {
        E.GO: S.ROLLED_BACK,
        E.LEAVE: S.LITTERED,
        E.STOPPED: S.FAILED,
        E.BREAK: S.IN_DOUBT,
        E.CANCEL: S.ROLLING_BACK,
        E.TAKE_OVER: S.SETTLING,
    },
    S.LITTERED: {E.TAKE_OVER: S.SWEEPING, E.FORGET: S.ROLLED_BACK},
    S.SWEEPING: {E.GO: S.ROLLED_BACK, E.LEAVE: S.LITTERED, E.CANCEL: S.SWEEPING, E.TAKE_OVER: S.SWEEPING},
    S.IN_DOUBT: {E.TAKE_OVER: S.SETTLING, E.FORGET: S.FAILED},
    S.FINISHED: {},
    S.ROLLED_BACK: {},
    S.REFUSED: {},
    S.FAILED: {},
}

TERMINAL = frozenset(state for state, row in TABLE.items() if not row)
AT_REST = TERMINAL | {State.IN_DOUBT, State.LEFT_BEHIND, State.LITTERED}
"""No worker is at work here. IN_DOUBT waits for an operator, or for a host that could not be asked; LEFT_BEHIND and
LITTERED for the next attempt.
"""
CLAIMING = frozenset({S.RESERVED, S.PREPARED, S.COPYING, S.POST_COPY, S.SETTLING})
"""While it is in one of these, the target's memory and the room for its disks are spoken for."""
NOTHING_TAKEN = frozenset({S.RESERVED, S.PREPARED})
"""Of these, those in which nothing of it is taken yet."""


class IllegalTransition(Exception):
    """A fault of ours: the table has no such cell. Nothing was changed."""


def next_state(state: State, event: Event) -> State:
    try:
        return TABLE[state][event]
    except KeyError:
        raise IllegalTransition(f"{state} has no row for {event}") from None
