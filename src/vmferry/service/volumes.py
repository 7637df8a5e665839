"""The volumes of disks that are copied with a guest: made before, removed where it goes back, looked at afterwards."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Iterator

from vmferry.errors import HostError, VmferryError
from vmferry.flow.effects import Effect, Sighted, What, blocked, left_volumes, sweeping, undoing
from vmferry.flow.journal import heard_of
from vmferry.flow.states import Event
from vmferry.model.migration import Measured
from vmferry.model.storage import CopiedDisk, DiskCopy, Fate, SourceVolumes
from vmferry.service.making import MOST_EFFECTS, Making
from vmferry.service.record import Record
from vmferry.service.sides import Sides

LEFT = "{target} still has what was made there for the copy: {volumes}"
AGAIN = "the next commands try again to remove it, and so does vmferry job repair {job}"
FATES = {What.REMOVE_SOURCE: Fate.REMOVED, What.RENAME_SOURCE: Fate.RENAMED}


def make_volumes(making: Making) -> None:
    """One for each disk that is copied onto a new image. Raises HostError; what was made by then is in the journal."""
    for copy in making.record.job.plan.copies:
        if copy.pool is not None:
            making.make(Effect(What.MAKE_VOLUME, making.sides.target_name, thing=copy.thing))


def undo_all(making: Making) -> None:
    """The journalled effects, newest first, each only as far as it is still there.

    A volume that cannot be removed does not keep the rest from being undone.
    """
    record, sides = making.record, making.sides

    def ask(seen: Sighted, given_up: Collection[str]) -> Iterator[Effect]:
        heard = heard_of(What.MAKE_VOLUME, record.entries)
        return undoing(record.made, seen, sides.source_name, sides.target_name, record.before, heard, given_up)

    _exhaust(making, ask)


def sweep(making: Making) -> tuple[Event, str]:
    """Volumes that were left behind, once more: what follows, and what is then the case."""
    record = making.record

    def ask(seen: Sighted, given_up: Collection[str]) -> Iterator[Effect]:
        return sweeping(record.made, seen, record.before, heard_of(What.MAKE_VOLUME, record.entries), given_up)

    _exhaust(making, ask)
    if left_volumes(record.made):
        return Event.LEAVE, left_text(record, making.sides)
    return Event.GO, "what was made for the copy is removed"


def _exhaust(making: Making, ask: Callable[[Sighted, Collection[str]], Iterator[Effect]]) -> None:
    given_up: set[str] = set()
    for _ in range(MOST_EFFECTS + 2 * len(left_volumes(making.record.made))):
        more = making.one_by_one(lambda seen: ask(seen, given_up))
        failed = making.failed
        if failed is not None and failed.what is What.REMOVE_VOLUME:
            given_up.add(failed.thing)
        elif failed is not None or not more:
            return


def left_text(record: Record, sides: Sides, *, again: bool = True) -> str:
    """What is left, and what to do about it, for people. A volume of which nobody heard may not be there at all.

    `again`: it is tried again.
    """
    heard = heard_of(What.MAKE_VOLUME, record.entries)
    left = left_volumes(record.made)
    names = ", ".join(each.thing if each in heard else f"{each.thing} (if it was made)" for each in left)
    told = LEFT.format(target=sides.target_name, volumes=names)
    more = AGAIN.format(job=record.job.id) if again else "nobody can say any more whether the guest has used it"
    return "; ".join((told, more, *(f"by hand {delete_command(sides.target_name, each.thing)}" for each in left)))


def delete_command(host: str, thing: str) -> str:
    """Of a volume, as effects name it."""
    pool, _, name = thing.partition("/")
    return f"on {host}: virsh vol-delete --pool {shlex.quote(pool)} {shlex.quote(name)}"


def clear_source(making: Making) -> None:
    """What the user wants of the source's own images, of a guest that was verified on its target.

    Whatever fails is only told: the guest has moved, and its old images do no harm.
    """
    for effect in _clearing(making.record, making.sides.source_name):
        seen = making.sides.look()
        if blocked(effect, seen, making.record.before) is not None:
            return
        try:
            making.make(effect, seen)
        except HostError as error:
            making.problem = error


def _clearing(record: Record, source: str) -> Iterator[Effect]:
    wanted = record.job.plan.source_volumes
    for copy in record.job.plan.copies if wanted is not SourceVolumes.KEEP else ():
        if not _is_file(copy.source_path):
            continue
        if wanted is SourceVolumes.REMOVE:
            effect = Effect(What.REMOVE_SOURCE, source, thing=copy.source_path)
        else:
            effect = Effect(What.RENAME_SOURCE, source, thing=f"{copy.source_path}\t{copy.source_path}.{record.job.id}")
        if effect not in heard_of(effect.what, record.entries):
            yield effect


def _is_file(path: str) -> bool:
    """A device, a network disk or a volume by its pool's name is no image that could be removed or renamed."""
    return path.startswith("/") and not path.startswith("/dev/")


def copied_disks(record: Record, sides: Sides) -> tuple[CopiedDisk, ...]:
    """Of a guest that is on its target, as they are there now."""
    fates = {
        effect.thing.partition("\t")[0]: FATES[what] for what in FATES for effect in heard_of(what, record.entries)
    }
    return tuple(
        CopiedDisk(
            disk=copy.disk,
            source_path=copy.source_path,
            path=copy.path,
            format=copy.format,
            allocated_bytes=_allocated(copy, sides),
            source_volume=fates.get(copy.source_path, Fate.KEPT),
            remove=_removal(copy, fates.get(copy.source_path, Fate.KEPT), record, sides.source_name),
        )
        for copy in record.job.plan.copies
    )


def _removal(copy: DiskCopy, fate: Fate, record: Record, source: str) -> str:
    if fate is Fate.REMOVED or not _is_file(copy.source_path):
        return ""
    path = copy.source_path if fate is Fate.KEPT else f"{copy.source_path}.{record.job.id}"
    return f"on {source}: rm {shlex.quote(path)}"


def of_disks(duration_s: float, disk_bytes: int, sent_bytes: int = 0) -> Measured:
    """Of a move in which no memory is sent. `sent_bytes`: over the network."""
    return Measured(
        duration_s=duration_s,
        downtime_ms=None,
        blackout_ms=None,
        transferred_bytes=sent_bytes,
        disk_bytes=disk_bytes,
        rounds=0,
    )


def _allocated(copy: DiskCopy, sides: Sides) -> int | None:
    """None where the target could not be asked, which says nothing about the migration."""
    try:
        return sides.host(sides.target_name).volume_bytes(copy.pool, copy.volume) if copy.pool is not None else None
    except VmferryError:
        return None
