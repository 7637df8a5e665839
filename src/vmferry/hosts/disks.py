"""Looks at disks' sources on a host, all of them in one round trip to its shell."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import libvirt

from vmferry.errors import HostUnreachable
from vmferry.facts.disk import DiskSight
from vmferry.hosts.line import Line
from vmferry.hosts.shell import Shell
from vmferry.hosts.sights import Source, answers, not_asked, request, sight, sources
from vmferry.model.guest import Disk

_VOLUME_KINDS = {
    libvirt.VIR_STORAGE_VOL_FILE: "file",
    libvirt.VIR_STORAGE_VOL_BLOCK: "block",
    libvirt.VIR_STORAGE_VOL_DIR: "dir",
}
_MARK = ".vmferry-mark-"


def look_at(
    disks: Sequence[Disk], shell: Shell, line: Line, marks: Sequence[Sequence[str]] = ()
) -> tuple[DiskSight, ...]:
    """One sight a disk, in order. A host that cannot be looked at is no error: what it sees is not known.

    `marks` are those that the disks' own host has left, for each disk in order; none are looked for without.
    """
    return _look(disks, shell, line, marks or [() for _ in disks], leave=False)


def mark(disks: Sequence[Disk], shell: Shell, line: Line) -> tuple[DiskSight, ...]:
    """Look at them, and leave a mark beside each of their files, until `unmark` or for 20 s."""
    names = [tuple(_MARK + secrets.token_hex(12) for _ in sources(disk)) for disk in disks]
    return _look(disks, shell, line, names, leave=True)


def unmark(shell: Shell) -> None:
    """Whatever keeps the host from doing it, its own watch does it then."""
    if shell.available:
        shell.ask(["unmark"])


def _look(
    disks: Sequence[Disk], shell: Shell, line: Line, marks: Sequence[Sequence[str]], *, leave: bool
) -> tuple[DiskSight, ...]:
    if not shell.available:
        problem = "there is no shell on this host; declare ssh"
        return tuple(DiskSight(disk.target, None, problem=problem) for disk in disks)
    wanted = [
        tuple(_found(source, line) for source in sources(disk, names)) for disk, names in zip(disks, marks, strict=True)
    ]
    try:
        seen = _ask(shell, [each for group in wanted for each in group if isinstance(each, Source)], leave=leave)
    except HostUnreachable as error:
        return tuple(DiskSight(disk.target, None, problem=error.message) for disk in disks)
    return tuple(_whole(disk, group, seen) for disk, group in zip(disks, wanted, strict=True))


def _found(source: Source, line: Line) -> Source | DiskSight:
    """A volume is what the host's own pool says it is."""
    if source.kind != "volume":
        return source
    pool, _, volume = source.word.partition("/")
    try:
        with line.used():
            found = line.connection.storagePoolLookupByName(pool).storageVolLookupByName(volume)
            kind, path = _VOLUME_KINDS.get(found.info()[0], "volume"), found.path()
        return replace(source, kind="network" if "://" in path else kind, word=path)
    except libvirt.libvirtError as error:
        problem = f"volume {volume!a} of pool {pool!a}: {error}"
        return DiskSight(source.disk.target, False, problem=problem, word=source.word)


def _ask(shell: Shell, wanted: Sequence[Source], *, leave: bool) -> Mapping[Source, DiskSight]:
    """What is seen of each. Nothing is asked where no source can be looked at."""
    requests = {source: request(index, source, leave=leave) for index, source in enumerate(wanted)}
    asked = [line for line in requests.values() if line is not None]
    said = answers(shell.ask(asked)) if asked else {}
    return {
        source: _seen(source, sight(source, said.get(index, {})), leave) if requests[source] else not_asked(source)
        for index, source in enumerate(wanted)
    }


def _seen(source: Source, seen: DiskSight, leave: bool) -> DiskSight:
    """With the name of its mark, where one was left."""
    return replace(seen, marks=(source.mark if leave and seen.marked else "",))


def _whole(disk: Disk, group: Sequence[Source | DiskSight], seen: Mapping[Source, DiskSight]) -> DiskSight:
    """The disk's own sight, with those of what its image rests on."""
    if not group:
        return DiskSight(disk.target, None, problem="an empty drive")
    own, *below = [seen[each] if isinstance(each, Source) else each for each in group]
    return replace(own, backing=tuple(below), marks=tuple(_names((own, *below))))


def _names(layers: Iterable[DiskSight]) -> list[str]:
    return [name for layer in layers for name in (layer.marks or ("",))]
