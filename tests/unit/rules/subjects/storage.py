"""Cases of the rules of storage."""

from __future__ import annotations

from dataclasses import replace

from vmferry.facts.disk import BlockSight, DiskSight, FileSight, Server
from vmferry.facts.move import MoveFacts
from vmferry.facts.storage import Export, Mount, StorageFacts
from vmferry.model.guest import Disk

from ..cases import OK, PASSING, REFUSE, SIGHT, UNKNOWN, WARN, Cases, with_guest, with_iso, with_sights
from ..passing_storage import KEPT, NFS, with_storage, with_wish

LOCAL = DiskSight("vda", True, None, "ext4 inode 9 of 512 bytes", "", False)
DISK_BY_WWN = DiskSight("vda", True, None, "0x5000c500a1b2c3d4")
LUN = replace(DISK_BY_WWN, shared_kind=True, protocol="Fibre Channel LUN over 2 paths", block=BlockSight(1 << 30))
AT_HOME = replace(SIGHT, where=None, problem="nbd://localhost/x is another server on every host")
ABSENT = DiskSight("vda", False, "no such file")
FILE = FileSight("/srv/shared/web.img", "cifs", "/srv/shared")
CIFS = DiskSight("vda", True, "inodes of cifs prove nothing", None, "", True, protocol="SMB", file=FILE, marked=True)
SQUASHED = replace(CIFS, marked=False, mark_problem="mkdir: Permission denied")
MOUNTED = StorageFacts(mounts=(Mount("/", "ext4", "/dev/vda1"), Mount("/srv/shared", "cifs", "//s/v")))
BASE = replace(SIGHT, identity="nfs inode 3")
CHAIN = replace(SIGHT, backing=(BASE,))
OTHER_CHAIN = replace(SIGHT, backing=(replace(BASE, identity="nfs inode 4"),))
OWN_BASE = replace(SIGHT, backing=(LOCAL,))
DISK = PASSING.guest.guest.disks[0]


def with_base(here: DiskSight, there: DiskSight) -> MoveFacts:
    move = with_sights(here, there)
    disk = replace(DISK, backing=("/srv/shared/base.img",))
    return replace(move, guest=replace(move.guest, guest=replace(move.guest.guest, disks=(disk,))))


CASES: Cases = {
    "storage.shared": [
        ("the same file", PASSING, OK, "inode 7"),
        ("no sight at all", with_sights(None, None), UNKNOWN, "not looked at"),
        ("no ssh", with_sights(SIGHT, DiskSight("vda", None, "ssh: key refused")), UNKNOWN, "key refused"),
        ("local", with_sights(replace(SIGHT, shared_kind=False), SIGHT), REFUSE, "h1's own"),
        ("local, and not on the target", with_sights(LOCAL, ABSENT), REFUSE, "h1's own"),
        ("another file", with_sights(SIGHT, replace(SIGHT, identity="nfs inode 8")), REFUSE, "h2 sees nfs inode 8"),
        ("not proved", with_sights(SIGHT, replace(SIGHT, identity=None)), UNKNOWN, "not proved"),
        ("kind not known", with_sights(replace(SIGHT, shared_kind=None), SIGHT), UNKNOWN, "not proved"),
        ("another disk", with_sights(DISK_BY_WWN, replace(DISK_BY_WWN, identity="0x6")), REFUSE, "h2 sees 0x6"),
        ("the same disk of no known kind", with_sights(DISK_BY_WWN, DISK_BY_WWN), UNKNOWN, "not proved"),
        ("the same LUN", with_sights(LUN, LUN), OK, "Fibre Channel LUN over 2 paths: 0x5000c500a1b2c3d4 on both"),
        ("another LUN", with_sights(LUN, replace(LUN, identity="0x6")), REFUSE, "h2 sees 0x6"),
        ("a LUN that grew", with_sights(LUN, replace(LUN, block=BlockSight(2 << 30))), REFUSE, "of 2147483648 on h2"),
        ("two names of a share", with_sights(SIGHT, replace(SIGHT, where="t:/v")), UNKNOWN, "h2 from t:/v"),
        ("a share of no name", with_sights(SIGHT, replace(SIGHT, where=None)), UNKNOWN, "on the same share"),
        ("each host's own server", with_sights(AT_HOME, AT_HOME), UNKNOWN, "nbd://localhost/x is another"),
        ("a mark that is found", with_sights(CIFS, CIFS), OK, "SMB: h2 finds the mark"),
        ("two names of a share, and its mark", with_sights(SIGHT, replace(SIGHT, where="t:/v", marked=True, file=FILE)),
         OK, "GlusterFS: h2 finds the mark that h1 left beside it"),
        ("a mark that is not found", with_storage(with_sights(CIFS, replace(CIFS, marked=False)), MOUNTED, None),
         REFUSE, "does not find the mark that h1 left"),
        ("alike, but no mark", with_sights(replace(SIGHT, marked=True), replace(SIGHT, marked=False)),
         REFUSE, "does not find the mark"),
        ("a mark beside another name", with_sights(CIFS, replace(CIFS, file=replace(FILE, path="/srv/shared/b"))),
         UNKNOWN, "inodes of cifs prove nothing"),
        ("no mark could be left", with_sights(SQUASHED, replace(CIFS, marked=None)), UNKNOWN,
         "no mark could be left beside it: mkdir: Permission denied"),
        ("what it rests on is the same", with_base(CHAIN, CHAIN), OK, "inode 7"),
        ("what it rests on is another", with_base(CHAIN, OTHER_CHAIN),
         REFUSE, "/srv/shared/base.img, which it rests on: h1 sees nfs inode 3"),
        ("what it rests on is local", with_base(OWN_BASE, CHAIN), REFUSE, "base.img is on a file"),
        ("shared read-only image", with_iso(SIGHT, SIGHT), OK, "inode 7"),
        ("local read-only image", with_iso(LOCAL, replace(LOCAL, identity="xfs inode 3")), WARN, "not compared"),
        ("local ones alike by chance", with_iso(LOCAL, LOCAL), WARN, "not compared"),
        ("no disk at all", with_guest(disks=(Disk("sda", "cdrom", "empty", None),)), OK, "an empty drive"),
        ("a local disk that is copied", with_wish(with_sights(LOCAL, ABSENT), storage="copy"), OK, "an empty drive"),
    ],
    "storage.separate-system": [
        ("a third system", PASSING, OK, "kept by storage"),
        ("the source", with_sights(replace(KEPT, servers=(Server("h1", ("10.0.0.1",)),)), KEPT), WARN,
         "h1 itself keeps it: h1 is 10.0.0.1"),
        ("the target, by its address", with_sights(KEPT, replace(KEPT, servers=(Server("10.0.0.2", ("10.0.0.2",)),))),
         WARN, "h2 itself keeps it: 10.0.0.2, an address of its own"),
        ("whoever asks", with_sights(replace(KEPT, servers=(Server("localhost", ("127.0.0.1",)),)), KEPT), WARN,
         "localhost is whichever host asks"),
        ("a brick of its volume", with_storage(
            PASSING, StorageFacts(mounts=NFS, exports=(Export("gluster", "shared"),)), None), WARN,
         "h1 itself keeps it: it has a brick of the GlusterFS volume shared"),
        ("a brick of another volume", with_storage(
            PASSING, StorageFacts(mounts=NFS, exports=(Export("gluster", "other"),)), None), OK, "kept by storage"),
    ],
}  # fmt: skip
