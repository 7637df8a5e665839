"""Disks that are copied with the guest: which can be, onto what, and whether there is room."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from vmferry.facts.disk import DiskSight
from vmferry.facts.move import MoveFacts
from vmferry.facts.pool import Pool
from vmferry.model.finding import Finding
from vmferry.model.guest import Disk
from vmferry.model.units import format_bytes
from vmferry.rules.alike import by_files
from vmferry.rules.layers import Layer, copied, layers
from vmferry.rules.registry import Voice, move_rule


def _copies(move: MoveFacts) -> list[Disk]:
    return [disk for disk in move.guest.guest.disks if copied(move, disk)]


def _none(move: MoveFacts, say: Voice) -> Finding:
    return say.ok(move.guest.guest.name, "no disk is copied", "what is copied can be")


@move_rule(
    "storage.copy.disks",
    "every disk that is to be copied can be",
    "libvirt: Cannot migrate empty or read-only disk ...; disk target ... not found",
    alike=by_files,
)
def selectable(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    guest, wish = move.guest.guest, move.wish
    disks = {disk.target: disk for disk in guest.disks}
    possible = [disk.target for disk in guest.disks if disk.source is not None and not disk.read_only]
    required = f"of {', '.join(possible) or 'none'}, those that are to be copied"
    wrong = list(dict.fromkeys(name for name in wish.migrate_disks if name not in possible))
    for name in wrong if wish.storage == "copy" else ():
        disk = disks.get(name)
        why = "has no such disk" if disk is None else "has it read-only" if disk.source else "has nothing in it"
        yield say.refuse(name, f"{guest.name} {why}", required, f"choose of {', '.join(possible) or 'none'}")
    chosen = _copies(move)
    if not chosen:
        yield _none(move, say)
    elif not wrong:
        yield say.ok(guest.name, f"{', '.join(disk.target for disk in chosen)} will be copied", required)


@move_rule(
    "storage.copy.same",
    "no disk is copied onto itself",
    "QEMU: unable to execute QEMU command 'block-export-add'; Is another process using the image [...]?",
    guards_data=True,
    alike=by_files,
)
def onto_itself(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    for disk in _copies(move):
        layer = next(iter(layers(move, disk)), None)
        required = f"{disk.source} of {move.target.host.name} is not that of {move.source.name}"
        if layer is None or not layer.looked_at:
            remedy = f"make ssh to {move.source.name} and {move.target.host.name} work, or look by hand"
            yield say.unknown(disk.target, "not looked at", required, remedy)
        elif _same(layer):
            observed = f"same storage on both: {layer.there.identity or layer.word}"
            where = f" ({layer.there.where})" if layer.there.where else ""
            yield say.refuse(disk.target, f"{observed}{where}", required, "leave it where it is: do not copy it")
        else:
            yield say.ok(disk.target, "two different places", required)
    if not _copies(move):
        yield _none(move, say)


def _same(layer: Layer) -> bool:
    """Also where it may be: nothing is written over what nobody has told apart."""
    here, there = layer.here, layer.there
    if not (here.seen and there.seen) or layer.local or there.marked is False:
        return False
    return bool(there.marked) or not layer.differ


@move_rule(
    "storage.copy.target",
    "there is something to copy each disk onto, of the right size",
    "QEMU: Source and target image have different sizes; libvirt: pre-creation of storage targets for incremental "
    "storage migration is not supported",
    alike=by_files,
)
def target_image(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    for disk in _copies(move):
        layer = next(iter(layers(move, disk)), None)
        if layer is not None and layer.there.seen:
            yield _sizes(layer, say)
        elif layer is not None and layer.there.seen is False:
            yield _to_be_made(layer, say)
        else:
            remedy = f"make ssh to {move.target.host.name} work, or look by hand"
            yield say.unknown(disk.target, "not looked at", f"a place for {disk.source}", remedy)
    if not _copies(move):
        yield _none(move, say)


def _size_bytes(disk: Disk, sight: DiskSight) -> int | None:
    """What the guest sees of it; None: not known."""
    if sight.block is not None:
        return sight.block.size_bytes
    if sight.file is None:
        return None
    return sight.file.virtual_bytes if disk.format == "qcow2" else sight.file.size_bytes


def _sizes(layer: Layer, say: Voice) -> Finding:
    disk, target = layer.disk, layer.target
    here, there = _size_bytes(disk, layer.here), _size_bytes(disk, layer.there)
    required = f"an image of {here} bytes on {target}" if here is not None else f"images of one size on {target}"
    if here is None or there is None:
        remedy = f"compare by hand: qemu-img info {shlex.quote(layer.word)} on both"
        return say.unknown(disk.target, "it is there, but its size could not be read", required, remedy)
    if here != there:
        observed = f"it is there, of {there} bytes; on {layer.source} it has {here}"
        remedy = f"on {target}: remove it if nobody needs it, or qemu-img resize {shlex.quote(layer.word)} {here}"
        return say.refuse(disk.target, observed, required, remedy)
    return say.ok(disk.target, f"it is there, of {there} bytes", required)


def _to_be_made(layer: Layer, say: Voice) -> Finding:
    move, disk, target = layer.move, layer.disk, layer.target
    required = f"{layer.word} on {target}, or a pool in which libvirt makes it"
    size = _size_bytes(disk, layer.here)
    make = f"on {target}: qemu-img create -f {disk.format or 'raw'} {shlex.quote(layer.word)} {size or 'SIZE'}"
    if move.wish.incremental:
        remedy = f"copy all of it, not only what the top image has; or {make}"
        return say.refuse(disk.target, "an incremental copy needs an image there, and there is none", required, remedy)
    pool = _pool_for(move, disk)
    if disk.kind not in ("file", "volume"):
        observed = f"libvirt makes no {disk.kind} on {target}: {layer.there.problem}"
        return say.refuse(disk.target, observed, required, make)
    if pool is None:
        directory = layer.word.rpartition("/")[0] or "/"
        define = f"on {target}: virsh pool-create-as NAME dir --target {shlex.quote(directory)}"
        observed = f"{target} has no active pool of {directory}, so that libvirt cannot make it"
        return say.refuse(disk.target, observed, required, f"{define}; or {make}")
    return say.ok(disk.target, f"libvirt makes it in the pool {pool.name} of {target}", required)


def _pool_for(move: MoveFacts, disk: Disk) -> Pool | None:
    """The active pool of the target that the image would be made in: libvirt finds it by the directory."""
    active = [pool for pool in move.target.host.pools or () if pool.active]
    if disk.kind == "volume":
        return next((pool for pool in active if pool.name == (disk.source or "").partition("/")[0]), None)
    directory = (disk.source or "").rpartition("/")[0]
    return next((pool for pool in active if (pool.path or "").rstrip("/") == directory and pool.path), None)


@move_rule(
    "storage.copy.space",
    "the target's pools have room for what is copied",
    "QEMU: No space left on device",
    alike=by_files,
)
def space(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    loads: dict[str, _Load] = {}
    for disk in _copies(move):
        layer, pool = next(iter(layers(move, disk)), None), _pool_for(move, disk)
        if layer is not None and pool is not None and layer.there.seen is False:
            loads.setdefault(pool.name, _Load(pool)).add(disk, layer.here)
    for load in loads.values():
        yield _room(move, load, say)
    if not loads:
        yield _none(move, say)


@dataclass(slots=True)
class _Load:
    """What comes to one pool."""

    pool: Pool
    written_bytes: int = 0
    whole_bytes: int = 0
    """With every hole written, which the guest may do while its disks are copied."""

    def add(self, disk: Disk, sight: DiskSight) -> None:
        whole_bytes = _size_bytes(disk, sight) or 0
        allocated_bytes = sight.file.allocated_bytes if sight.file is not None else None
        self.written_bytes += whole_bytes if allocated_bytes is None else min(allocated_bytes, whole_bytes)
        self.whole_bytes += whole_bytes


def _room(move: MoveFacts, load: _Load, say: Voice) -> Finding:
    name, host, free = load.pool.name, move.target.host.name, load.pool.available_bytes
    required = f"{format_bytes(load.written_bytes)} free in the pool {name} of {host}"
    if free is None:
        remedy = f"on {host}: virsh pool-info {shlex.quote(name)}"
        return say.unknown(name, "its free space is not known", required, remedy)
    remedy = f"make room on {host}, or copy fewer disks at a time"
    if free < load.written_bytes:
        observed = f"{format_bytes(free)} free, {format_bytes(load.written_bytes - free)} too few"
        return say.refuse(name, observed, required, remedy)
    if free < load.whole_bytes:
        observed = (
            f"{format_bytes(free)} free, enough for what is written now, not for {format_bytes(load.whole_bytes)}"
        )
        return say.warn(name, observed, required, remedy)
    return say.ok(name, f"{format_bytes(free)} free", required)
