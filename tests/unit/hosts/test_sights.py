"""Answers of the shell on a host as sights."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vmferry.facts.guest import DiskSight
from vmferry.hosts.disks import _whole
from vmferry.hosts.sights import Source, not_asked, request, sight, sources
from vmferry.model.guest import Disk

RAW = Disk("vda", "disk", "file", "/srv/shared/a.img", format="raw")
FILE = Source(RAW, "file", "/srv/shared/a.img")
BLOCK = Source(RAW, "block", "/dev/sdb")
URL = Source(RAW, "network", "iscsi://s/iqn.x:t/1")
GLUSTER = 'FSTYPE="fuse.glusterfs" SOURCE="s:/v" UUID=""'


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
    socket = Source(RAW, "network", "nbd+unix:///run/s/x")
    assert "each host's own" in (not_asked(socket).problem or "")
    secret = Source(replace(RAW, needs_secret=True), "network", "iscsi://s/t/1")
    assert "credentials" in (not_asked(secret).problem or "")


@pytest.mark.parametrize(
    ("source", "said", "expected"),
    [
        (FILE, f"file 512 7 {GLUSTER}",
         DiskSight("vda", True, None, "fuse.glusterfs inode 7 of 512 bytes", "s:/v", True)),
        (FILE, 'file 512 7 FSTYPE="fuse.glusterfs" SOURCE="localhost:/v" UUID=""',
         DiskSight("vda", True, None, "fuse.glusterfs inode 7 of 512 bytes", None, True)),
        (FILE, 'file 512 7 FSTYPE="ext4" SOURCE="/dev/sda1" UUID="c0ffee"',
         DiskSight("vda", True, None, "ext4 inode 7 of 512 bytes", "", False)),
        (FILE, "file 512 7 ", DiskSight("vda", True, "not proved to be the same: inodes of ? prove nothing")),
        (FILE, 'file 512 7 FSTYPE="fuse.sshfs" SOURCE="s:/v" UUID=""',
         DiskSight("vda", True, "not proved to be the same: inodes of fuse.sshfs prove nothing")),
        (replace(FILE, disk=replace(RAW, format="qcow2")), 'file 512 7 FSTYPE="nfs4" SOURCE="s:/v" UUID=""',
         DiskSight("vda", True, None, "nfs inode 7", "s:/v", True)),
        (BLOCK, 'block MAPPED="" SIZE="1024" WWN="0x5" TRAN="iscsi"', DiskSight("vda", True, None, "0x5", "", True)),
        (BLOCK, 'block MAPPED="mpath-36" SIZE="1024" WWN="" TRAN=""', DiskSight("vda", True, None, "0x6")),
        (BLOCK, 'block MAPPED="LVM-x" SIZE="1024" WWN="" TRAN=""', DiskSight("vda", True, None, "LVM-x")),
        (BLOCK, 'block MAPPED="" ', DiskSight("vda", True)),
        (URL, "image 1024", DiskSight("vda", True, None, "iscsi://s/iqn.x:t/1 of 1024 bytes", "", True)),
        (replace(URL, word="nbd://localhost/x"), "image 1024",
         DiskSight("vda", True, "nbd://localhost/x is another server on every host: it names the host itself",
                   "nbd://localhost/x of 1024 bytes", None, True)),
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


def test_one_unproved_layer_leaves_the_whole_image_unproved() -> None:
    disk = replace(RAW, source="/srv/top", backing=("nbd://localhost/base",))
    top, base = sources(disk)
    good = DiskSight("vda", True, None, "nfs inode 7", "s:/v", True)
    home = DiskSight("vda", True, "it names the host itself", "base", None, True)
    whole = _whole(disk, (top, base), {top: good, base: home})
    assert (whole.identity, whole.where) == ("nfs inode 7, on base", None)
    assert whole.problem == "it names the host itself"
    beside = replace(good, identity="base", where="")
    assert _whole(disk, (top, base), {top: good, base: beside}).where == "s:/v"
