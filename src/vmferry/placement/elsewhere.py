"""Where a target has the files of a share that it mounts at another place than the source does.

It rests on names of mounts alone, so what it finds is a candidate: whether the same bytes are there is looked at and
proved as for any disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from vmferry.facts.host import HostFacts
from vmferry.facts.storage import Mount
from vmferry.model.edits import Edit, Naming
from vmferry.model.guest import Disk

_CLUSTERED = ("gfs2", "ocfs2")
"""Their sources are block devices, of which the hosts share the names if they are set up as is usual."""


@dataclass(frozen=True, slots=True)
class _Spot:
    """A directory of a share."""

    server: str
    path: PurePosixPath


def edits(disks: Iterable[Disk], here: HostFacts, there: HostFacts) -> tuple[Edit, ...]:
    """For every path of these disks that is on a share which the other host has elsewhere, and not at that path."""
    mounts = _mounts(here), _mounts(there)
    if not all(mounts):
        return ()
    found = ((path, elsewhere(path, *mounts)) for path in dict.fromkeys(_paths(disks)))
    return tuple(Edit(Naming.PATH, path, new) for path, new in found if new is not None)


def elsewhere(path: str, here: Sequence[Mount], there: Sequence[Mount]) -> str | None:
    """The path of the same file of the same share on the other host; None: the same path, none, or not known."""
    wanted = _spot(path, here)
    if wanted is None or _spot(path, there) == wanted:
        return None
    for mount in sorted(there, key=lambda each: each.path):
        top = _top(mount)
        if top is None or top.server != wanted.server or not wanted.path.is_relative_to(top.path):
            continue
        candidate = str(PurePosixPath(mount.path, wanted.path.relative_to(top.path)))
        if _spot(candidate, there) == wanted:
            return candidate
    return None


def edited(disk: Disk, changes: Sequence[Edit]) -> Disk:
    """The disk as the target's definition has it."""
    new = {edit.before: edit.after for edit in changes if edit.naming is Naming.PATH}
    below = tuple(new.get(word, word) for word in disk.backing)
    return replace(disk, source=_renamed(disk.source, new), backing=below)


def _renamed(source: str | None, new: Mapping[str, str]) -> str | None:
    return None if source is None else new.get(source, source)


def _paths(disks: Iterable[Disk]) -> Iterator[str]:
    for disk in disks:
        yield from (word for word in (disk.source, *disk.backing) if word is not None and word.startswith("/"))


def _mounts(host: HostFacts) -> Sequence[Mount]:
    return () if host.storage is None else host.storage.mounts or ()


def _spot(path: str, mounts: Sequence[Mount]) -> _Spot | None:
    """Where on which share a path is; None: on none."""
    file = PurePosixPath(path)
    over = [mount for mount in mounts if file.is_relative_to(mount.path)]
    if not over or ".." in file.parts:
        return None
    deepest = max(len(mount.path) for mount in over)
    mount = [each for each in over if len(each.path) == deepest][-1]  # of two at one place the later one is seen
    top = _top(mount)
    return None if top is None else _Spot(top.server, top.path / file.relative_to(mount.path))


def _top(mount: Mount) -> _Spot | None:
    """The directory of a share that is mounted; None: it is no share."""
    if mount.kind in _CLUSTERED:
        return _Spot(mount.source, PurePosixPath("/", mount.root.lstrip("/")))
    server, colon, path = mount.source.partition(":/")
    if not colon or not server or server.startswith("/"):
        return None
    return _Spot(server.lower(), PurePosixPath("/", path.lstrip("/"), mount.root.lstrip("/")))
