"""How a broken post-copy is resumed: how often, with what pauses, and what is said of it."""

from __future__ import annotations

from collections.abc import Sequence

from vmferry.flow.effects import What
from vmferry.flow.journal import Entry, Kind
from vmferry.flow.states import Event

MOST_TRIES = 20
"""Over about eight minutes. An operator may begin anew."""
MOST_PAUSE_S = 30.0

BROKEN = "the post-copy from {source} to {target} is broken: the guest waits for its memory; trying to resume it"
UNRECOVERED = (
    "the post-copy from {source} to {target} is broken and could not be resumed in {tries} attempts; both halves are "
    "kept, and the guest is whole only with both: mend the way between the hosts, stop neither, then have it tried "
    "again with vmferry job repair"
)
UNRESUMABLE = (
    "the post-copy from {source} to {target} is broken and did not go on by itself; both halves are kept, and the "
    "guest is whole only with both. libvirt {libvirt} on {target} ends by a fault when it is told to resume it, so it "
    "was not told: bring another release of libvirt there (its guests go on), stop neither half, then job repair"
)


def pause_s(tried: int) -> float:
    """Before the next attempt. QEMU itself needs a moment to see that the way is lost."""
    return min(MOST_PAUSE_S, 2.0 ** min(tried, 10))


def tries(entries: Sequence[Entry]) -> int:
    """How often the worker that has it now has tried."""
    found = 0
    for entry in entries:
        if entry.event is Event.TAKE_OVER:
            found = 0
        elif entry.kind is Kind.INTENT and entry.effect is not None and entry.effect.what is What.RECOVER:
            found += 1
    return found
