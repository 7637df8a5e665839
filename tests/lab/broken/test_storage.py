"""Storage that is broken on purpose, under a guest that is started paused and never runs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator

import pytest

from vmferry.hosts.connector import LibvirtConnector
from vmferry.lab.layout import Layout
from vmferry.lab.storage_files import TARGET
from vmferry.model.host import HostEntry
from vmferry.ports import HostPort

from ..conftest import Run
from .conftest import Check, On, follow, until
from .tiny import Tiny, define

NAME = "storage-tiny"
IMAGE = f"/srv/shared/{NAME}.img"
LOCAL = f"/var/lib/libvirt/images/{NAME}.img"
SIZE = 1 << 20
FILE = """
<disk type='file' device='disk'><driver name='qemu' type='raw' cache='{cache}'/><source file='{path}'/>
<target dev='{target}' bus='virtio'/></disk>"""
LUN = """
<disk type='network' device='disk'><driver name='qemu' type='raw' cache='none'/>
<source protocol='iscsi' name='{target}/{lun}'><host name='storage' port='3260'/></source>
<target dev='vdb' bus='virtio'/></disk>"""
Start = Callable[..., None]


def disk(path: str = IMAGE, cache: str = "none") -> str:
    return FILE.format(path=path, cache=cache, target="vda")


@pytest.fixture(scope="module")
def name() -> str:
    return NAME


@pytest.fixture(scope="module")
def start(tiny: Tiny) -> Start:
    """start(DISKS): the guest on h1, anew with these disks."""
    return tiny.start


@pytest.fixture(scope="module")
def lun(on: On) -> Iterator[str]:
    number = on("storage", f"vmferry-lun add {SIZE}").strip()
    yield LUN.format(target=TARGET, lun=number)
    on("storage", f"vmferry-lun remove {number}")


@pytest.fixture(scope="module")
def guest(on: On, start: Start, lun: str) -> Iterator[str]:
    """Instead of the guest that boots: one that is never run is begun in no time, also with other disks."""
    on("h1", f"truncate -s {SIZE} {IMAGE}")
    start(disk() + lun)
    yield NAME
    on("h1", f"rm -f {IMAGE}")


def test_as_it_is_every_disk_is_proved(check: Check) -> None:
    found = check()
    assert not [f for f in found.findings if f["rule"].startswith("storage.") and f["severity"] != "info"]
    said = {f["subject"]: f["observed"] for f in found.of("storage.shared")}
    assert said["vda"].startswith("GlusterFS: h2 finds the mark that h1 left beside it")
    assert said["vdb"].startswith("iSCSI: ")
    assert {f["observed"] for f in found.of("storage.separate-system")} == {"kept by storage"}


@pytest.fixture
def unmounted(on: On) -> Iterator[None]:
    """The share is gone from h2."""
    on("h2", "systemctl stop vmferry-shared; until ! mountpoint -q /srv/shared; do sleep 0.05; done")
    yield
    on("h2", "umount /srv/shared || true; rm -f /srv/shared/*; systemctl start vmferry-shared")
    on("h2", "until mountpoint -q /srv/shared; do sleep 0.05; done")


@pytest.mark.usefixtures("unmounted")
def test_an_image_that_is_missing(check: Check, on: On) -> None:
    found = check().the("storage.image", "refuse")
    assert f"{IMAGE} is not there" in found["observed"]
    follow(on, found["remedy"])
    assert check().passes("storage.image")


@pytest.mark.usefixtures("unmounted")
def test_the_same_path_on_another_file_system(check: Check, on: On) -> None:
    on("h2", f"mount -t tmpfs tmpfs /srv/shared; truncate -s {SIZE} {IMAGE}")
    found = check().the("storage.shared", "refuse")
    assert "h2 does not find the mark that h1 left beside it" in found["observed"]
    follow(on, found["remedy"])
    assert check().passes("storage.shared")


def test_an_image_that_qemu_may_not_open(check: Check, on: On) -> None:
    on("h2", "cp -p /etc/libvirt/qemu.conf /run/qemu.conf")
    on("h2", "sed -i 's/^user = .*/user = \"nobody\"/' /etc/libvirt/qemu.conf")
    on("h2", "echo 'dynamic_ownership = 0' >>/etc/libvirt/qemu.conf")
    try:
        found = check().the("storage.image-access", "refuse")
        assert "nobody on h2 may not open it (owner 0:0, mode 644)" in found["observed"]
        assert "dynamic_ownership = 1" in found["remedy"]
        on("h2", "sed -i 's/^dynamic_ownership = 0/dynamic_ownership = 1/' /etc/libvirt/qemu.conf")
        assert check().passes("storage.image-access")
    finally:
        on("h2", "mv /run/qemu.conf /etc/libvirt/qemu.conf")


def test_an_image_on_the_sources_own_disk(check: Check, on: On, start: Start, lun: str) -> None:
    on("h1", f"truncate -s {SIZE} {LOCAL}")
    start(disk(LOCAL) + lun)
    try:
        found = check("--storage", "shared").the("storage.shared", "refuse")
        assert "is on a file system of h1's own" in found["observed"]
        assert "put the disk on storage that both hosts share" in found["remedy"]
    finally:
        start(disk() + lun)
        on("h1", f"rm {LOCAL}")
    assert check().passes("storage.shared")


def test_storage_that_one_of_the_two_keeps(check: Check, on: On, start: Start, lun: str) -> None:
    """A volume of the target's own, mounted on both."""
    image = f"/srv/own/{NAME}.img"
    on("h2", "systemctl start glusterd; gluster --mode=script volume create own h2:/var/lib/own-brick force")
    on("h2", "gluster --mode=script volume start own")
    try:
        for host in ("h1", "h2"):
            on(host, "mkdir -p /srv/own; mount -t glusterfs h2:/own /srv/own")
        on("h1", f"truncate -s {SIZE} {image}")
        start(disk(image) + lun)
        found = check()
        assert found.passes("storage.shared")
        keeps = {f["observed"] for f in found.of("storage.separate-system", "warn")}
        assert any(said.startswith("h2 itself keeps it: h2 is ") for said in keeps)
        assert "h2 itself keeps it: it has a brick of the GlusterFS volume own" in keeps
        start(disk() + lun)
        assert check().passes("storage.separate-system")
    finally:
        start(disk() + lun)
        for host in ("h1", "h2"):
            on(host, "umount /srv/own || true; rmdir /srv/own || true")
        on("h2", "gluster --mode=script volume stop own force; gluster --mode=script volume delete own")
        on("h2", "systemctl stop glusterd; pkill glusterfsd || true; rm -rf /var/lib/own-brick")


def test_a_driver_that_qemu_lacks(check: Check, on: On) -> None:
    module = "/usr/lib/x86_64-linux-gnu/qemu/block-iscsi.so"
    on("h2", f"mv {module} /run/")
    try:
        found = check().the("storage.driver", "refuse")
        assert found["observed"] == "QEMU on h2 has no driver for iscsi"
        assert "qemu-block-extra" in found["remedy"]
    finally:
        on("h2", f"mv /run/block-iscsi.so {module}")
    assert check().passes("storage.driver")


@pytest.mark.parametrize("state", ["inactive", "missing"])
def test_a_pool_that_is_not_there(check: Check, on: On, state: str) -> None:
    on("h2", "virsh pool-dumpxml shared >/run/shared.xml; virsh -q pool-destroy shared")
    if state == "missing":
        on("h2", "virsh -q pool-undefine shared")
    try:
        found = check().the("storage.pool", "warn")
        if state == "missing":
            assert "h2 has no pool shared" in found["observed"]
            assert "virsh pool-define" in found["remedy"]
            on("h2", "virsh -q pool-define /run/shared.xml")
        follow(on, f"on h2:{found['remedy'].rpartition('on h2:')[2]}")
        assert check().passes("storage.pool")
    finally:
        on("h2", "virsh -q pool-define /run/shared.xml; virsh -q pool-start shared || true")


def test_a_disk_whose_writes_are_cached(check: Check, start: Start, lun: str) -> None:
    start(disk(cache="writeback") + lun)
    try:
        found = check().the("storage.cache", "warn")
        assert "cache mode writeback" in found["observed"]
        assert "<driver cache='none'/> of vda" in found["remedy"]
    finally:
        start(disk() + lun)
    assert check().passes("storage.cache")


def test_an_image_that_another_guest_has(check: Check, on: On) -> None:
    define(on, "h2", "storage-other", disk())
    try:
        found = check().the("storage.in-use", "warn")
        assert found["observed"] == "the shut off guest storage-other on h2 has it too"
        on("h2", "virsh -q undefine storage-other")
        define(on, "h2", "storage-other", disk(LOCAL))
        assert check().passes("storage.in-use")
    finally:
        on("h2", "virsh -q undefine storage-other")


@pytest.fixture
def source(lab: Layout, vmferry: Run) -> Iterator[HostPort]:
    hosts = json.loads(vmferry("lab", "status", "-o", "json").stdout)["hosts"]
    (told,) = (host for host in hosts if host["name"] == "h1")
    host = LibvirtConnector().connect(HostEntry("h1", told["uri"], ssh=tuple(told["ssh"])), 10)
    yield host
    host.close()


@pytest.mark.parametrize("how", ["unmarked", "closed", "killed"])
def test_nothing_is_left_of_a_mark(source: HostPort, on: On, guest: str, how: str) -> None:
    (seen,) = (each for each in source.guests() if each.name == guest)
    (mark, _) = (names[0] for names in (sight.marks for sight in source.mark_disks(seen.disks)))
    assert mark in on("h2", "ls -A /srv/shared").split()
    if how == "unmarked":
        source.unmark_disks()
        assert mark not in on("h2", "ls -A /srv/shared").split()
    elif how == "closed":
        source.close()
    else:
        session = on("h1", f"pgrep -f 'sh .*/{mark}' | head -n 1 | xargs ps -o args= -p | awk '{{print $NF}}'")
        on("h1", f"kill -9 {session.strip()}")
    until(lambda: mark not in on("h2", "ls -A /srv/shared").split())
    until(lambda: not watches(on))


def watches(on: On) -> str:
    return on("h1", "pgrep -f '[.]vmferry-mark' || true").strip()


def test_a_check_that_is_killed_leaves_nothing(lab: Layout, on: On, guest: str) -> None:
    """Ended at whatever it was doing, some while after its start each time."""
    from ..conftest import VMFERRY, environment

    for after_s in (0.3, 0.5, 0.7):
        command = [*VMFERRY, "check", guest, "--to", "h2", "-o", "json"]
        with subprocess.Popen(
            command, env=environment(lab), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as run:
            try:
                run.wait(after_s)
            except subprocess.TimeoutExpired:
                run.kill()
    until(lambda: ".vmferry-mark" not in on("h1", "ls -A /srv/shared"))
    until(lambda: not watches(on))
