"""What becomes of a guest's disks, as it is typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from vmferry.fakes import FakeGuest, FakeWorld, MemoryJobs
from vmferry.model.guest import Disk
from vmferry.model.job import Plan

from .conftest import Vmferry

GIB = 1 << 30
OWN = "/var/lib/libvirt/images/web.img"


@pytest.fixture
def web(world: FakeWorld) -> FakeGuest:
    """With one disk that both hosts share, and one of its host's own."""
    disks = (
        Disk("vda", "disk", "file", "/srv/shared/web.img", "raw", "none"),
        Disk("vdb", "disk", "file", OWN, "qcow2", "none"),
    )
    return world.add_guest("web", "alpha", disks=disks)


def planned(vmferry: Vmferry, jobs: MemoryJobs, *options: str) -> Plan:
    ran = vmferry("migrate", "web", "--to", "beta", *options)
    assert ran.code == 0, ran.err
    return jobs.jobs()[0].plan


def test_by_itself_only_what_is_not_shared_is_copied(vmferry: Vmferry, jobs: MemoryJobs, web: FakeGuest) -> None:
    (copy,) = planned(vmferry, jobs).copies
    assert (copy.disk, copy.path, copy.format) == ("vdb", OWN, "qcow2")


def test_a_configuration_that_copies_nothing_refuses_the_guest(
    vmferry: Vmferry, jobs: MemoryJobs, web: FakeGuest, home: Path
) -> None:
    file = home / ".config/vmferry/config.toml"
    file.parent.mkdir(parents=True)
    file.write_text('[migration]\nstorage = "shared"\n')
    assert vmferry("migrate", "web", "--to", "beta").code == 3
    assert planned(vmferry, jobs, "--storage", "auto").copies


def test_how_they_are_copied(vmferry: Vmferry, jobs: MemoryJobs, web: FakeGuest) -> None:
    plan = planned(
        vmferry, jobs, "--storage-bandwidth", "20MiB/s", "--copy-storage-synchronous-writes",
        "--source-volumes", "rename",
    )  # fmt: skip
    assert (plan.disk_bandwidth_bytes_s, plan.synchronous_writes) == (20 << 20, True)
    assert plan.source_volumes == "rename"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--storage", "shared", "--disk", "vda=images"], "--storage shared copies no disk"),
        (["--storage", "shared", "--migrate-disks", "vda"], "--storage shared copies no disk"),
        (["--disk", "vda=images", "--disk", "vda=other"], "--disk vda=... is given twice"),
        (["--disk", "vda"], "is not DISK=POOL"),
        (["--disk", "vda=images:vmdk"], "with the format raw or qcow2"),
        (["--migrate-disks", "vda,,vdb"], "is no list of disks"),
        (["--storage", "all"], "'all' is not one of"),
        (["--source-volumes", "burn"], "'burn' is not one of"),
        (["--storage-bandwidth", "much"], "much"),
    ],
)
def test_what_makes_no_sense_is_said(vmferry: Vmferry, web: FakeGuest, options: list[str], said: str) -> None:
    ran = vmferry("migrate", "web", "--to", "beta", *options)
    assert (ran.code, said in ran.err) == (2, True), ran.err


def test_a_definition_of_the_user_s_own_and_copies_exclude_each_other(
    vmferry: Vmferry, web: FakeGuest, tmp_path: Path
) -> None:
    file = tmp_path / "web.xml"
    file.write_text("<domain/>")
    ran = vmferry("migrate", "web", "--to", "beta", "--xml", str(file), "--storage", "copy")
    assert (ran.code, "drop --xml, or the copies" in ran.err) == (2, True), ran.err


def test_a_disk_that_is_not_there_is_refused(vmferry: Vmferry, web: FakeGuest) -> None:
    ran = vmferry("migrate", "web", "--to", "beta", "--migrate-disks", "vdx")
    assert (ran.code, "has no such disk" in ran.err) == (3, True), ran.err
