"""Which disks are copied, and onto what."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vmferry.facts.disk import DiskSight
from vmferry.facts.move import MoveFacts
from vmferry.facts.pool import Pool
from vmferry.model.guest import Disk
from vmferry.model.storage import Base, Place
from vmferry.rules.copies import DETECT_ZEROES, DISCARD, copies, destination, place_of, resolved, thinly

from .cases import GIB, GUEST, PASSING
from .passing_storage import IMAGE, KEPT, with_wish

MIB = 1 << 20
FILE = replace(IMAGE, kind="ext4", size_bytes=64 * MIB, allocated_bytes=16 * MIB)
OWN = DiskSight("vda", True, None, "ext4 inode 9", "", False, file=FILE)
ABSENT = DiskSight("vda", False, "/srv/shared/web.img is not there")
BLIND = DiskSight("vda", None, "no ssh")
PROVED = replace(KEPT, marked=True)
DISK = GUEST.disks[0]
TABLES = (320 << 10) + (64 * MIB) // 4096
FAST = Pool("fast", "dir", True, True, "/fast", available_bytes=GIB)
IMAGES = Pool("images", "dir", True, True, "/srv/shared/", available_bytes=GIB)


def move(
    here: tuple[DiskSight, ...], there: tuple[DiskSight, ...], *disks: Disk, pools: tuple[Pool, ...] = (IMAGES, FAST),
    **wish: object,
) -> MoveFacts:  # fmt: skip
    """Of a guest with these disks (by default one, vda)."""
    facts = replace(PASSING.guest, guest=replace(GUEST, disks=disks or (DISK,)))
    target = replace(PASSING.target, disks=there, host=replace(PASSING.target.host, pools=pools))
    return with_wish(replace(PASSING, guest=facts, source_disks=here, target=target), **{"storage": "auto", **wish})


def named(sight: DiskSight, target: str) -> DiskSight:
    return replace(sight, target=target)


def chosen(of: MoveFacts) -> tuple[str, tuple[str, ...]]:
    wish = resolved(of).wish
    return wish.storage, wish.migrate_disks


@pytest.mark.parametrize(
    ("here", "there", "auto", "copy"),
    [
        (OWN, OWN, True, True),
        (OWN, ABSENT, True, True),
        (OWN, BLIND, False, True),
        (BLIND, ABSENT, False, True),
        (PROVED, PROVED, False, False),
        (KEPT, replace(KEPT, marked=False), False, True),
        (KEPT, ABSENT, False, True),
    ],
    ids=[
        "of its own storage", "not there", "target not looked at", "source not looked at", "proved shared",
        "of a share, and another one there", "of a share that is not mounted there",
    ],
)  # fmt: skip
def test_only_what_is_known_to_be_the_source_s_alone_is_copied(
    here: DiskSight, there: DiskSight, auto: bool, copy: bool
) -> None:
    """And by the user's word what is not proved to be shared."""
    copied = ("copy", ("vda",))
    assert chosen(move((here,), (there,))) == (copied if auto else ("shared", ()))
    assert chosen(move((here,), (there,), storage="copy")) == (copied if copy else ("shared", ()))
    assert chosen(move((here,), (there,), storage="shared")) == ("shared", ())


@pytest.mark.parametrize(
    "disk", [replace(DISK, read_only=True), replace(DISK, shareable=True), replace(DISK, kind="empty", source=None)]
)
def test_what_is_never_copied_by_itself(disk: Disk) -> None:
    assert chosen(move((OWN,), (ABSENT,), disk)) == ("shared", ())
    assert chosen(move((OWN,), (ABSENT,), disk, storage="copy")) == ("shared", ())


def test_the_user_s_word_for_one_disk_leaves_the_others_to_what_is_found() -> None:
    here, there = (OWN, named(PROVED, "vdb")), (ABSENT, named(PROVED, "vdb"))
    two = (DISK, replace(DISK, target="vdb"))
    assert chosen(move(here, there, *two)) == ("copy", ("vda",))
    assert chosen(move(here, there, *two, places=(Place("vdb", "fast"),))) == ("copy", ("vda", "vdb"))
    assert chosen(move(here, there, *two, migrate_disks=("vdb",))) == ("copy", ("vdb",)), "these and no others"
    assert chosen(move(here, there, *two, migrate_disks=("vdx",))) == ("copy", ("vdx",)), "of which a rule says so"


@pytest.mark.parametrize(
    ("disk", "pools", "place", "path", "pool"),
    [
        (DISK, (IMAGES,), None, "/srv/shared/web.img", "images"),
        (DISK, (FAST,), None, "/srv/shared/web.img", None),
        (DISK, (replace(IMAGES, active=False),), None, "/srv/shared/web.img", None),
        (DISK, (replace(FAST, name="shared"), IMAGES), None, "/fast/web.img", "shared"),
        (replace(DISK, kind="volume", source="fast/a.img"), (IMAGES, FAST), None, "/fast/a.img", "fast"),
        (replace(DISK, kind="block", source="/dev/sdx"), (FAST,), Place("vda", "fast"), "/fast/web-vda.img", "fast"),
        (replace(DISK, kind="block", source="/dev/sdx"), (FAST,), Place("vda", "fast", "qcow2"),
         "/fast/web-vda.qcow2", "fast"),
        (replace(DISK, kind="network", source="nfs://s/e/b.qcow2"), (FAST,), Place("vda", "fast"), "/fast/b.qcow2",
         "fast"),
    ],
)  # fmt: skip
def test_where_to(disk: Disk, pools: tuple[Pool, ...], place: Place | None, path: str, pool: str | None) -> None:
    """By the user's word, else the pool of the source's own name (shared, at /srv/shared), else of its directory."""
    where = destination(move((OWN,), (ABSENT,), disk, pools=pools, places=(place,) if place else ()), disk)
    assert (where.path, where.pool.name if where.pool else None, bool(where.wrong)) == (path, pool, pool is None)


QCOW2 = replace(OWN, file=replace(FILE, virtual_bytes=64 * MIB, cluster_bytes=131072))
ON_BASE = replace(DISK, format="qcow2", backing=("/srv/base.img",), backing_formats=("raw",))


def test_an_image_keeps_its_base_where_both_share_it() -> None:
    base = replace(PROVED, target="")
    here, there = replace(QCOW2, backing=(base,)), replace(ABSENT, backing=(base,))
    (copy,) = copies(resolved(move((here,), (there,), ON_BASE)))
    assert (copy.base, copy.flattened) == (Base("/srv/base.img", "raw"), False)
    assert (copy.cluster_bytes, copy.capacity_bytes, copy.needed_bytes) == (131072, 64 * MIB, 16 * MIB + TABLES)


def test_and_has_all_of_it_in_itself_where_they_do_not() -> None:
    here = replace(QCOW2, backing=(replace(OWN, target=""),))
    (copy,) = copies(resolved(move((here,), (replace(ABSENT, backing=(replace(ABSENT, target=""),)),), ON_BASE)))
    assert (copy.base, copy.flattened) == (None, True)
    assert copy.needed_bytes == 32 * MIB + TABLES, "what it rests on as well"


def test_raw_never_rests_on_anything() -> None:
    base = replace(PROVED, target="")
    here, there = replace(QCOW2, backing=(base,)), replace(ABSENT, backing=(base,))
    (copy,) = copies(resolved(move((here,), (there,), ON_BASE, places=(Place("vda", "fast", "raw"),))))
    assert (copy.format, copy.flattened, copy.cluster_bytes, copy.thin) == ("raw", True, None, True)


@pytest.mark.parametrize(
    ("here", "there", "how"),
    [
        ("9.0.0", "9.0.0", DISCARD),
        ("9.0.0", "11.3.0", DISCARD),
        ("10.8.0", "10.9.0", DISCARD),
        ("10.9.0", "10.9.0", DETECT_ZEROES),
        ("11.3.0", "10.8.0", None),
        ("11.3.0", None, None),
        (None, "11.3.0", DISCARD),
    ],
)
def test_how_holes_of_raw_images_are_kept(here: str | None, there: str | None, how: str | None) -> None:
    of = move((OWN,), (ABSENT,))
    target = replace(of.target, host=replace(of.target.host, libvirt=there))
    assert thinly(replace(of, source=replace(of.source, libvirt=here), target=target)) == how


@pytest.mark.parametrize("text", ["", "vda", "vda=", "=pool", "vda=pool:", "vda=pool:vmdk"])
def test_words_that_name_no_place(text: str) -> None:
    with pytest.raises(ValueError, match="is not DISK=POOL"):
        place_of(text)


def test_places_as_they_are_typed() -> None:
    assert place_of("vda=fast") == Place("vda", "fast", None)
    assert place_of("vda=fast:qcow2") == Place("vda", "fast", "qcow2")
