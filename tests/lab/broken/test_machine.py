"""Guests that cannot be taken in as they are: of machines, devices, snapshots, memory and names."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from lxml import etree

from vmferry.lab.storage_files import TARGET

from .conftest import Check, Found, On, follow
from .tiny import Tiny, define

NEWEST = "pc-q35-10.0"
"""Of Debian 13; Debian 12 does not have it."""
VECTORS = "<controller type='virtio-serial' index='0' vectors='{vectors}'/>"
IMAGE = "/srv/shared/machine.qcow2"
DISK = f"""
<disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='none'/><source file='{IMAGE}'/>
<target dev='vda' bus='virtio'/></disk>"""
LUN = """
<controller type='scsi' model='virtio-scsi'/><hostdev mode='subsystem' type='scsi'>
<source protocol='iscsi' name='{lun}'><host name='storage' port='3260'/></source></hostdev>"""
PCI = """
<hostdev mode='subsystem' type='pci' managed='yes'>
<source><address domain='0x0000' bus='0x00' slot='0x01' function='0x0'/></source></hostdev>"""
MARGIN_MIB, BALLAST_MIB = 512, 1024
"""What is free may change so much by itself, in the time of a check."""


@pytest.fixture(scope="module")
def guest(tiny: Tiny) -> str:
    tiny.start()
    return tiny.name


@pytest.fixture(autouse=True)
def as_it_was(tiny: Tiny, guest: str) -> Iterator[None]:
    yield
    tiny.start()


def restart(on: On, guest: str, edit: str) -> None:
    """What `virsh edit` and a start do, by a command of sed."""
    on("h1", f"virsh dumpxml --inactive {guest} | sed '{edit}' >/run/edited.xml; virsh -q define /run/edited.xml")
    on("h1", f"rm /run/edited.xml; virsh destroy {guest}; virsh start --paused {guest}")


def test_a_machine_type_that_the_target_lacks(check: Check, on: On, tiny: Tiny) -> None:
    tiny.start(machine=NEWEST)
    found = check(to="h3").the("version.machine-type", "refuse")
    assert re.fullmatch(rf"QEMU 7\.2\.\d+ has no {NEWEST}", found["observed"])
    assert found["remedy"].startswith("a target with a QEMU not older than h1's (10.0")
    assert check(to="h2").passes("version.machine-type")


def test_too_many_vectors(check: Check, on: On, tiny: Tiny, guest: str) -> None:
    tiny.start(VECTORS.format(vectors=33))
    found = check().the("device.virtio-vectors", "refuse")
    assert found["observed"] == "33 vectors"
    assert f"lower it in virsh edit {guest}, then shut the guest down and start it" in found["remedy"]
    restart(on, guest, 's/vectors=.33./vectors="32"/')
    assert check().passes("device.virtio-vectors")


def test_an_internal_snapshot(check: Check, on: On, tiny: Tiny, guest: str) -> None:
    on("h1", f"qemu-img create -q -f qcow2 {IMAGE} 4M")
    try:
        tiny.start(DISK)
        on("h1", f"virsh snapshot-create-as {guest} before")
        found = check().the("guest.snapshots", "refuse")
        assert found["observed"] == "'before' (internal)"
        follow(
            on, found["remedy"].replace("on h1, which leaves the images as they are:", "on h1:").partition(" (keep")[0]
        )
        assert check().passes("guest.snapshots")
        assert "before" in on("h1", f"qemu-img snapshot -l -U {IMAGE}")
    finally:
        tiny.end()
        on("h1", f"rm {IMAGE}")


def detach(on: On, guest: str, found: Found) -> None:
    """As the remedy says, with the element that it names in a file."""
    devices = etree.fromstring(on("h1", f"virsh dumpxml {guest}"))
    (element,) = devices.iterfind("devices/hostdev")
    on("h1", f"cat >/run/device.xml <<'E'\n{etree.tostring(element).decode()}\nE")
    follow(on, found["remedy"].partition(", FILE being")[0].replace("FILE", "/run/device.xml"))
    on("h1", "rm /run/device.xml")


def test_a_lun_of_the_host(check: Check, on: On, tiny: Tiny, guest: str) -> None:
    number = on("storage", f"vmferry-lun add {1 << 20}").strip()
    try:
        tiny.start(LUN.format(lun=f"{TARGET}/{number}"))
        found = check().the("device.passthrough", "unknown")
        assert found["subject"] == f"hostdev scsi {TARGET}/{number}"
        detach(on, guest, found)
        assert check().passes("device.passthrough")
    finally:
        tiny.end()
        on("storage", f"vmferry-lun remove {number}")


def test_a_pci_device_of_the_host(check: Check, on: On, tiny: Tiny, guest: str) -> None:
    """The guest is shut off: no machine of ours has a device that it could hand over."""
    tiny.end()
    define(on, "h1", guest, PCI)
    found = check().the("device.passthrough", "refuse")
    assert (found["subject"], found["observed"]) == ("hostdev pci 0000:00:01.0", "passed through vfio")
    detach(on, guest, found)
    assert check().passes("device.passthrough")


def test_a_target_without_the_memory(check: Check, on: On, tiny: Tiny) -> None:
    """The guest never touches what it is given: a host has to be full for this, and h2 is by files in memory."""
    (free,) = check().of("memory.free")
    free_mib = int(free["observed"].removesuffix(" MiB free"))
    tiny.start(memory_kib=free_mib - 64 - MARGIN_MIB << 10)
    assert check().passes("memory.free")
    on("h2", f"mkdir /run/ballast; mount -t tmpfs -o size={BALLAST_MIB}M tmpfs /run/ballast")
    try:
        on("h2", f"fallocate -l {BALLAST_MIB}M /run/ballast/file")
        found = check().the("memory.free", "refuse")
        short = re.fullmatch(r"free (\d+) MiB on h2, or choose another target", found["remedy"])
        assert short
        assert int(short[1]) <= BALLAST_MIB
        on("h2", "rm /run/ballast/file")
        assert check().passes("memory.free")
    finally:
        on("h2", "umount /run/ballast; rmdir /run/ballast")


def test_a_name_that_is_taken(check: Check, on: On, guest: str) -> None:
    uuid = on("h1", f"virsh domuuid {guest}").strip()
    define(on, "h2", guest, "")
    try:
        found = check(of=uuid).the("guest.identity", "refuse")
        assert f"h2 has a shut off guest {guest} with UUID " in found["observed"]
        look, _, rest = found["remedy"].partition("; if it is stale: ")
        follow(on, look)
        on("h2", rest.partition(" there, or ")[0])
        assert check().passes("guest.identity")
    finally:
        on("h2", f"virsh undefine {guest} || true")
