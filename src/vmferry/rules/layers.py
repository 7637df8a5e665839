"""A disk as both hosts see it, layer by layer: its own source, then what its image rests on."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from vmferry.facts.disk import DiskSight
from vmferry.facts.host import HostFacts
from vmferry.facts.move import MoveFacts
from vmferry.facts.storage import Mount
from vmferry.model.guest import Disk


@dataclass(frozen=True, slots=True)
class Layer:
    """One source of one disk, as the guest's host and the target see it."""

    move: MoveFacts
    disk: Disk
    word: str
    """Its path or URL on the source."""
    here: DiskSight
    there: DiskSight
    top: bool
    """The disk's own source."""

    @property
    def source(self) -> str:
        return self.move.source.name

    @property
    def target(self) -> str:
        return self.move.target.host.name

    @property
    def read_only(self) -> bool:
        return self.disk.read_only

    @property
    def name(self) -> str:
        """As a finding's text begins with it: nothing for the disk's own source, which the finding is about."""
        return "" if self.top else f"{self.word}, which it rests on: "

    @property
    def local(self) -> bool:
        """Written to, and on storage that only the source has."""
        return self.here.shared_kind is False and not self.read_only

    @property
    def looked_at(self) -> bool:
        return self.here.seen is not None and self.there.seen is not None

    @property
    def differ(self) -> bool:
        """Proved; nothing that is not known proves it."""
        return None not in (self.here.identity, self.there.identity) and self.here.identity != self.there.identity


def layers(move: MoveFacts, disk: Disk) -> tuple[Layer, ...]:
    """Empty where one of the hosts was not asked at all."""
    here = next((sight for sight in move.source_disks if sight.target == disk.target), None)
    there = next((sight for sight in move.target.disks if sight.target == disk.target), None)
    if here is None or there is None or disk.source is None:
        return ()
    words = (disk.source, *disk.backing)
    pairs = zip(words, (here, *here.backing), (there, *there.backing), strict=False)
    return tuple(Layer(move, disk, word, own, other, number == 0) for number, (word, own, other) in enumerate(pairs))


def copied(move: MoveFacts, disk: Disk) -> bool:
    """Libvirt copies it with the guest: of those that it can copy, the ones asked for, or else all that are written."""
    if move.wish.storage != "copy" or disk.source is None or disk.read_only:
        return False
    return disk.target in move.wish.migrate_disks if move.wish.migrate_disks else not disk.shareable


def kept(move: MoveFacts) -> Iterator[Disk]:
    """The disks with something in them that stay where they are."""
    return (disk for disk in move.guest.guest.disks if disk.source is not None and not copied(move, disk))


def mounted(host: HostFacts, sight: DiskSight) -> Mount | None:
    """The mount that the file is on, as the host tells of its mounts."""
    mounts = host.storage.mounts if host.storage is not None else None
    where = sight.file.mount if sight.file is not None else None
    return next((each for each in reversed(mounts or ()) if each.path == where), None)


def mount_command(move: MoveFacts, sight: DiskSight) -> str | None:
    """What gives the target the share that the source has the file from; None: it is not on a share."""
    mount = mounted(move.source, sight)
    there = move.target.host.storage.mounts if move.target.host.storage is not None else None
    if mount is None or sight.shared_kind is not True or sight.file is None:
        return None
    kind = mount.kind.removeprefix("fuse.")
    where = shlex.quote(mount.path)
    taken = f"umount {where}; " if any(each.path == mount.path for each in there or ()) else ""
    fresh = " -o attribute-timeout=0" if kind == "glusterfs" else ""  # see storage.growing
    return f"on {move.target.host.name}: {taken}mount -t {kind}{fresh} {shlex.quote(mount.source)} {where}"


def eject(move: MoveFacts, disk: Disk) -> str:
    """The way out for what can be taken out; empty for other disks."""
    if disk.device not in ("cdrom", "floppy"):
        return ""
    return f"on {move.source.name}: virsh change-media {move.guest.guest.name} {disk.target} --eject; or "
