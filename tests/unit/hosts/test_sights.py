"""Answers of the shell on a host as sights."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vmferry.facts.guest import DiskSight
from vmferry.hosts.sights import Source, not_asked, request, sight, sources
from vmferry.model.guest import Disk

RAW = Disk("vda", "disk", "file", "/srv/shared/a.img", format="raw")
FILE = Source(RAW, "file", "/srv/shared/a.img")
BLOCK = Source(RAW, "block", "/dev/sdb")
URL = Source(RAW, "network", "iscsi://s/iqn.x:t/1")


def test_a_disk_and_what_it_rests_on() -> None:
    disk = replace(RAW, backing=("/srv/base.qcow2", "nbd://s/x"))
    assert [(each.kind, each.word) for each in sources(disk)] == [
        ("file", "/srv/shared/a.img"),
        ("file", "/srv/base.qcow2"),
        ("network", "nbd://s/x"),
    ]
    assert sources(Disk("sda", "cdrom", "empty", None)) == ()


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (FILE, "file 3 /srv/shared/a.img"),
        (Source(RAW, "file", "/srv/$(reboot) ;'x"), "file 3 /srv/$(reboot) ;'x"),
        (BLOCK, "block 3 /dev/sdb"),
        (Source(RAW, "file", "/srv/a\nfile 4 /etc/shadow"), None),
        (Source(RAW, "file", "relative"), None),
        (Source(RAW, "vhostuser", "/run/s"), None),
        (Source(RAW, "network", "rbd://s/p/i"), None),
        (Source(replace(RAW, needs_secret=True), "network", "iscsi://s/iqn.x:t/1"), None),
    ],
)
def test_requests(source: Source, line: str | None) -> None:
    assert request(3, source) == line


def test_why_something_is_not_asked() -> None:
    assert "no way to look" in (not_asked(Source(RAW, "nvme", "x")).problem or "")
    secret = Source(replace(RAW, needs_secret=True), "network", "iscsi://s/t/1")
    assert "credentials" in (not_asked(secret).problem or "")


@pytest.mark.parametrize(
    ("source", "said", "expected"),
    [
        (FILE, "file 512 7 fuse.glusterfs",
         DiskSight("vda", True, None, 512, "fuse.glusterfs inode 7 of 512 bytes", True)),
        (FILE, "file 512 7 ext4", DiskSight("vda", True, None, 512, "ext4 inode 7 of 512 bytes", False)),
        (FILE, "file 512 7 ?", DiskSight("vda", True, None, 512, "? inode 7 of 512 bytes", None)),
        (replace(FILE, disk=replace(RAW, format="qcow2")), "file 512 7 nfs4",
         DiskSight("vda", True, None, 512, "nfs4 inode 7", True)),
        (BLOCK, 'block MAPPED="" SIZE="1024" WWN="0x5" TRAN="iscsi"', DiskSight("vda", True, None, 1024, "0x5", True)),
        (BLOCK, 'block MAPPED="mpath-36" SIZE="1024" WWN="" TRAN=""',
         DiskSight("vda", True, None, 1024, "mpath-36", None)),
        (BLOCK, 'block MAPPED="" ', DiskSight("vda", True)),
        (URL, "image 1024",
         DiskSight("vda", True, None, 1024, "iscsi://s/iqn.x:t/1 of 1024 bytes", True)),
        (FILE, "problem stat: cannot statx '/srv/shared/a.img': No such file or directory",
         DiskSight("vda", False, "/srv/shared/a.img is not there")),
        (FILE, "problem stat: cannot statx: Permission denied",
         DiskSight("vda", None, "stat: cannot statx: Permission denied")),
        (FILE, "problem no answer within 5 s", DiskSight("vda", False, "/srv/shared/a.img: no answer within 5 s")),
        (URL, "problem qemu-img: Could not open: Unknown driver 'iscsi'",
         DiskSight("vda", False, "its QEMU has no driver for iscsi; install qemu-block-extra")),
        (URL, "unable qemu-img is not installed", DiskSight("vda", None, "qemu-img is not installed")),
        (URL, None, DiskSight("vda", None, "the host did not say")),
    ],
)  # fmt: skip
def test_answers(source: Source, said: str | None, expected: DiskSight) -> None:
    assert sight(source, said) == expected
