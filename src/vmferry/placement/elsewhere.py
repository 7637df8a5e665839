"""Where a target has the files of a share that it mounts at another place than the source does.

It rests on names of mounts alone, so what it finds is a candidate: whether the same bytes are there is looked at and
proved as for any disk.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from vmferry.facts.host import HostFacts
from vmferry.facts.storage import Mount
from vmferry.model.edits import Edit, Naming
from vmferry.model.guest import Disk

_CLUSTERED = ("gfs2", "ocfs2")
"""Their sources are block devices, of which the hosts share the names if they are set up as is usual."""
_SERVED = re.compile(r"(?P<server>[^/].*?)[:=](?P<path>/.*)")
"""Ceph writes `user@cluster.name=/path`."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A directory of a share."""

    server: str
    path: PurePosixPath


class Shares:
    """The shares of one host, by where it mounts them."""

    def __init__(self, host: HostFacts) -> None:
        mounts = () if host.storage is None else host.storage.mounts or ()
        # The innermost first, and of two at one place the later, which hides the other.
        ordered = sorted(enumerate(mounts), key=lambda each: (len(each[1].path), each[0]), reverse=True)
        self._tops = [(PurePosixPath(mount.path), _top(mount)) for _, mount in ordered]
        self._pools = {pool.name: pool for pool in host.pools or () if pool.active}
        self._places = tuple(mount.path for mount in mounts if _top(mount) is not None)

    def spot(self, path: str) -> Spot | None:
        """Where on which share a path is; None: on none."""
        if not path.startswith(self._places):
            return None
        file = PurePosixPath(path)
        place, top = next((each for each in self._tops if file.is_relative_to(each[0])), (file, None))
        return None if top is None or ".." in file.parts else Spot(top.server, top.path / file.relative_to(place))

    def path(self, wanted: Spot) -> str | None:
        """By which path that is seen here: the first, where there are several."""
        for place, top in sorted(self._tops, key=lambda each: each[0]):
            if top is not None and top.server == wanted.server and wanted.path.is_relative_to(top.path):
                candidate = str(place / wanted.path.relative_to(top.path))
                if self.spot(candidate) == wanted:
                    return candidate
        return None

    def pool(self, name: str) -> tuple[str, Spot | str] | None:
        """What a pool is made of, in words that every host has for it; None: it is the host's own, or absent."""
        pool = self._pools.get(name)
        if pool is None:
            return None
        spot = self.spot(pool.path) if pool.path is not None else None
        if spot is not None:
            return "directory", spot
        return (pool.kind, pool.serves) if pool.servers else None

    def pool_of(self, made_of: tuple[str, Spot | str]) -> str | None:
        """The name by which such a pool is there: the first, where there are several."""
        return next((name for name in sorted(self._pools) if self.pool(name) == made_of), None)


def edits(disks: Iterable[Disk], here: Shares, there: Shares) -> tuple[Edit, ...]:
    """For every path of these disks that is on a share which the other host has elsewhere, and not at that path.

    The same of pools that have another name there.
    """
    disks = tuple(disks)
    found = ((path, elsewhere(path, here, there)) for path in dict.fromkeys(_paths(disks)))
    moved = tuple(Edit(Naming.PATH, path, new) for path, new in found if new is not None)
    named = ((pool, _renamed_pool(pool, here, there)) for pool in dict.fromkeys(_pools(disks)))
    return moved + tuple(Edit(Naming.POOL, pool, new) for pool, new in named if new is not None)


def _renamed_pool(name: str, here: Shares, there: Shares) -> str | None:
    wanted = here.pool(name)
    return None if wanted is None or there.pool(name) == wanted else there.pool_of(wanted)


def elsewhere(path: str, here: Shares, there: Shares) -> str | None:
    """The path of the same file of the same share on the other host; None: the same path, none, or not known."""
    wanted = here.spot(path)
    return None if wanted is None or there.spot(path) == wanted else there.path(wanted)


def edited(disk: Disk, changes: Sequence[Edit]) -> Disk:
    """The disk as the target's definition has it."""
    new = {edit.before: edit.after for edit in changes if edit.naming is Naming.PATH}
    below = tuple(new.get(word, word) for word in disk.backing)
    if disk.kind == "volume" and disk.source is not None:
        pool, _, volume = disk.source.partition("/")
        pools = {edit.before: edit.after for edit in changes if edit.naming is Naming.POOL}
        return replace(disk, source=f"{pools.get(pool, pool)}/{volume}", backing=below)
    return replace(disk, source=_renamed(disk.source, new), backing=below)


def _renamed(source: str | None, new: Mapping[str, str]) -> str | None:
    return None if source is None else new.get(source, source)


def _pools(disks: Iterable[Disk]) -> Iterator[str]:
    yield from (disk.source.partition("/")[0] for disk in disks if disk.kind == "volume" and disk.source is not None)


def _paths(disks: Iterable[Disk]) -> Iterator[str]:
    for disk in disks:
        yield from (word for word in (disk.source, *disk.backing) if word is not None and word.startswith("/"))


def _top(mount: Mount) -> Spot | None:
    """The directory of a share that is mounted; None: it is no share."""
    if mount.kind in _CLUSTERED:
        return Spot(mount.source, PurePosixPath("/", mount.root.lstrip("/")))
    served = _SERVED.fullmatch(mount.source)
    if served is None:
        return None
    return Spot(served["server"].lower(), PurePosixPath("/", served["path"].lstrip("/"), mount.root.lstrip("/")))
