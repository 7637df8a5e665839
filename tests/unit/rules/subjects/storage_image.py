"""Cases of the rules of images."""

from __future__ import annotations

from dataclasses import replace

from vmferry.facts.conf import ConfFile, Setting
from vmferry.facts.disk import DiskSight, FileSight
from vmferry.facts.move import MoveFacts
from vmferry.facts.system import SystemFacts
from vmferry.model.guest import Disk

from ..cases import FACTS, GUEST, OK, PASSING, REFUSE, SIGHT, Cases, with_guest, with_iso, with_sights
from ..passing_storage import IMAGE, KEPT, with_wish

ABSENT = DiskSight("vda", False, "/srv/shared/web.img is not there")
LOCAL = DiskSight("vda", True, None, "ext4 inode 9 of 512 bytes", "", False)
NO_DRIVER = DiskSight("vda", False, "its QEMU has no driver for iscsi", lacks_driver="iscsi")
STATIC = ConfFile("/etc/libvirt/qemu.conf", (Setting("dynamic_ownership", 0, 1),))
DISK = GUEST.disks[0]


def with_disk(**changes: object) -> MoveFacts:
    return with_guest(disks=(replace(DISK, **changes),))  # type: ignore[arg-type]


def with_base(*here: DiskSight) -> MoveFacts:
    """An image and what it rests on: there on the source, and so on the target."""
    move = with_sights(replace(SIGHT, backing=(SIGHT,)), replace(SIGHT, backing=here))
    guest = replace(GUEST, disks=(replace(DISK, backing=("/srv/shared/base.img",)),))
    return replace(move, guest=replace(FACTS, guest=guest))


def opened(file: FileSight, system: SystemFacts | None = None, kind: str = "disk") -> MoveFacts:
    """The target sees the image so."""
    move = with_sights(SIGHT, replace(KEPT, file=file))
    if kind == "cdrom":
        move = with_iso(SIGHT, replace(KEPT, file=file))
    if system is None:
        return move
    return replace(move, target=replace(move.target, host=replace(move.target.host, system=system)))


CLOSED = replace(IMAGE, user_may="")
SELINUX = SystemFacts(selinux="enforcing", selinux_booleans=(("virt_use_nfs", False), ("virt_use_fusefs", True)))

CASES: Cases = {
    "storage.image": [
        ("there", PASSING, OK, "it is on both"),
        ("gone on the source", with_sights(ABSENT, SIGHT), REFUSE, "h1: /srv/shared/web.img is not there"),
        ("not on the target", with_sights(SIGHT, ABSENT), REFUSE, "h2: /srv/shared/web.img is not there"),
        ("of the source alone, which another rule says", with_sights(LOCAL, ABSENT), OK, "it is on both"),
        ("ISO not on the target", with_iso(LOCAL, ABSENT), REFUSE, "h2: /srv/shared/web.img is not there"),
        ("what it rests on is there too", with_base(SIGHT), OK, "with 1 that it rests on"),
        ("what it rests on is missing", with_base(ABSENT), REFUSE, "base.img, which it rests on: h2: /srv"),
        ("named only", with_sights(SIGHT, replace(SIGHT, opened=False)), OK, "named alike, and not opened"),
        ("copied", with_wish(with_sights(SIGHT, ABSENT), storage="copy", migrate_disks=("vda",)), OK, "it is on both"),
    ],
    "storage.driver": [
        ("opened", PASSING, OK, "QEMU on h2 opens iscsi://storage"),
        ("no driver", with_sights(SIGHT, NO_DRIVER), REFUSE, "QEMU on h2 has no driver for iscsi"),
    ],
    "storage.format": [
        ("raw", PASSING, OK, "raw"),
        ("qcow2", with_disk(format="qcow2"), OK, "qcow2"),
        ("vmdk", with_disk(format="vmdk"), REFUSE, "vmdk in /srv/shared/web.img"),
        ("vdi under it", with_disk(format="qcow2", backing=("/b",), backing_formats=("vdi",)), REFUSE, "vdi in"),
        ("a directory", with_guest(disks=(Disk("vdz", "disk", "dir", "/srv/d"),)), REFUSE, "vvfat in /srv/d"),
        ("no format", with_disk(format=None), OK, "as libvirt takes it: raw"),
    ],
    "storage.image-access": [
        ("open", PASSING, OK, "libvirt-qemu on h2 may open it"),
        ("given", opened(CLOSED), OK, "libvirt on h2 makes it libvirt-qemu's"),
        ("not given", opened(CLOSED, SystemFacts(confs=(STATIC,))), REFUSE, "owner 0:0, mode 600"),
        ("root squash", opened(replace(CLOSED, root_may="r")), REFUSE, "not even root on h2 may open it"),
        ("reading is enough", opened(replace(CLOSED, user_may="r", root_may="r"), kind="cdrom"), OK, "may open it"),
        ("a read-only mount", opened(replace(IMAGE, read_only=True)), REFUSE, "/srv/shared is mounted read-only on h2"),
        ("not tried", opened(replace(IMAGE, user_may=None)), OK, "nobody has tried"),
        ("SELinux", opened(replace(IMAGE, kind="nfs"), SELINUX), REFUSE, "virt_use_nfs is off"),
        ("SELinux that lets it be", opened(IMAGE, SELINUX), OK, "may open it"),
        ("a closed directory", with_sights(SIGHT, DiskSight("vda", None, "stat: Permission denied")), REFUSE,
         "root on h2 may not even look at it"),
    ],
}  # fmt: skip
