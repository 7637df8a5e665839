"""Where another host has a file, by the mounts of both."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vmferry.facts.host import HostFacts
from vmferry.facts.pool import Pool
from vmferry.facts.storage import Mount, StorageFacts
from vmferry.model.edits import Edit, Naming
from vmferry.model.guest import Disk
from vmferry.placement.elsewhere import Shares, edited, edits, elsewhere

ROOT = Mount("/", "ext4", "/dev/vda1")
HERE = (ROOT, Mount("/srv/shared", "fuse.glusterfs", "storage:/shared"))
FILE = "/srv/shared/web.img"


def shares(*mounts: Mount) -> Shares:
    return Shares(HostFacts("h", storage=StorageFacts(mounts=mounts)))


@pytest.mark.parametrize(
    ("there", "path"),
    [
        ([Mount("/srv/shared", "fuse.glusterfs", "storage:/shared")], None),
        ([], None),
        ([Mount("/mnt/nas", "fuse.glusterfs", "storage:/shared")], "/mnt/nas/web.img"),
        ([Mount("/mnt/nas", "fuse.glusterfs", "STORAGE:/shared")], "/mnt/nas/web.img"),
        ([Mount("/mnt/nas", "fuse.glusterfs", "storage:/other")], None),
        ([Mount("/mnt/nas", "fuse.glusterfs", "other:/shared")], None),
        ([Mount("/mnt/nas", "fuse.glusterfs", "storage:/shared", root="/images")], None),
        ([Mount("/mnt/all", "nfs4", "storage:/")], "/mnt/all/shared/web.img"),
        ([Mount("/b", "nfs4", "storage:/shared"), Mount("/a", "nfs4", "storage:/shared")], "/a/web.img"),
        ([Mount("/mnt", "nfs4", "storage:/shared"), Mount("/mnt", "tmpfs", "none")], None),
        ([Mount("/srv", "nfs4", "storage:/shared"), Mount("/srv/shared", "ext4", "/dev/vdb")], "/srv/web.img"),
        ([Mount("/mnt/nas", "ext4", "/dev/vdb")], None),
    ],
)
def test_the_same_file_of_the_same_share(there: list[Mount], path: str | None) -> None:
    assert elsewhere(FILE, shares(*HERE), shares(ROOT, *there)) == path


@pytest.mark.parametrize(
    ("here", "there", "path", "found"),
    [
        (Mount("/a", "nfs4", "s:/e"), Mount("/b", "nfs4", "s:/e/sub"), "/a/sub/x", "/b/x"),
        (Mount("/a", "nfs4", "s:/e", root="/sub"), Mount("/b", "nfs4", "s:/e"), "/a/x", "/b/sub/x"),
        (Mount("/a", "gfs2", "/dev/mapper/lv"), Mount("/b", "gfs2", "/dev/mapper/lv"), "/a/x", "/b/x"),
        (Mount("/a", "ext4", "/dev/mapper/lv"), Mount("/b", "ext4", "/dev/mapper/lv"), "/a/x", None),
        (Mount("/a", "nfs4", "[fd00::1]:/e"), Mount("/b", "nfs4", "[fd00::1]:/e"), "/a/x", "/b/x"),
        (Mount("/a", "ceph", "u@id.fs=/e"), Mount("/b", "ceph", "u@id.fs=/e"), "/a/x", "/b/x"),
        (Mount("/a", "nfs4", "s:/e"), Mount("/b", "nfs4", "s:/e"), "/a/../etc/x", None),
        (Mount("/a", "nfs4", "s:/e"), Mount("/b", "nfs4", "s:/e"), "/ab/x", None),
        (Mount("/a", "nfs4", ":/e"), Mount("/b", "nfs4", ":/e"), "/a/x", None),
    ],
)
def test_shares_of_many_kinds(here: Mount, there: Mount, path: str, found: str | None) -> None:
    assert elsewhere(path, shares(ROOT, here), shares(ROOT, there)) == found


def test_a_host_that_does_not_tell_its_mounts() -> None:
    silent = Shares(HostFacts("h"))
    assert (elsewhere(FILE, silent, shares(*HERE)), elsewhere(FILE, shares(*HERE), silent)) == (None, None)


def test_a_disk_with_all_that_it_rests_on() -> None:
    disk = Disk("vda", "disk", "file", FILE, "qcow2", backing=("/srv/shared/base.img", "nbd://s/x"))
    changes = edits([disk, disk], shares(*HERE), shares(Mount("/n", "nfs", "storage:/shared")))
    assert changes == (Edit(Naming.PATH, FILE, "/n/web.img"), Edit(Naming.PATH, "/srv/shared/base.img", "/n/base.img"))
    there = edited(disk, changes)
    assert (there.source, there.backing) == ("/n/web.img", ("/n/base.img", "nbd://s/x"))


def test_a_drive_that_is_empty_stays_so() -> None:
    drive = Disk("sda", "cdrom", "empty", None)
    assert edits([drive], shares(*HERE), shares()) == ()
    assert edited(drive, (Edit(Naming.PATH, "/a", "/b"),)) == drive


NETFS = Pool("fast", "netfs", True, True, "/pools/fast", ("nas",), "/export")
ISCSI = Pool("san", "iscsi", True, True, None, ("portal",), "iqn.x:t")
NFS_HERE, NFS_THERE = Mount("/pools/fast", "nfs4", "nas:/export"), Mount("/pools/ssd", "nfs4", "nas:/export")


def pools(*has: Pool, mounts: tuple[Mount, ...] = ()) -> Shares:
    return Shares(HostFacts("h", storage=StorageFacts(mounts=mounts), pools=has))


@pytest.mark.parametrize(
    ("here", "there", "name"),
    [
        (pools(ISCSI), pools(replace(ISCSI, name="lun")), "lun"),
        (pools(ISCSI), pools(ISCSI), None),
        (pools(ISCSI), pools(replace(ISCSI, name="lun", active=False)), None),
        (pools(ISCSI), pools(replace(ISCSI, name="lun", source="iqn.y:t")), None),
        (pools(), pools(ISCSI), None),
        (pools(replace(ISCSI, servers=())), pools(replace(ISCSI, name="lun", servers=())), None),
        (
            pools(NETFS, mounts=(NFS_HERE,)),
            pools(replace(NETFS, name="ssd", path="/pools/ssd"), mounts=(NFS_THERE,)),
            "ssd",
        ),
        (
            pools(NETFS, mounts=(NFS_HERE,)),
            pools(replace(NETFS, name="ssd", kind="dir", path="/pools/ssd", servers=()), mounts=(NFS_THERE,)),
            "ssd",
        ),
    ],
)
def test_a_pool_of_another_name(here: Shares, there: Shares, name: str | None) -> None:
    volume = "fast/web" if here.pool("fast") else "san/web"
    disk = Disk("vda", "disk", "volume", volume)
    changes = edits([disk], here, there)
    pool = volume.partition("/")[0]
    assert changes == (() if name is None else (Edit(Naming.POOL, pool, name),))
    assert edited(disk, changes).source == f"{name or pool}/web"
