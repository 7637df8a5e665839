"""Both hosts see the same bytes behind every disk."""

from __future__ import annotations

from collections.abc import Iterator

from vmferry.facts.guest import DiskSight, MoveFacts
from vmferry.model.finding import Finding
from vmferry.model.guest import Disk
from vmferry.rules.registry import Voice, rule


@rule(
    "storage.shared",
    "every disk is the same storage on both hosts",
    "guide 15.2: a guest must be installed on shared storage; libvirt: Migration without shared storage is unsafe",
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
    if not here.seen:
        return say.refuse(disk.target, f"{source}: {here.problem}", required, f"mend the disk's source on {source}")
    if here.shared_kind is False:
        observed = f"{disk.source} is on a file system of {source}'s own"
        return say.refuse(disk.target, observed, required, "put the disk on storage that both hosts share")
    if not there.seen:
        remedy = f"make {disk.source} reachable from {target} (mount, export, access list, qemu-block-extra)"
        return say.refuse(disk.target, f"{target}: {there.problem}", required, remedy)
    if here.identity is None or there.identity is None or here.shared_kind is None:
        remedy = "compare serial numbers, mounts and sizes by hand"
        return say.unknown(disk.target, "seen on both, but not proved to be the same", required, remedy)
    if here.identity != there.identity:
        observed = f"{source} sees {here.identity}, {target} sees {there.identity}"
        return say.refuse(disk.target, observed, required, "mount the same share at the same path on both hosts")
    return say.ok(disk.target, f"{there.identity} on both", required)
