"""Which disks are copied with the guest, and onto what on the target: decided from what both hosts see.

A disk that both hosts are proved to share stays. One that only the source has is copied. Where nobody could tell, it
stays, and the rules say what is not known: nothing is copied over something that may be the disk itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from vmferry.facts.disk import DiskSight
from vmferry.facts.guest import GuestFacts
from vmferry.facts.host import HostFacts
from vmferry.facts.move import MoveFacts
from vmferry.facts.pool import Pool
from vmferry.facts.wish import MoveWish
from vmferry.model.guest import Disk
from vmferry.model.storage import Base, DiskCopy, Place
from vmferry.rules.alike import of_the_same
from vmferry.rules.layers import copied, layers
from vmferry.rules.storage import proved_same

KEEPS_HOLES = (10, 9)
"""The libvirt from which holes of a raw image are kept by `migrate_disks_detect_zeroes`, if both hosts know it."""
DETECT_ZEROES, DISCARD = "detect-zeroes", "discard"
LUKS_HEADER_BYTES = 16 << 20
"""At the most, with QEMU's usual key slots."""
DIRECTORIES = ("dir", "fs", "netfs")
"""Kinds of pools in which a volume is a file."""
FORMATS = ("raw", "qcow2")


def resolved(move: MoveFacts) -> MoveFacts:
    """With a wish that says of every disk whether it is copied to this target."""
    wish = move.wish
    if wish.storage == "shared":
        return move
    if wish.storage == "auto" and not (wish.places or wish.migrate_disks):
        chosen = _not_shared(move.guest, move.source_disks, move.target.disks, wish)
    else:
        known = {disk.target for disk in move.guest.guest.disks}
        named = (*wish.migrate_disks, *(place.disk for place in wish.places))
        chosen = tuple(disk.target for disk in move.guest.guest.disks if _is_wanted(move, disk))
        chosen += tuple(dict.fromkeys(name for name in named if name not in known))  # of which a rule says so
    if not chosen:
        return replace(move, wish=_staying(wish))
    found = replace(move, wish=_copying(wish, chosen))
    return replace(found, wish=_incremental(found.wish)) if keeps_bases(found) else found


def keeps_bases(move: MoveFacts) -> bool:
    """The images that the copied ones rest on are shared, so only the top ones are copied, onto the same bases.

    Libvirt copies so, or everything, for all disks of a guest together.
    """
    chosen = [disk for disk in move.guest.guest.disks if copied(move, disk)]
    below = [(disk, layer) for disk in chosen for layer in layers(move, disk)[1:]]
    if not below or any(disk.target in move.wish.onto_existing for disk in chosen):
        return False
    if any(disk.backing and destination(move, disk).format != "qcow2" for disk in chosen) or move.target.edits:
        return False
    return all(layer.looked_at and layer.there.seen and proved_same(layer) for _, layer in below)


@of_the_same
def _incremental(wish: MoveWish) -> MoveWish:
    return replace(wish, incremental=True)


def _is_wanted(move: MoveFacts, disk: Disk) -> bool:
    wish = move.wish
    if disk.target in wish.migrate_disks or any(place.disk == disk.target for place in wish.places):
        return True
    if wish.migrate_disks or disk.source is None or disk.read_only or disk.shareable:
        return False
    shared = _is_shared(move, disk)
    return not shared if wish.storage == "copy" else shared is False


@of_the_same
def _not_shared(
    guest: GuestFacts, here: tuple[DiskSight, ...], there: tuple[DiskSight, ...], wish: MoveWish
) -> tuple[str, ...]:
    """Of a fleet's many moves most are alike in this: worked out once."""
    del wish  # a part of the key
    return tuple(disk.target for disk in guest.guest.disks if _seen_apart(disk, here, there))


def _seen_apart(disk: Disk, here: tuple[DiskSight, ...], there: tuple[DiskSight, ...]) -> bool:
    if disk.source is None or disk.read_only or disk.shareable:
        return False
    own = next((sight for sight in here if sight.target == disk.target), None)
    other = next((sight for sight in there if sight.target == disk.target), None)
    return _apart(own, other)


def _apart(own: DiskSight | None, other: DiskSight | None) -> bool:
    """Only the source has it, for certain."""
    if own is None or other is None or not own.seen or other.seen is None:
        return False
    if own.shared_kind is False:
        return True
    return own.shared_kind is not True and other.seen is False


def _is_shared(move: MoveFacts, disk: Disk) -> bool | None:
    """None: not known. A share that the target does not have mounted is no reason to copy what is on it."""
    own = next(iter(layers(move, disk)), None)
    if own is None:
        return None
    if _apart(own.here, own.there):
        return False
    return True if own.looked_at and own.there.seen and proved_same(own) else None


@of_the_same
def _staying(wish: MoveWish) -> MoveWish:
    return replace(wish, storage="shared", migrate_disks=(), places=(), onto_existing=(), synchronous_writes=False)


@of_the_same
def _copying(wish: MoveWish, chosen: tuple[str, ...]) -> MoveWish:
    return replace(wish, storage="copy", migrate_disks=chosen)


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a disk comes to be on the target."""

    path: str
    format: str
    pool: Pool | None
    """None: `existing`, or there is none that it could be made in."""
    existing: bool = False
    """Onto an image that is there, by the user's own word."""
    wrong: str = ""
    """Why it cannot be made there; empty: it can."""


def destination(move: MoveFacts, disk: Disk) -> Destination:
    """By the user's word, else the pool of the source's name, else the one that has the same directory."""
    place = next((each for each in move.wish.places if each.disk == disk.target), None)
    old = disk.source or ""
    form = (place.format if place is not None else None) or disk.format or "raw"
    if disk.target in move.wish.onto_existing:
        return Destination(old, form, None, existing=True)
    pool = _named(move.target.host, place.pool) if place is not None else _usual(move, disk)
    if pool is None:
        wrong = f"{move.target.host.name} has no active pool {place.pool}" if place is not None else ""
        return Destination(old, form, None, wrong=wrong or _no_pool(move, old))
    if pool.kind not in DIRECTORIES or pool.path is None:
        wrong = f"the pool {pool.name} of {move.target.host.name} is a {pool.kind} one, in which no file can be made"
        return Destination(old, form, pool, wrong=wrong)
    if form not in FORMATS:
        return Destination(old, form, pool, wrong=f"a volume of format {form} is not made: it is raw or qcow2")
    return Destination(f"{pool.path.rstrip('/')}/{_file_name(move, disk, form)}", form, pool)


def _no_pool(move: MoveFacts, path: str) -> str:
    directory = path.rpartition("/")[0] or "/"
    return f"{move.target.host.name} has no active pool of {directory}, nor one of the name that the source's has"


def _file_name(move: MoveFacts, disk: Disk, form: str) -> str:
    """The image's own where it has one; of a LUN or a device the guest's and the disk's."""
    if disk.kind == "file" or (disk.kind == "volume" and "/" in (disk.source or "")):
        return (disk.source or "").rpartition("/")[2]
    if disk.kind == "network" and re.search(r"\.(img|raw|qcow2)$", disk.source or ""):
        return (disk.source or "").rpartition("/")[2]
    return f"{move.guest.guest.name}-{disk.target}.{'qcow2' if form == 'qcow2' else 'img'}"


def _named(host: HostFacts, name: str) -> Pool | None:
    return next((pool for pool in host.pools or () if pool.active and pool.name == name), None)


def _usual(move: MoveFacts, disk: Disk) -> Pool | None:
    target = move.target.host
    if disk.kind == "volume":
        return _named(target, (disk.source or "").partition("/")[0])
    directory = (disk.source or "").rpartition("/")[0]
    own = _at(move.source, directory) if disk.kind == "file" else None
    same = _named(target, own.name) if own is not None else None
    return same or (_at(target, directory) if disk.kind == "file" else None)


def _at(host: HostFacts, directory: str) -> Pool | None:
    active = (pool for pool in host.pools or () if pool.active and pool.path)
    return next((pool for pool in active if (pool.path or "").rstrip("/") == directory), None)


def capacity_bytes(move: MoveFacts, disk: Disk) -> int | None:
    """What the guest sees of it, by its QEMU, else by the image; None: not known."""
    told = dict(move.guest.capacities).get(disk.target)
    if told is not None:
        return told
    sight = next((each for each in move.source_disks if each.target == disk.target), None)
    return None if sight is None else size_bytes(disk, sight)


def size_bytes(disk: Disk, sight: DiskSight) -> int | None:
    """Of an image as one host sees it; None: not known."""
    if sight.block is not None:
        return sight.block.size_bytes
    if sight.file is None:
        return None
    return sight.file.virtual_bytes if disk.format == "qcow2" else sight.file.size_bytes


def needed_bytes(move: MoveFacts, disk: Disk) -> int:
    """What is written of it, with what it rests on; where that is not known, all of it. With qcow2's own tables."""
    tables = _tables_bytes(capacity_bytes(move, disk) or 0) if destination(move, disk).format == "qcow2" else 0
    return _written_bytes(move, disk) + tables + (LUKS_HEADER_BYTES if disk.encryption is not None else 0)


def _tables_bytes(capacity_bytes: int) -> int:
    """Eight bytes a cluster in its tables and two in its counts, twice over; and what the smallest image has."""
    return (320 << 10) + capacity_bytes // 4096


def _written_bytes(move: MoveFacts, disk: Disk) -> int:
    whole = capacity_bytes(move, disk) or 0
    sight = next((each for each in move.source_disks if each.target == disk.target), None)
    below = sight.backing if sight is not None and not move.wish.incremental else ()
    files = [each.file for each in (sight, *below)] if sight is not None else []
    parts = [file.allocated_bytes for file in files if file is not None]
    if not files or len(parts) < len(files) or None in parts:
        return whole
    return min(whole, sum(part for part in parts if part is not None)) if whole else sum(map(int, filter(None, parts)))


def copies(move: MoveFacts) -> tuple[DiskCopy, ...]:
    """What is to be made on the target, of a move that no rule refuses."""
    return tuple(_copies(move))


def _copies(move: MoveFacts) -> Iterator[DiskCopy]:
    thin = thinly(move)
    for disk in move.guest.guest.disks:
        if not copied(move, disk):
            continue
        where = destination(move, disk)
        sight = next((each for each in move.source_disks if each.target == disk.target), None)
        file = sight.file if sight is not None else None
        yield DiskCopy(
            disk=disk.target,
            source_path=disk.source or "",
            path=where.path,
            pool=where.pool.name if where.pool is not None else None,
            format=where.format,
            source_format=disk.format or "raw",
            capacity_bytes=capacity_bytes(move, disk) or 0,
            needed_bytes=needed_bytes(move, disk),
            cluster_bytes=file.cluster_bytes if file is not None and where.format == "qcow2" else None,
            flattened=bool(disk.backing) and not move.wish.incremental,
            base=_base(disk) if move.wish.incremental else None,
            encryption=disk.encryption,
            thin=where.format == "raw" and not where.existing and thin is not None,
        )


def _base(disk: Disk) -> Base | None:
    """What its image rests on, which both hosts share."""
    if not disk.backing:
        return None
    return Base(disk.backing[0], next(iter(disk.backing_formats), "") or "raw")


def thinly(move: MoveFacts) -> str | None:
    """How holes of a raw image are kept; None: this pair of hosts does not keep them.

    Measured: libvirt 9.0 sends holes as holes, and the target's QEMU punches them if its disk passes discards on; a
    source from 10.9 on does so only if asked for each disk by a parameter that the target has to know too.
    """
    here, there = _release(move.source), _release(move.target.host)
    if here is None or here < KEEPS_HOLES:
        return DISCARD
    return DETECT_ZEROES if there is not None and there >= KEEPS_HOLES else None


def _release(host: HostFacts) -> tuple[int, ...] | None:
    parts = (host.libvirt or "").split(".")[:2]
    return tuple(map(int, parts)) if len(parts) == 2 and all(part.isdigit() for part in parts) else None


def place_of(text: str) -> Place:
    """`vda=POOL` or `vda=POOL:FORMAT`. Raises ValueError."""
    disk, equals, rest = text.partition("=")
    pool, colon, form = rest.partition(":")
    if not (disk and equals and pool) or (colon and form not in FORMATS):
        raise ValueError(f"{text!a} is not DISK=POOL or DISK=POOL:FORMAT with the format {' or '.join(FORMATS)}")
    return Place(disk, pool, form or None)
