"""Disks that are copied with the guest: which can be, onto what, and whether there is room."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from vmferry.facts.move import MoveFacts
from vmferry.facts.pool import Pool
from vmferry.model.finding import Finding
from vmferry.model.guest import Disk, ImageEncryption
from vmferry.model.units import format_bytes
from vmferry.rules.alike import by_files
from vmferry.rules.copies import (
    DIRECTORIES,
    Destination,
    capacity_bytes,
    destination,
    needed_bytes,
    size_bytes,
    thinly,
)
from vmferry.rules.layers import Layer, copied, layers
from vmferry.rules.registry import Voice, move_rule

BLOCK_BYTES = 4096
"""What most storage is written in. An image of another size that QEMU opens without the host's cache cannot be
exported there (tried: "Image size is not a multiple of request alignment", "Source and target image have different
sizes").
"""


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
        layer, where = next(iter(layers(move, disk)), None), destination(move, disk)
        required = f"{where.path} of {move.target.host.name} is not {disk.source} of {move.source.name}"
        if where.path != disk.source and not where.existing:
            yield say.ok(disk.target, f"a new image is made: {where.path}", required)
        elif layer is None or not layer.looked_at:
            remedy = f"make ssh to {move.source.name} and {move.target.host.name} work, or look by hand"
            yield say.unknown(disk.target, "not looked at", required, remedy)
        elif _same(layer):
            observed = f"same storage on both: {layer.there.identity or layer.word}"
            found = f" ({layer.there.where})" if layer.there.where else ""
            yield say.refuse(disk.target, f"{observed}{found}", required, "leave it where it is: do not copy it")
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
    guards_data=True,
    alike=by_files,
)
def target_image(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    for disk in _copies(move):
        layer, where = next(iter(layers(move, disk)), None), destination(move, disk)
        if layer is None or (layer.there.seen is None and where.path == disk.source):
            remedy = f"make ssh to {move.target.host.name} work, or look by hand"
            yield say.unknown(disk.target, "not looked at", f"a place for {disk.source}", remedy)
        elif where.existing:
            yield _onto(layer, say)
        elif layer.there.seen and where.path == disk.source and not where.wrong:
            yield _taken(layer, say)
        else:
            yield _to_be_made(layer, where, say)
    if not _copies(move):
        yield _none(move, say)


def _taken(layer: Layer, say: Voice) -> Finding:
    """It may be anybody's."""
    target, name = layer.target, layer.disk.target
    required = f"{layer.word} is not there yet on {target}"
    other = f"take another pool with --disk {name}=POOL, or --onto-existing {name} to write over it"
    remedy = f"on {target}: if nobody needs it, rm {shlex.quote(layer.word)}; or {other}"
    return say.refuse(name, f"{target} has an image of that name already: {layer.word}", required, remedy)


def _onto(layer: Layer, say: Voice) -> Finding:
    """Onto what is there: the guest must not see another size after its switch."""
    disk, target = layer.disk, layer.target
    here = capacity_bytes(layer.move, disk)
    there = size_bytes(disk, layer.there) if layer.there.seen else None
    required = f"an image of {here} bytes on {target}" if here is not None else f"images of one size on {target}"
    if layer.there.seen is False:
        observed, remedy = f"there is none: {layer.there.problem}", f"drop --onto-existing {disk.target}"
        return say.refuse(disk.target, observed, required, remedy)
    if here is None or there is None:
        remedy = f"compare by hand: qemu-img info {shlex.quote(layer.word)} on both"
        return say.unknown(disk.target, "it is there, but its size could not be read", required, remedy)
    if here != there:
        observed = f"it is there, of {there} bytes; on {layer.source} it has {here}"
        remedy = f"on {target}: remove it if nobody needs it, or qemu-img resize {shlex.quote(layer.word)} {here}"
        if there > here and disk.format == "raw":
            return say.warn(disk.target, f"{observed}: the guest will see a bigger disk", required, remedy)
        return say.refuse(disk.target, observed, required, remedy)
    return say.ok(disk.target, f"it is there, of {there} bytes, and is written over", required)


def _to_be_made(layer: Layer, where: Destination, say: Voice) -> Finding:
    move, disk, target = layer.move, layer.disk, layer.target
    required = f"{where.path} on {target}, in a pool in which it can be made"
    size = capacity_bytes(move, disk)
    if where.wrong:
        return say.refuse(disk.target, where.wrong, required, _way_out(move, layer, where, size))
    if not size:
        observed, remedy = "how big the guest sees it is not known", f"on {layer.source}: virsh domblkinfo"
        return say.unknown(disk.target, observed, required, f"{remedy} {move.guest.guest.name} {disk.target}")
    assert where.pool is not None
    twin = _same_place(move, disk, where)
    if twin is not None:
        remedy = f"another pool for one of the two: --disk {disk.target}=POOL"
        return say.refuse(disk.target, f"{twin.target} would be made there too: {where.path}", required, remedy)
    if disk.encryption is not None and (disk.encryption.format != "luks" or disk.encryption == ImageEncryption("luks")):
        observed = f"its image is encrypted as {disk.encryption.format}: only LUKS with a secret of libvirt's is made"
        remedy = f"on {target}: make {where.path} by hand, of the same size; then --onto-existing {disk.target}"
        return say.refuse(disk.target, observed, required, remedy)
    made = f"made in the pool {where.pool.name} of {target}: {where.path}, {where.format}, {format_bytes(size)}"
    if where.format == "raw" and thinly(move) is None:
        observed = f"{made}; libvirt {move.target.host.libvirt} there keeps no holes of what this source sends"
        remedy = f"--disk {disk.target}={where.pool.name}:qcow2 keeps it thin"
        return say.warn(disk.target, observed, required, remedy)
    if size % BLOCK_BYTES and disk.cache in ("none", "directsync"):
        whole = size + BLOCK_BYTES - size % BLOCK_BYTES
        observed = f"{made}; that is no multiple of {BLOCK_BYTES} bytes, and QEMU copies it only to where that may be"
        remedy = f"on {layer.source}: virsh blockresize {move.guest.guest.name} {shlex.quote(layer.word)} {whole}B"
        return say.warn(disk.target, observed, required, remedy)
    if disk.encryption is not None and not move.wish.tls:
        observed = f"{made}, encrypted with the same secret; but on its way there what it holds is not"
        remedy = "vmferry tls init, then --tls; or a network for migrations that nobody else is on"
        return say.warn(disk.target, observed, required, remedy)
    if disk.backing and move.wish.incremental:
        return say.ok(disk.target, f"{made}; what it rests on is shared and stays ({disk.backing[0]})", required)
    if disk.backing:
        return say.ok(disk.target, f"{made}; what it rests on is copied into it (flattened)", required)
    return say.ok(disk.target, made, required)


def _same_place(move: MoveFacts, disk: Disk, where: Destination) -> Disk | None:
    """Another copied disk of the same destination: images of one name in two directories."""
    others = (other for other in _copies(move) if other.target != disk.target)
    return next((other for other in others if destination(move, other).path == where.path), None)


def _way_out(move: MoveFacts, layer: Layer, where: Destination, size: int | None) -> str:
    disk, target = layer.disk, layer.target
    pools = [pool.name for pool in move.target.host.pools or () if pool.active and pool.kind in DIRECTORIES]
    if pools:
        return f"name one of its pools: --disk {disk.target}={pools[0]}" + (
            f" (or {', '.join(pools[1:])})" if pools[1:] else ""
        )
    directory = where.path.rpartition("/")[0] or "/"
    make = f"qemu-img create -f {disk.format or 'raw'} {shlex.quote(layer.word)} {size or 'SIZE'}"
    define = f"virsh pool-create-as NAME dir --target {shlex.quote(directory)}"
    return f"on {target}: {define}; or make it by hand ({make}) and say --onto-existing {disk.target}"


@move_rule(
    "storage.copy.space",
    "the target's pools have room for what is copied",
    "QEMU: No space left on device",
    alike=by_files,
)
def space(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    loads: dict[str, _Load] = {}
    for disk in _copies(move):
        where = destination(move, disk)
        if where.pool is not None and not where.wrong:
            load = loads.setdefault(where.pool.name, _Load(where.pool))
            load.written_bytes += needed_bytes(move, disk)
            load.whole_bytes += capacity_bytes(move, disk) or 0
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
