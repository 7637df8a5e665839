"""Hosts with storage that the lab does not have, as they tell of it and of one disk on it.

The recordings in tests/data/hosts/storage are written from what the kernel's files and the commands are documented to
say; behind `@look` stands the answer to a look at the disk.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmferry.facts.disk import DiskSight
from vmferry.facts.guest import GuestFacts
from vmferry.facts.host import HostFacts
from vmferry.facts.move import MoveFacts, TargetFacts
from vmferry.facts.storage import IscsiSession, LockTable, Mount, NvmeController, SrpPort, StorageFacts
from vmferry.hosts.sights import Source, answers, sight
from vmferry.hosts.told.sections import Sections, read_sections
from vmferry.hosts.told.storage import read_room, read_storage
from vmferry.model.finding import Finding, Severity
from vmferry.model.guest import Disk, Guest, GuestState
from vmferry.rules import all_rules, findings_of

DATA = Path(__file__).parents[3] / "data/hosts/storage"
BLOCK = Disk("vda", "disk", "block", "/dev/disk", format="raw", cache="none")
FILE = replace(BLOCK, kind="file", source="/srv/web.img")
UUID = "11111111-2222-3333-4444-555555555555"
RULES = {rule.id: rule for rule in all_rules()}


def sections(name: str) -> Sections:
    return read_sections((DATA / f"{name}.txt").read_text().splitlines())


def storage(name: str) -> StorageFacts:
    return read_storage(sections(name))


def disk_of(name: str) -> Disk:
    return FILE if sections(name)["look"][0].startswith("0 file") else BLOCK


def look(name: str) -> DiskSight:
    disk = disk_of(name)
    return sight(Source(disk, disk.kind, disk.source or ""), answers(sections(name)["look"])[0])


def said(rule: str, source: str, target: str) -> list[Finding]:
    """What the rule says of a guest with the one disk, from the host of the one recording to that of the other."""
    guest = Guest("web", UUID, "h1", GuestState.RUNNING, 1 << 30, 1, disks=(disk_of(source),))
    facts = GuestFacts(guest, "<domain/>", "kvm", "x86_64", "pc", None)
    hosts = [HostFacts(name, storage=storage(told)) for name, told in (("h1", source), ("h2", target))]
    move = MoveFacts(facts, hosts[0], (look(source),), TargetFacts(hosts[1], disks=(look(target),)))
    return list(findings_of(RULES[rule], move))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("fc-multipath", "Fibre Channel LUN over 2 paths: 0x600508b1001c4a7f0000900000b40000 on both"),
        ("srp", "SRP LUN: 0x60002ac0000000000000004d0001f2e3 on both"),
        ("iscsi", "iSCSI LUN: 0x6001405a1b2c3d4e on both"),
        ("nvme-of", "NVMe over TCP: uuid.6f1c2d3e-4a5b-4c6d-8e7f-901122334455 on both"),
        ("gfs2", "GFS2: gfs2 inode 53219 of 10737418240 bytes of lock table virt:vm, a1c0f3de-"),
        ("cephfs", "CephFS: h2 finds the mark that h1 left beside it; ceph inode 1099511627776"),
    ],
)
def test_the_same_storage_is_proved_and_its_protocol_named(name: str, words: str) -> None:
    (finding,) = said("storage.shared", name, name)
    assert finding.severity is Severity.INFO
    assert finding.observed.startswith(words)


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        ("fc-multipath", "fc-other-lun", "h2 sees 0x600508b1001c4a7f0000900000b50000"),
        ("gfs2", "gfs2-other-cluster", "h2 sees gfs2 inode 53219 of 10737418240 bytes of lock table test:vm"),
    ],
)
def test_other_storage_is_refused(source: str, target: str, words: str) -> None:
    (finding,) = said("storage.shared", source, target)
    assert finding.severity is Severity.REFUSE
    assert words in finding.observed


def test_a_lost_path_is_a_warning_and_the_disk_still_the_same() -> None:
    assert [each.severity for each in said("storage.shared", "fc-multipath", "fc-one-path-lost")] == [Severity.INFO]
    warned = [each for each in said("storage.paths", "fc-multipath", "fc-one-path-lost") if each.severity != "info"]
    assert [(each.subject, each.severity) for each in warned] == [("h2", Severity.WARN)] * 2
    assert "mpatha: 1 of 2 paths failed (8:32)" in warned[0].observed
    assert "host2 (0x21000024ff3dd3a5) is Linkdown" in warned[1].observed


@pytest.mark.parametrize("name", sorted(path.stem for path in DATA.glob("*.txt")))
def test_healthy_hosts_are_told_nothing_but_good(name: str) -> None:
    wrong = [each for each in said("storage.paths", name, name) if each.severity is not Severity.INFO]
    assert bool(wrong) is (name == "fc-one-path-lost")


def test_what_the_recordings_tell() -> None:
    fc = storage("fc-multipath")
    assert [(each.name, each.state, each.fabric) for each in fc.fc_hosts] == [
        ("host1", "Online", "0x100000051e0a1b2c"),
        ("host2", "Online", "0x100000051e0a1b2d"),
    ]
    (mapped,) = fc.multipaths
    assert mapped.wwid == "3600508b1001c4a7f0000900000b40000"
    assert [(path.device, path.alive) for path in mapped.paths or ()] == [("8:16", True), ("8:32", True)]
    assert [(each.name, each.size_bytes) for each in fc.devices or ()][1] == ("sdb", 107374182400)
    assert storage("srp").srp_ports == (SrpPort("port-7:1", "running"),)
    iqn = "iqn.2003-01.org.linux-iscsi.store:sn.4f2a"
    assert storage("iscsi").iscsi_sessions == (IscsiSession("session1", iqn, "LOGGED_IN", "192.0.2.40:3260"),)
    assert [device.wwid for device in storage("iscsi").devices or ()][1] == "t10.IET     00010001"
    nqn = "nqn.2014-08.org.nvmexpress:uuid:store"
    assert storage("nvme-of").nvme_controllers[1] == NvmeController("nvme1", "tcp", nqn, "live")
    uuid = "a1c0f3de-2b1a-4c5d-9e8f-0011aabbccdd"
    assert storage("gfs2").lock_tables == (LockTable("gfs2", "virt:vm", "253:5", uuid),)
    ceph = (storage("cephfs").mounts or ())[1]
    assert (ceph.path, ceph.kind, ceph.root, ceph.device) == ("/srv/vm", "ceph", "/vm", "0:52")
    assert "acl" in ceph.options


def test_blanks_in_a_mount_are_written_as_numbers() -> None:
    (_, mount) = storage("gfs2").mounts or ()
    assert mount == Mount(
        "/srv/vm images", "gfs2", "/dev/mapper/cluster_vg-vm", "/", "253:5", ("rw", "relatime", "seclabel")
    )


def test_what_was_not_told_is_not_known() -> None:
    assert read_storage({}) == StorageFacts()
    assert read_storage({"mounts": ["nonsense"], "devices": ["sda x running"]}).devices == ()


NAMES = st.sampled_from(["mounts", "devices", "maps", "ways", "locks", "gluster", "exports", "room"])
WORDS = st.sampled_from(["fc", "srp", "iscsi", "nvme", "map", "gfs2", "ocfs2", "nfs", "-", "8:1", "A", " - ", "\\040"])
LINES = st.lists(st.one_of(st.text(), st.lists(st.one_of(WORDS, st.text(max_size=4))).map(" ".join)), max_size=5)


@given(st.dictionaries(NAMES, LINES))
def test_any_telling_is_read(told: dict[str, list[str]]) -> None:
    assert isinstance(read_storage(told), StorageFacts)


ASKED = st.sampled_from(
    ["file", "block", "device", "rights", "head", "path", "server", "nfsfs", "gfs2", "iscsi", "nvme"]
)


@given(st.lists(st.tuples(ASKED, st.text(max_size=60)), max_size=6), st.sampled_from([FILE, BLOCK]))
def test_any_answer_is_read(lines: list[tuple[str, str]], disk: Disk) -> None:
    said = answers([f"0 {what} {text}".replace("\n", " ") for what, text in lines]).get(0, {})
    assert sight(Source(disk, disk.kind, disk.source or ""), said).target == "vda"


def test_room_by_directory() -> None:
    lines = ["@room", " 250000 4096 /var/lib/libvirt/images", " 3 512 /srv/with blank", " x 4096 /y", " 1 2"]
    assert read_room(read_sections(lines)) == {"/var/lib/libvirt/images": 1024000000, "/srv/with blank": 1536}


def test_the_clients_of_glusterfs() -> None:
    line = " /usr/sbin/glusterfs --attribute-timeout=0 --volfile-server=storage --volfile-id=/shared /srv/shared "
    (client,) = read_storage(read_sections(["@gluster", line, " "])).gluster_clients
    assert (client[0], client[-1]) == ("/usr/sbin/glusterfs", "/srv/shared")
