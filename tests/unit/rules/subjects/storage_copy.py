"""Cases of the rules of disks that are copied."""

from __future__ import annotations

from dataclasses import replace

from vmferry.facts.disk import BlockSight, DiskSight
from vmferry.facts.move import MoveFacts
from vmferry.facts.pool import Pool
from vmferry.model.guest import Disk, ImageEncryption
from vmferry.model.storage import Place

from ..cases import GIB, GUEST, OK, PASSING, REFUSE, UNKNOWN, WARN, Cases, with_sights
from ..passing_storage import IMAGE, KEPT, with_wish

MIB = 1 << 20
FILE = replace(IMAGE, kind="ext4", size_bytes=64 * MIB, allocated_bytes=16 * MIB)
OWN = DiskSight("vda", True, None, "ext4 inode 9 of 67108864 bytes", "", False, file=FILE)
ABSENT = DiskSight("vda", False, "/srv/shared/web.img is not there")
BLIND = DiskSight("vda", None, "no ssh")
DISK = GUEST.disks[0]
LUKS = ImageEncryption("luks", "11111111-0000-0000-0000-000000000000")
QCOW2 = replace(OWN, file=replace(FILE, virtual_bytes=64 * MIB))
TOP, DEVICE = replace(DISK, format="qcow2"), replace(DISK, kind="block")
LUN = DiskSight("vda", True, None, "0x6", "", None, block=BlockSight(64 * MIB))

FAST = Pool("fast", "dir", True, True, "/fast", available_bytes=GIB)
LUNS = Pool("luns", "iscsi-direct", True, True)


def room(available_bytes: int | None, active: bool = True) -> Pool:
    return Pool("images", "dir", active, True, "/srv/shared", available_bytes=available_bytes)


def copying(
    here: DiskSight,
    there: DiskSight | None,
    *pools: Pool,
    disk: Disk = DISK,
    disks: tuple[str, ...] = (),
    onto: tuple[str, ...] = (),
    places: tuple[Place, ...] = (),
) -> MoveFacts:
    """The passing move with only vda, seen so and copied."""
    move = with_sights(here, there)
    guest = replace(GUEST, disks=(disk, GUEST.disks[-1], replace(DISK, target="vdr", read_only=True)))
    move = replace(
        move,
        guest=replace(move.guest, guest=guest),
        target=replace(move.target, host=replace(move.target.host, pools=pools)),
    )
    return with_wish(move, storage="copy", migrate_disks=disks, onto_existing=onto, places=places)


def twins() -> MoveFacts:
    places = (Place("vda", "fast"), Place("vdb", "fast"))
    move = copying(OWN, ABSENT, FAST, places=places)
    disks = (DISK, replace(DISK, target="vdb", source="/other/web.img"))
    sights = (OWN, replace(OWN, target="vdb")), (ABSENT, replace(ABSENT, target="vdb"))
    guest = replace(move.guest, guest=replace(GUEST, disks=disks))
    return replace(move, guest=guest, source_disks=sights[0], target=replace(move.target, disks=sights[1]))


CASES: Cases = {
    "storage.copy.disks": [
        ("none is", PASSING, OK, "no disk is copied"),
        ("all that can be", copying(OWN, ABSENT), OK, "vda will be copied"),
        ("one that is asked for", copying(OWN, ABSENT, disks=("vda",)), OK, "vda will be copied"),
        ("one that is not there", copying(OWN, ABSENT, disks=("vda", "vdx")), REFUSE, "web has no such disk"),
        ("an empty drive", copying(OWN, ABSENT, disks=("sda",)), REFUSE, "has nothing in it"),
        ("a read-only one", copying(OWN, ABSENT, disks=("vdr",)), REFUSE, "has it read-only"),
    ],
    "storage.copy.same": [
        ("none is", PASSING, OK, "no disk is copied"),
        ("not there yet", copying(OWN, ABSENT), OK, "two different places"),
        ("two files of one path", copying(OWN, OWN), OK, "two different places"),
        ("proved to be one", copying(KEPT, replace(KEPT, marked=True)), REFUSE, "same storage on both: fuse.glusterfs"),
        ("told to be one", copying(KEPT, KEPT), REFUSE, "(storage:/shared)"),
        ("proved to be two", copying(KEPT, replace(KEPT, marked=False)), OK, "two different places"),
        ("other LUNs", copying(LUN, replace(LUN, identity="0x7")), OK, "two different places"),
        ("not looked at", copying(OWN, BLIND), UNKNOWN, "not looked at"),
    ],
    "storage.copy.target": [
        ("none is", PASSING, OK, "no disk is copied"),
        ("there, and nobody's word for it", copying(OWN, OWN, room(GIB)), REFUSE, "has an image of that name already"),
        ("there, of one size", copying(OWN, OWN, onto=("vda",)), OK, "of 67108864 bytes, and is written over"),
        ("there, of another", copying(OWN, replace(OWN, file=replace(FILE, size_bytes=MIB)), onto=("vda",)), REFUSE,
         "of 1048576 bytes; on h1 it has 67108864"),
        ("there and bigger", copying(OWN, replace(OWN, file=replace(FILE, size_bytes=GIB)), onto=("vda",)), WARN,
         "the guest will see a bigger disk"),
        ("said to be there", copying(OWN, ABSENT, onto=("vda",)), REFUSE, "there is none"),
        ("qcow2 of one size", copying(QCOW2, QCOW2, disk=TOP, onto=("vda",)), OK, "of 67108864 bytes"),
        ("qcow2 that cannot be read", copying(QCOW2, OWN, disk=TOP, onto=("vda",)), UNKNOWN, "could not be read"),
        ("in another pool", copying(OWN, OWN, room(GIB), FAST, places=(Place("vda", "fast", "qcow2"),)), OK,
         "made in the pool fast of h2: /fast/web.img, qcow2, 64.0 MiB"),
        ("in a pool that is not there", copying(OWN, ABSENT, room(GIB), places=(Place("vda", "slow"),)), REFUSE,
         "h2 has no active pool slow"),
        ("in a pool of LUNs", copying(OWN, ABSENT, LUNS, places=(Place("vda", "luns"),)), REFUSE,
         "a iscsi-direct one, in which no file can be made"),
        ("of no known size", copying(replace(OWN, file=None), ABSENT, room(GIB)), UNKNOWN, "is not known"),
        ("a pool to make it in", copying(OWN, ABSENT, room(GIB)), OK, "in the pool images of h2"),
        ("encrypted", copying(OWN, ABSENT, room(GIB), disk=replace(DISK, encryption=LUKS)), WARN,
         "encrypted with the same secret; but on its way there what it holds is not"),
        ("encrypted, also on the way", with_wish(
            copying(OWN, ABSENT, room(GIB), disk=replace(DISK, encryption=LUKS)), tls=True), OK, "in the pool images"),
        ("encrypted in the old way", copying(
            OWN, ABSENT, room(GIB), disk=replace(DISK, encryption=ImageEncryption("qcow", "u"))), REFUSE,
         "encrypted as qcow"),
        ("encrypted without a secret", copying(
            OWN, ABSENT, room(GIB), disk=replace(DISK, encryption=ImageEncryption("luks"))), REFUSE, "only LUKS with"),
        ("two of one name into one pool", twins(), REFUSE, "vdb would be made there too: /fast/web.img"),
        ("no pool", copying(OWN, ABSENT), REFUSE, "h2 has no active pool of /srv/shared"),
        ("a pool that is not active", copying(OWN, ABSENT, room(GIB, active=False)), REFUSE, "no active pool"),
        ("a device of no pool", copying(LUN, ABSENT, disk=DEVICE), REFUSE, "h2 has no active pool of"),
        ("a device, to be a file", copying(LUN, ABSENT, FAST, disk=DEVICE, places=(Place("vda", "fast"),)), OK,
         "/fast/web-vda.img, raw, 64.0 MiB"),
        ("not looked at", copying(OWN, BLIND), UNKNOWN, "not looked at"),
    ],
    "storage.copy.space": [
        ("none is", PASSING, OK, "no disk is copied"),
        ("room", copying(OWN, ABSENT, room(GIB)), OK, "1.00 GiB free"),
        ("room for what is written", copying(OWN, ABSENT, room(32 * MIB)), WARN, "not for 64.0 MiB"),
        ("no room", copying(OWN, ABSENT, room(4 * MIB)), REFUSE, "12.0 MiB too few"),
        ("of no known size", copying(OWN, ABSENT, room(None)), UNKNOWN, "not known"),
    ],
}  # fmt: skip
