"""What a migration may do to a host, as values, and what must be the case for each.

An effect is written down before it is made and again when it is over. `blocked` says why it must not be made now: it is
asked with what both hosts have just answered, by the one place that makes effects, and again by the invariant. Nothing
is destroyed, undefined or resumed on the strength of what somebody remembers.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from vmferry.flow.settle import Before, settle
from vmferry.flow.sights import Sight
from vmferry.flow.states import Event, State


class What(enum.StrEnum):
    LIMIT_DOWNTIME = "set the downtime limit"
    """On the source; the value in milliseconds. The old one is the undo."""
    LIMIT_BANDWIDTH = "set the bandwidth limit"
    """On the source, of the running copy; the value in bytes a second. The one before the first is the undo."""
    COPY = "copy the guest"
    """From source to target, by libvirt, which moves the definition too."""
    ABORT = "abort the copy"
    TO_POST_COPY = "switch to post-copy"
    SUSPEND = "suspend the guest for the rest of the copy"
    SYNCHRONOUS_WRITES = "let the guest's writes wait for the target's"
    """For the rest of the copy, so that the mirrors of its disks catch up."""
    RECOVER = "resume a broken post-copy"
    DESTROY_ARRIVING = "destroy the copy that never ran"
    """On the target."""
    UNDEFINE_TARGET = "remove the definition that the migration made"
    RESUME_SOURCE = "resume the guest"
    """On the source, which the migration had paused."""
    DESTROY_STALE = "destroy the old, paused copy"
    """On the source, after the guest runs on the target."""
    UNDEFINE_SOURCE = "remove the definition that has moved"
    AUTOSTART_OFF = "switch off the start at boot"
    """On the source, of a definition that has moved and cannot be removed."""
    PAUSE = "pause the guest, as it was"
    """On the target, where libvirt lets one run that somebody has paused during the copy."""
    ANNOUNCE = "announce the guest's addresses again"
    """On the target. QEMU does so by itself at the switch; this is for a guest that is not found there."""
    KEEP_DEFINITION = "keep the definition"
    """On the target, where libvirt made none."""
    MAKE_VOLUME = "make a volume"
    """On the target, for a disk that is copied; its name is the effect's `thing`."""
    REMOVE_VOLUME = "remove the volume that the migration made"
    """From the target, by its name. Value 1: only if nothing was written to it, since nobody heard that it was made."""
    REMOVE_SOURCE = "remove the source's own image"
    """Of a disk that was copied, by its path."""
    RENAME_SOURCE = "rename the source's own image"
    """The same, to what stands after its path and a tab."""
    PIVOT = "let the guest go over to the copy"
    """Of a disk that moves alone. It cannot be taken back: from then on the guest writes to the new image only."""
    DEFINE_TARGET = "define the guest"
    """On the target, of a guest that is off: all that belongs to it is there, and was compared."""
    KEEP_DISK = "have the kept definition say the new image"


@dataclass(frozen=True, slots=True)
class Effect:
    what: What
    host: str
    """Where it is made."""
    value: int | None = None
    was: int | None = None
    """The value before, where that is what undoes it."""
    thing: str = ""
    """What of the host it is made to, where that is not the guest: a volume as `POOL/NAME`, an image's path."""


MADE_IN = {
    What.DESTROY_ARRIVING: (State.ROLLING_BACK,),
    What.UNDEFINE_TARGET: (State.ROLLING_BACK,),
    What.RESUME_SOURCE: (State.ROLLING_BACK,),
    What.DESTROY_STALE: (State.SWITCHED,),
    What.UNDEFINE_SOURCE: (State.SWITCHED, State.TIDYING),
    What.AUTOSTART_OFF: (State.SWITCHED, State.TIDYING),
    What.PAUSE: (State.SWITCHED,),
    What.ANNOUNCE: (State.SWITCHED,),
    What.KEEP_DEFINITION: (State.SWITCHED,),
    What.REMOVE_VOLUME: (State.ROLLING_BACK, State.SWEEPING),
    What.REMOVE_SOURCE: (State.VERIFIED,),
    What.RENAME_SOURCE: (State.VERIFIED,),
}
"""Of effects that may only be made right after both hosts have said who has the guest: in which states that is."""
SETTLED_FIRST = frozenset(MADE_IN)
WITHOUT_COPY = (What.REMOVE_VOLUME,)
"""Of these, what may be made where nothing was copied yet."""
LIMITS = (What.LIMIT_DOWNTIME, What.LIMIT_BANDWIDTH)
"""Settings of the source's QEMU."""


@dataclass(frozen=True, slots=True)
class Sighted:
    """What both hosts have just answered."""

    source: Sight
    target: Sight
    source_keeps: bool = False
    """The source has a definition of the guest."""
    target_keeps: bool = False
    source_starts: bool = False
    """Off there, the source would start it with itself."""


_HAS_IT = (Sight.RUNS, Sight.PAUSED, Sight.HELD)
_NEVER_RAN = (Sight.ARRIVING, Sight.HELD)
_IS_THERE = (Sight.RUNS, Sight.PAUSED, Sight.MOVING, Sight.SWITCHING)


def blocked(effect: Effect, seen: Sighted, before: Before) -> str | None:
    """Why it must not be made now; None: it may."""
    here, there = seen.source, seen.target
    match effect.what:
        case What.DESTROY_ARRIVING:
            allowed = there in _NEVER_RAN and (here in _HAS_IT or here is Sight.OFF or _ended(here, before))
        case What.UNDEFINE_TARGET:
            allowed = there is Sight.OFF and here in (Sight.RUNS, Sight.PAUSED) and seen.source_keeps
        case What.RESUME_SOURCE:
            allowed = here is Sight.HELD and there is Sight.ABSENT and before.persistent and not before.paused
        case What.DESTROY_STALE:
            allowed = here is Sight.HELD and there in (Sight.RUNS, Sight.MOVING, Sight.SWITCHING)
        case What.UNDEFINE_SOURCE:
            allowed = is_left_behind(seen) and seen.target_keeps
        case What.AUTOSTART_OFF:
            allowed = is_left_behind(seen)
        case What.PAUSE | What.ANNOUNCE:
            allowed = here in (Sight.ABSENT, Sight.OFF) and there is Sight.RUNS
        case What.REMOVE_VOLUME:
            allowed = there is Sight.ABSENT and _source_has_it(seen, before)
        case What.REMOVE_SOURCE | What.RENAME_SOURCE:
            allowed = here is Sight.ABSENT and there in (Sight.RUNS, Sight.PAUSED)
        case What.KEEP_DEFINITION:
            allowed = here in (Sight.ABSENT, Sight.OFF) and there in _IS_THERE
        case _:
            allowed = True
    return None if allowed else f"the source has it as {here}, the target as {there}"


def _source_has_it(seen: Sighted, before: Before) -> bool:
    """So its own disks are the ones that count. Of a transient guest that has stopped nobody can say where it ran last;
    a persistent one that ran on the target would have left its definition there.
    """
    if seen.source in (Sight.RUNS, Sight.PAUSED):
        return True
    return (seen.source is Sight.HELD and before.paused) or (seen.source is Sight.OFF and seen.source_keeps)


def _ended(here: Sight, before: Before) -> bool:
    """A transient guest that stopped."""
    return here is Sight.ABSENT and not before.persistent


def is_left_behind(seen: Sighted) -> bool:
    """The guest is on its target, and the source keeps a definition that could be started there."""
    return seen.source is Sight.OFF and seen.target in _IS_THERE


def undoing(
    made: Sequence[Effect],
    seen: Sighted,
    source: str,
    target: str,
    before: Before,
    heard: Collection[Effect] = (),
    given_up: Collection[str] = (),
) -> Iterator[Effect]:
    """What takes back these effects, newest first, as far as there is something of them now.

    `heard`: of the volumes that were to be made, those of which the host said that they are. `given_up`: things
    that could not be removed just now. Each changes what the next one's precondition sees: make the first, look again,
    and ask anew without what is undone.
    """
    for effect in reversed(made):
        if effect.what is What.COPY:
            yield from _undo_copy(seen, source, target, before)
        elif effect.what in LIMITS and effect.was is not None and seen.source in _HAS_IT:
            yield Effect(effect.what, source, effect.was)
        elif effect.what is What.MAKE_VOLUME and effect.thing not in given_up:
            yield from _remove(effect, seen, before, certain=effect in heard)


def _remove(made: Effect, seen: Sighted, before: Before, *, certain: bool) -> Iterator[Effect]:
    """Only where it may be: one that may not stays, and does not keep the rest from being undone."""
    removal = Effect(What.REMOVE_VOLUME, made.host, 0 if certain else 1, thing=made.thing)
    if blocked(removal, seen, before) is None:
        yield removal


def _undo_copy(seen: Sighted, source: str, target: str, before: Before) -> Iterator[Effect]:
    if seen.target in _NEVER_RAN:
        yield Effect(What.DESTROY_ARRIVING, target)
    if seen.target is Sight.OFF:
        yield Effect(What.UNDEFINE_TARGET, target)
    if seen.source is Sight.HELD and not before.paused:
        yield Effect(What.RESUME_SOURCE, source)


def is_undone(made: Sequence[Effect], seen: Sighted, before: Before) -> bool:
    """Nothing of these effects is left: the guest is on its source as it was, or has stopped by itself."""
    limited = any(effect.what in LIMITS and effect.was is not None for effect in made)
    if limited and seen.source not in (Sight.OFF, Sight.ABSENT):
        return False
    if not has_copied(made):
        return True
    return (
        seen.target is Sight.ABSENT
        and settle(seen.source, seen.target, before).event in (Event.SAFE, Event.STOPPED)
        and (seen.source is not Sight.HELD or before.paused)
    )


def left_volumes(made: Sequence[Effect]) -> tuple[Effect, ...]:
    """That were made, or may have been, and not removed."""
    return tuple(effect for effect in made if effect.what is What.MAKE_VOLUME)


def sweeping(
    made: Sequence[Effect], seen: Sighted, before: Before, heard: Collection[Effect], given_up: Collection[str] = ()
) -> Iterator[Effect]:
    """What is tried again of volumes that were left behind; as of `undoing`."""
    for effect in reversed([each for each in left_volumes(made) if each.thing not in given_up]):
        yield from _remove(effect, seen, before, certain=effect in heard)


def has_copied(made: Sequence[Effect]) -> bool:
    """It has begun to, as far as can be known."""
    return any(effect.what is What.COPY for effect in made)


def completing(seen: Sighted, source: str, target: str, before: Before) -> Iterator[Effect]:
    """What libvirt has left undone of a guest that has arrived; as of `undoing`, one at a time."""
    if seen.source is Sight.HELD:
        yield Effect(What.DESTROY_STALE, source)
    if before.persistent and not seen.target_keeps:
        yield Effect(What.KEEP_DEFINITION, target)
    if before.persistent and (seen.source is Sight.OFF or (seen.source is Sight.HELD and seen.source_keeps)):
        yield Effect(What.UNDEFINE_SOURCE, source)


def pausing(made: Sequence[Effect], seen: Sighted, target: str) -> Iterator[Effect]:
    """Once: who resumes it there has his reasons."""
    if seen.target is Sight.RUNS and not any(effect.what is What.PAUSE for effect in made):
        yield Effect(What.PAUSE, target)


def announcing(made: Sequence[Effect], target: str) -> Iterator[Effect]:
    """Once is enough."""
    if not any(effect.what is What.ANNOUNCE for effect in made):
        yield Effect(What.ANNOUNCE, target)


def tidying(seen: Sighted, source: str) -> Iterator[Effect]:
    """What is tried again of a definition that was left behind."""
    if is_left_behind(seen) and seen.target_keeps:
        yield Effect(What.UNDEFINE_SOURCE, source)


def quieting(seen: Sighted, source: str) -> Iterator[Effect]:
    """Of one that stays there."""
    if is_left_behind(seen) and seen.source_starts:
        yield Effect(What.AUTOSTART_OFF, source)
