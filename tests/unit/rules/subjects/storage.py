"""Cases of the rules of storage."""

from __future__ import annotations

from dataclasses import replace

from vmferry.facts.guest import DiskSight
from vmferry.model.guest import Disk

from ..cases import (
    OK,
    PASSING,
    REFUSE,
    SIGHT,
    UNKNOWN,
    WARN,
    Cases,
    with_guest,
    with_iso,
    with_sights,
)

LOCAL = DiskSight("vda", True, None, "ext4 inode 9 of 512 bytes", "", False)
DISK_BY_WWN = DiskSight("vda", True, None, "0x5000c500a1b2c3d4")
AT_HOME = replace(SIGHT, where=None, problem="nbd://localhost/x is another server on every host")
ABSENT = DiskSight("vda", False, "no such file")

CASES: Cases = {
    "storage.shared": [
        ("the same file", PASSING, OK, "inode 7"),
        ("no sight at all", with_sights(None, None), UNKNOWN, "not looked at"),
        ("no ssh", with_sights(SIGHT, DiskSight("vda", None, "ssh: key refused")), UNKNOWN, "key refused"),
        ("gone on the source", with_sights(DiskSight("vda", False, "no such file"), SIGHT), REFUSE, "h1: no such file"),
        ("local", with_sights(replace(SIGHT, shared_kind=False), SIGHT), REFUSE, "h1's own"),
        ("not on the target", with_sights(SIGHT, DiskSight("vda", False, "no such file")), REFUSE, "h2: no such file"),
        ("another file", with_sights(SIGHT, replace(SIGHT, identity="nfs inode 8")), REFUSE, "h2 sees nfs inode 8"),
        ("not proved", with_sights(SIGHT, replace(SIGHT, identity=None)), UNKNOWN, "not proved"),
        ("kind not known", with_sights(replace(SIGHT, shared_kind=None), SIGHT), UNKNOWN, "not proved"),
        ("another disk", with_sights(DISK_BY_WWN, replace(DISK_BY_WWN, identity="0x6")), REFUSE, "h2 sees 0x6"),
        ("the same disk of no known kind", with_sights(DISK_BY_WWN, DISK_BY_WWN), UNKNOWN, "not proved"),
        ("two names of a share", with_sights(SIGHT, replace(SIGHT, where="t:/v")), UNKNOWN, "h2 from t:/v"),
        ("a share of no name", with_sights(SIGHT, replace(SIGHT, where=None)), UNKNOWN, "on the same share"),
        ("each host's own server", with_sights(AT_HOME, AT_HOME), UNKNOWN, "nbd://localhost/x is another"),
        ("shared read-only image", with_iso(SIGHT, SIGHT), OK, "inode 7"),
        ("local read-only image", with_iso(LOCAL, replace(LOCAL, identity="xfs inode 3")), WARN, "not compared"),
        ("local ones alike by chance", with_iso(LOCAL, LOCAL), WARN, "not compared"),
        ("read-only image not on the target", with_iso(LOCAL, ABSENT), REFUSE, "h2: no such file"),
        ("no disk at all", with_guest(disks=(Disk("sda", "cdrom", "empty", None),)), OK, "an empty drive"),
    ],
}
