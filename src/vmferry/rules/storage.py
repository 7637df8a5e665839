"""Both hosts see the same bytes behind every disk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vmferry.facts.guest import DiskSight
from vmferry.facts.move import MoveFacts
from vmferry.model.finding import Finding
from vmferry.model.guest import Disk
from vmferry.rules.registry import Voice, move_rule

EXTRA = "qemu-block-extra"
"""Debian's package of QEMU's drivers for iSCSI, NFS, RBD and others."""


@move_rule(
    "storage.shared",
    "every disk is the same storage on both hosts",
    "guide 15.2: a guest must be installed on shared storage; libvirt: Migration without shared storage is unsafe",
    guards_data=True,
)
def storage_shared(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    there = {sight.target: sight for sight in move.target.disks}
    here = {sight.target: sight for sight in move.source_disks}
    for disk in move.guest.guest.disks:
        if disk.source is None:
            yield say.ok(disk.target, "an empty drive", "nothing to see")
        else:
            yield _judge(move, disk, here.get(disk.target), there.get(disk.target), say)


def _judge(move: MoveFacts, disk: Disk, here: DiskSight | None, there: DiskSight | None, say: Voice) -> Finding:
    source, target = move.source.name, move.target.host.name
    required = f"{disk.source} seen from {target} as from {source}"
    if here is None or there is None or here.seen is None or there.seen is None:
        blind = (sight.problem for sight in (here, there) if sight is not None and sight.seen is None)
        why = next(filter(None, blind), "not looked at")
        return say.unknown(disk.target, why, required, f"make ssh to {source} and {target} work, or look by hand")
    look = _Look(move.guest.guest.name, disk, source, here, target, there, required)
    return _unseen(look, say) or (_read_only(look, say) if disk.read_only else _compared(look, say))


@dataclass(frozen=True, slots=True)
class _Look:
    """One disk that both hosts were able to look for."""

    guest: str
    disk: Disk
    source: str
    here: DiskSight
    target: str
    there: DiskSight
    required: str

    @property
    def differ(self) -> bool:
        """Proved; nothing that is not known proves it."""
        return None not in (self.here.identity, self.there.identity) and self.here.identity != self.there.identity

    @property
    def doubt(self) -> str | None:
        """Why the two are not proved to be the same; None: they are."""
        here, there = self.here, self.there
        if here.identity is None or there.identity is None or here.shared_kind is None:
            return here.problem or there.problem or "seen on both, but not proved to be the same"
        if here.where is None or there.where is None:
            return here.problem or there.problem or "alike on both, but not proved to be on the same share"
        if here.where != there.where:
            return f"alike on both, but {self.source} has it from {here.where}, {self.target} from {there.where}"
        return None


def _unseen(look: _Look, say: Voice) -> Finding | None:
    disk, target = look.disk, look.target
    if not look.here.seen:
        remedy = f"{_eject(look)}mend the disk's source on {look.source}"
        return say.refuse(disk.target, f"{look.source}: {look.here.problem}", look.required, remedy)
    if look.here.shared_kind is False and not disk.read_only:
        observed = f"{disk.source} is on a file system of {look.source}'s own"
        return say.refuse(disk.target, observed, look.required, "put the disk on storage that both hosts share")
    if not look.there.seen:
        remedy = f"{_eject(look)}make {disk.source} reachable from {target} (mount, export, access list, {EXTRA})"
        return say.refuse(disk.target, f"{target}: {look.there.problem}", look.required, remedy)
    return None


def _eject(look: _Look) -> str:
    if look.disk.device not in ("cdrom", "floppy"):
        return ""
    return f"on {look.source}: virsh change-media {look.guest} {look.disk.target} --eject; or "


def _read_only(look: _Look, say: Voice) -> Finding:
    """A file of each host's own will do, and libvirt takes it, but nobody has compared what is in it."""
    if look.here.shared_kind and not look.differ and look.doubt is None:
        return say.ok(look.disk.target, f"{look.there.identity} on both", look.required)
    remedy = f"{_eject(look)}compare both by hand (sha256sum {look.disk.source})"
    return say.warn(look.disk.target, "read-only and seen on both, but not compared", look.required, remedy)


def _compared(look: _Look, say: Voice) -> Finding:
    disk, here, there = look.disk, look.here, look.there
    if look.differ:
        observed = f"{look.source} sees {here.identity}, {look.target} sees {there.identity}"
        return say.refuse(disk.target, observed, look.required, "give both hosts the same storage at the same path")
    if look.doubt is not None:
        remedy = "compare serial numbers, mounts and sizes by hand"
        return say.unknown(disk.target, look.doubt, look.required, remedy)
    return say.ok(disk.target, f"{there.identity} on both", look.required)
