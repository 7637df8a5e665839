"""Looks at disks' sources on a host, all of them in one round trip to its shell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import libvirt

from vmferry.errors import HostUnreachable
from vmferry.facts.guest import DiskSight
from vmferry.hosts.shell import Shell
from vmferry.hosts.sights import Source, answers, not_asked, request, sight, sources
from vmferry.model.guest import Disk

_VOLUME_KINDS = {
    libvirt.VIR_STORAGE_VOL_FILE: "file",
    libvirt.VIR_STORAGE_VOL_BLOCK: "block",
    libvirt.VIR_STORAGE_VOL_DIR: "dir",
}


def look_at(disks: Sequence[Disk], shell: Shell, connection: libvirt.virConnect) -> tuple[DiskSight, ...]:
    """One sight a disk, in order. A host that cannot be looked at is no error: what it sees is not known."""
    if not shell.available:
        return tuple(
            DiskSight(disk.target, None, problem="there is no shell on this host; declare ssh") for disk in disks
        )
    wanted = [tuple(_found(source, connection) for source in sources(disk)) for disk in disks]
    try:
        seen = _ask(shell, [each for group in wanted for each in group if isinstance(each, Source)])
    except HostUnreachable as error:
        return tuple(DiskSight(disk.target, None, problem=error.message) for disk in disks)
    return tuple(_whole(disk, group, seen) for disk, group in zip(disks, wanted, strict=True))


def _found(source: Source, connection: libvirt.virConnect) -> Source | DiskSight:
    """A volume is what the host's own pool says it is."""
    if source.kind != "volume":
        return source
    pool, _, volume = source.word.partition("/")
    try:
        found = connection.storagePoolLookupByName(pool).storageVolLookupByName(volume)
        return replace(source, kind=_VOLUME_KINDS.get(found.info()[0], "volume"), word=found.path())
    except libvirt.libvirtError as error:
        return DiskSight(source.disk.target, False, problem=f"volume {volume!a} of pool {pool!a}: {error}")


def _ask(shell: Shell, wanted: Sequence[Source]) -> Mapping[Source, DiskSight]:
    """What is seen of each. Nothing is asked where no source can be looked at."""
    requests = {source: request(index, source) for index, source in enumerate(wanted)}
    asked = [line for line in requests.values() if line is not None]
    said = answers(shell.ask(asked)) if asked else {}
    return {
        source: sight(source, said.get(index)) if requests[source] is not None else not_asked(source)
        for index, source in enumerate(wanted)
    }


def _whole(disk: Disk, group: Sequence[Source | DiskSight], seen: Mapping[Source, DiskSight]) -> DiskSight:
    """The disk's own sight, or the first trouble with what its image rests on."""
    if not group:
        return DiskSight(disk.target, None, problem="an empty drive")
    sights = [seen[each] if isinstance(each, Source) else each for each in group]
    return _first_unseen(sights, False) or _first_unseen(sights, None) or _joined(sights)


def _first_unseen(sights: Iterable[DiskSight], seen: bool | None) -> DiskSight | None:
    return next((each for each in sights if each.seen is seen), None)


def _joined(sights: Sequence[DiskSight]) -> DiskSight:
    """The image with what it rests on: shared only if all of it is, the same only if all of it is."""
    kinds = {each.shared_kind for each in sights}
    return replace(
        sights[0],
        shared_kind=False if False in kinds else None if None in kinds else True,
        problem=next((each.problem for each in sights if each.problem), None),
        identity=_all_of([each.identity for each in sights]),
        where=_all_of([each.where for each in sights if each.where != ""]),
    )


def _all_of(words: Sequence[str | None]) -> str | None:
    """None where one of them is not known."""
    return None if None in words else ", on ".join(word for word in words if word)
