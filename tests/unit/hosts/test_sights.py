"""Answers of the shell on a host as sights."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vmferry.facts.disk import DiskSight, FileSight, Server
from vmferry.hosts.disks import _whole
from vmferry.hosts.sights import Source, answers, not_asked, request, sight, sources
from vmferry.model.guest import Disk

RAW = Disk("vda", "disk", "file", "/srv/shared/a.img", format="raw")
FILE = Source(RAW, "file", "/srv/shared/a.img")
BLOCK = Source(RAW, "block", "/dev/sdb")
URL = Source(RAW, "network", "iscsi://s/iqn.x:t/1")
SECRET = replace(RAW, needs_secret=True)
STAT = "file 512 7 8 512 0 0 600 "
MOUNT = 'FSTYPE="{}" SOURCE="{}" UUID="{}" TARGET="/srv" MAJ:MIN="0:45" FSROOT="/" OPTIONS="{}"'


def told(source: Source, *said: str) -> DiskSight:
    """The sight of an answer of these lines."""
    return sight(source, answers([f"0 {line}" for line in said]).get(0, {}))


def on(kind: str, share: str, uuid: str = "", options: str = "rw") -> str:
    return STAT + MOUNT.format(kind, share, uuid, options)


def what(seen: DiskSight) -> tuple[object, ...]:
    return seen.seen, seen.problem, seen.identity, seen.where, seen.shared_kind, seen.protocol


def test_a_disk_and_what_it_rests_on() -> None:
    disk = replace(RAW, backing=("/srv/base.qcow2", "nbd://s/x"))
    assert [(each.kind, each.word, each.mark) for each in sources(disk, ("m0", "m1"))] == [
        ("file", "/srv/shared/a.img", "m0"),
        ("file", "/srv/base.qcow2", "m1"),
        ("network", "nbd://s/x", ""),
    ]
    assert sources(Disk("sda", "cdrom", "empty", None)) == ()


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (FILE, "file 3 raw - /srv/shared/a.img"),
        (replace(FILE, mark="m0"), "file 3 raw m0 /srv/shared/a.img"),
        (Source(replace(RAW, format="qcow2"), "file", "/a b"), "file 3 qcow2 - /a b"),
        (Source(RAW, "file", "/srv/$(reboot) ;'x"), "file 3 raw - /srv/$(reboot) ;'x"),
        (BLOCK, "block 3 /dev/sdb"),
        (Source(RAW, "file", "/srv/a\nfile 4 /etc/shadow"), None),
        (Source(RAW, "file", "relative"), None),
        (Source(RAW, "vhostuser", "/run/s"), None),
        (Source(SECRET, "network", "rbd://a:6789,b/pool/image"), "name 3 a,b"),
        (Source(SECRET, "network", "iscsi://s/iqn.x:t/1"), "name 3 s"),
        (Source(SECRET, "network", "nbd://s/x"), None),
        (Source(SECRET, "network", "rbd://$(reboot)/p/i"), "name 3 -"),
    ],
)
def test_requests(source: Source, line: str | None) -> None:
    assert request(3, source) == line


def test_only_what_has_a_mark_is_marked() -> None:
    assert request(3, replace(FILE, mark="m0"), leave=True) == "mark 3 raw m0 /srv/shared/a.img"
    assert request(3, FILE, leave=True) == "file 3 raw - /srv/shared/a.img"


def test_why_something_is_not_asked() -> None:
    assert "no way to look" in (not_asked(Source(RAW, "nvme", "x")).problem or "")
    socket = Source(RAW, "network", "nbd+unix:///run/s/x")
    assert "each host's own" in (not_asked(socket).problem or "")
    assert "credentials" in (not_asked(Source(SECRET, "network", "nbd://s/t")).problem or "")


ALIKE = "fuse.glusterfs inode 7 of 512 bytes"
NO_PROOF = "not proved to be the same: inodes of {} prove nothing"
HOME = "nbd://localhost/x is another server on every host: it names the host itself"
NFS_VOLUMES = (
    "nfsfs NV SERVER   PORT DEV          FSID                              FSC",
    "nfsfs v3 0ad50c02  801 0:45         8f2a:0                            no ",
)


@pytest.mark.parametrize(
    ("source", "said", "expected"),
    [
        (FILE, [on("fuse.glusterfs", "s:/v")], (True, None, ALIKE, "s:/v", True, "GlusterFS")),
        (FILE, [on("fuse.glusterfs", "localhost:/v")], (True, None, ALIKE, None, True, "GlusterFS")),
        (FILE, [on("ext4", "/dev/sda1", "c0ffee")], (True, None, "ext4 inode 7 of 512 bytes", "", False, None)),
        (FILE, [STAT], (True, NO_PROOF.format("?"), None, "", None, None)),
        (FILE, [on("fuse.sshfs", "s:/v")], (True, NO_PROOF.format("fuse.sshfs"), None, "", True, "SSHFS")),
        (FILE, [on("cifs", "//s/v")], (True, NO_PROOF.format("cifs"), None, "", True, "SMB")),
        (FILE, [on("ceph", "10.0.0.1:6789,10.0.0.2:6789:/")],
         (True, None, "ceph inode 7 of 512 bytes", "10.0.0.1:6789,10.0.0.2:6789:/", True, "CephFS")),
        (FILE, [on("nfs4", "s:/v"), *NFS_VOLUMES],
         (True, None, "nfs inode 7 of 512 bytes", "s:/v (file system 8f2a:0)", True, "NFS")),
        (FILE, [on("gfs2", "/dev/vg/lv", "c0ffee"), "gfs2 0:45 c:fs"],
         (True, None, "gfs2 inode 7 of 512 bytes of lock table c:fs, c0ffee", "", True, "GFS2")),
        (FILE, [on("gfs2", "/dev/vg/lv", "c0ffee"), "gfs2 0:46 other:fs"],
         (True, None, "gfs2 inode 7 of 512 bytes of c0ffee", "", True, "GFS2")),
        (URL, ["image 1024"], (True, None, "iscsi://s/iqn.x:t/1 of 1024 bytes", "", True, "iSCSI")),
        (replace(URL, word="nbd://localhost/x"), ["image 1024"],
         (True, HOME, "nbd://localhost/x of 1024 bytes", None, True, "NBD")),
        (replace(URL, word="rbd://a/p/i"), ["server a 10.0.0.2 10.0.0.1", "named"],
         (True, None, "rbd://a/p/i", "servers 10.0.0.1, 10.0.0.2", True, "Ceph RBD")),
        (replace(URL, word="rbd://a/p/i"), ["server a ", "named"],
         (True, None, "rbd://a/p/i", None, True, "Ceph RBD")),
        (FILE, ["problem stat: cannot statx '/srv/shared/a.img': No such file or directory"],
         (False, "/srv/shared/a.img is not there", None, "", None, None)),
        (FILE, ["problem stat: cannot statx: Permission denied"],
         (None, "stat: cannot statx: Permission denied", None, "", None, None)),
        (FILE, ["problem no answer within 5 s"],
         (False, "/srv/shared/a.img: no answer within 5 s", None, "", None, None)),
        (URL, ["problem qemu-img: Could not open: Unknown driver 'iscsi'"],
         (False, "its QEMU has no driver for iscsi", None, "", None, None)),
        (URL, ["unable qemu-img is not installed"], (None, "qemu-img is not installed", None, "", None, None)),
        (URL, [], (None, "the host did not say", None, "", None, None)),
        (FILE, ["file 12"], (None, "the host did not say", None, "", None, None)),
    ],
)  # fmt: skip
def test_answers(source: Source, said: list[str], expected: tuple[object, ...]) -> None:
    assert what(told(source, *said)) == expected


def test_what_a_file_looks_like() -> None:
    head = "514649fb" + "00" * 16 + "00000010" + "0000000004000000"
    disk = replace(RAW, format="qcow2")
    lines = [
        on("nfs4", "s:/v", options="ro,vers=4.2"),
        "path /srv/real.img",
        "rights root=rw may=r user=qemu",
        f"head {head}",
        "server s 10.0.0.1 fd00::1",
        "unmarked mkdir: cannot create directory: Permission denied",
    ]
    seen = told(Source(disk, "file", "/srv/a.img"), *lines)
    assert seen.identity == "nfs inode 7"
    assert seen.servers == (Server("s", ("10.0.0.1", "fd00::1")),)
    assert (seen.marked, seen.mark_problem) == (False, "mkdir: cannot create directory: Permission denied")
    assert seen.file == FileSight(
        "/srv/real.img", "nfs", "/srv", 512, 4096, 64 << 20, 65536, 0, 0, 0o600, True, "qemu", "r", "rw"
    )


@pytest.mark.parametrize("head", ["", "zz" * 32, "00" * 31, "00" * 32])
def test_a_head_that_is_none(head: str) -> None:
    seen = told(FILE, on("nfs4", "s:/v"), f"head {head}")
    assert seen.file is not None
    assert seen.file.virtual_bytes is None


def test_rights_that_could_not_be_tried() -> None:
    seen = told(FILE, on("nfs4", "s:/v"), "rights root=rw may=? user=qemu")
    assert seen.file is not None
    assert (seen.file.user_may, seen.file.root_may) == (None, "rw")
    unable = told(FILE, on("nfs4", "s:/v"), "rights root= may= user=qemu")
    assert unable.file is not None
    assert (unable.file.user_may, unable.file.root_may) == ("", "")


def test_an_image_with_what_it_rests_on() -> None:
    disk = replace(RAW, source="/srv/top", backing=("nbd://s/base",))
    top, base = sources(disk)
    good = DiskSight("vda", True, identity="nfs inode 7", marks=("m0",))
    below = DiskSight("vda", True, identity="base")
    whole = _whole(disk, (top, base), {top: good, base: below})
    assert whole == replace(good, backing=(below,), marks=("m0", ""))
