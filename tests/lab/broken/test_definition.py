"""A share that the target has elsewhere, and definitions that the user brings."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from vmferry.lab.layout import Layout
from vmferry.lab.shell import ssh
from vmferry.xml.abi import differences

from ..conftest import Run
from ..guests import page_when
from .conftest import Check, On

ELSEWHERE = "/mnt/nas"
_MOUNT = f"""
systemctl stop vmferry-shared
mkdir -p {ELSEWHERE}
cd /
setsid glusterfs --attribute-timeout=0 --volfile-server=storage --volfile-id=/shared {ELSEWHERE}
until test -e {ELSEWHERE}/*.img; do sleep 0.05; done
"""
_UNMOUNT = f"""
umount --lazy /srv/shared 2>/dev/null || true
umount --lazy {ELSEWHERE}
rmdir {ELSEWHERE}
systemctl start vmferry-shared
until mountpoint -q /srv/shared; do sleep 0.05; done
"""


@pytest.fixture
def elsewhere(vmferry: Run, on: On, guest: str) -> Iterator[None]:
    """h2 has the share at another place. The guest is on h1 again afterwards, whatever became of the test."""
    on("h2", _MOUNT)
    yield
    if guest in on("h2", "virsh list --name"):
        vmferry("migrate", guest, "--to", "h1")
    on("h2", _UNMOUNT)


@pytest.fixture
def address(vmferry: Run, guest: str) -> str:
    probe = re.search(r"address=.([0-9.]+)", vmferry("lab", "exec", "h1", "--", "virsh", "dumpxml", guest).stdout)
    assert probe
    return probe[1]


def disks_of(on: On, host: str, guest: str) -> list[str]:
    """The sources of its disks, running and kept."""
    both = on(host, f"virsh dumpxml {guest}; virsh dumpxml --inactive {guest}")
    return re.findall(r"<source file='([^']+)'", both)


def disks_are_well(address: str) -> None:
    """Every block is read again, and is what the guest had written."""
    (disk,) = page_when(address, lambda page: page.disks != ()).disks
    assert page_when(address, lambda page: page.disks[0].cycles >= disk.cycles + 2).errors == 0


@pytest.mark.usefixtures("elsewhere")
def test_a_share_that_is_mounted_elsewhere(check: Check, on: On, guest: str) -> None:
    seen = check()
    found = seen.the("storage.same-path", "warn")
    assert f"h2 has /srv/shared/{guest}-0.img at {ELSEWHERE}/{guest}-0.img" in found["observed"]
    assert seen.passes("storage.shared")
    command = found["remedy"].partition("on h2: ")[2]
    on("h2", command)
    assert check().passes("storage.same-path")


@pytest.mark.usefixtures("elsewhere")
def test_and_the_guest_goes_there_and_back(vmferry: Run, on: On, guest: str, address: str) -> None:
    vmferry("migrate", guest, "--to", "h2")
    assert disks_of(on, "h2", guest) == [f"{ELSEWHERE}/{guest}-0.img"] * 2
    disks_are_well(address)
    vmferry("migrate", guest, "--to", "h1")
    assert disks_of(on, "h1", guest) == [f"/srv/shared/{guest}-0.img"] * 2
    disks_are_well(address)


@pytest.mark.usefixtures("elsewhere")
def test_the_change_is_shown(vmferry: Run, guest: str) -> None:
    (target,) = json.loads(vmferry("check", guest, "--to", "h2", "-o", "json").stdout)["targets"]
    assert f'+      <source file="{ELSEWHERE}/{guest}-0.img"/>' in target["xml_diff"].splitlines()


@pytest.fixture
def chained(on: On, guest: str) -> Iterator[str]:
    """The guest's disk rests on an image that the image itself names, and its definition does not. The top's name."""
    top = f"/srv/shared/{guest}-top.img"
    without = "sed '/<backingStore/,/<.backingStore>/d'"
    on("h1", f"virsh dumpxml --inactive {guest} >/tmp/before.xml")
    on("h1", f"virsh snapshot-create-as {guest} s --disk-only --no-metadata --atomic --diskspec vda,file={top}")
    on("h1", f"virsh dumpxml --inactive {guest} | {without} >/tmp/chained.xml; virsh define /tmp/chained.xml")
    on("h1", f"virsh destroy {guest}; virsh start {guest}; rm /tmp/chained.xml")
    yield top
    on("h1", f"virsh blockcommit {guest} vda --active --pivot --wait >/dev/null; rm {top}")
    on("h1", "virsh define /tmp/before.xml; rm /tmp/before.xml")


@pytest.mark.usefixtures("elsewhere")
def test_a_chain_that_only_the_image_names(
    check: Check, vmferry: Run, on: On, guest: str, chained: str, address: str
) -> None:
    found = check().the("storage.same-path", "warn")
    assert f"the image itself names /srv/shared/{guest}-0.img" in found["observed"]
    vmferry("migrate", guest, "--to", "h2")
    there = [chained.replace("/srv/shared", ELSEWHERE), f"{ELSEWHERE}/{guest}-0.img"]
    assert disks_of(on, "h2", guest) == there * 2
    disks_are_well(address)
    vmferry("migrate", guest, "--to", "h1")


@pytest.fixture
def hook(on: On) -> Iterator[str]:
    path = "/etc/libvirt/hooks/qemu"
    on("h2", f"mkdir -p {path.rpartition('/')[0]}; printf '#!/bin/sh\\nexit 0\\n' >{path}; chmod +x {path}")
    yield path
    on("h2", f"rm {path}")


def test_a_hook_that_may_change_what_arrives(check: Check, on: On, hook: str) -> None:
    (found,) = check().of("definition.hook")
    assert hook in found["observed"]
    assert "exit 0" in on("h2", found["remedy"].replace("read", "cat").replace(" on h2", ""))


REFUSED = {
    "name": ("<name>", "<name>x"),
    "uuid": ("<uuid>.*</uuid>", "<uuid>11111111-2222-4333-8444-555555555555</uuid>"),
    "memory": (">163840</memory>", ">196608</memory>"),
    "vcpu": (">1</vcpu>", ">2</vcpu>"),
    "machine": ("pc-q35-7.2", "pc-q35-8.0"),
    "feature": ("<acpi/>", "<acpi/><pae/>"),
    "enlightenment": ("<acpi/>", "<acpi/><hyperv mode='custom'><relaxed state='on'/></hyperv>"),
    "timer": ("<clock offset='utc'/>", "<clock offset='utc'><timer name='pit'/></clock>"),
    "CPU check": ("check='none'", "check='full'"),
    "CPU model": (">qemu64<", ">qemu32<"),
    "CPU feature": ("</model>", "</model><feature policy='disable' name='lahf_lm'/>"),
    "SMBIOS": ("</os>", "<smbios mode='host'/></os>"),
    "disk serial": ("bus='virtio'/>", "bus='virtio'/><serial>s</serial>"),
    "disk read-only": ("bus='virtio'/>", "bus='virtio'/><readonly/>"),
    "disk queues": ("type='qcow2'", "type='qcow2' queues='2'"),
    "disk blocks": ("bus='virtio'/>", "bus='virtio'/><blockio logical_block_size='512'/>"),
    "disk more": ("</disk>", "</disk><disk type='file' device='cdrom'><target dev='sdb' bus='sata'/></disk>"),
    "MAC": ("address='52:54:00", "address='52:54:01"),
    "MTU": ("<rom enabled='no'/>", "<rom enabled='no'/><mtu size='1400'/>"),
    "card model": ("<model type='virtio'/>", "<model type='e1000'/>"),
    "card options": ("<rom enabled='no'/>", "<rom enabled='no'/><driver name='qemu'/>"),
    "address": ("bus='0x01' slot='0x00'", "bus='0x04' slot='0x00'"),
    "controller": ("<controller type='usb' index='0' model='none'/>", ""),
    "balloon": ("<memballoon model='virtio'>", "<memballoon model='virtio' autodeflate='on'>"),
    "serial port": ("'isa-serial' port='0'", "'isa-serial' port='1'"),
    "random numbers": ("</devices>", "<rng model='virtio'><backend model='builtin'/></rng></devices>"),
}
ALLOWED = {
    "nothing": ("<domain", "<domain"),
    "cache": ("cache='none'", "cache='directsync'"),
    "crash": ("<on_crash>preserve", "<on_crash>destroy"),
    "clock": ("offset='utc'", "offset='localtime'"),
    "log": ("serial.log", "serial2.log"),
    "balloon's figures": ("period='1'", "period='5'"),
    "no address": ("<address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>", ""),
    "an empty address": (" bus='0x01' slot='0x00' function='0x0'/>", "/>"),
    "no CPU": ("<cpu(.|\n)*</cpu>", ""),
    "no balloon": ("<memballoon(.|\n)*</memballoon>", ""),
    "memory in other words": ("'KiB'>163840</memory>", "'MiB'>160</memory>"),
    "less memory in use": ("<currentMemory unit='KiB'>163840", "<currentMemory unit='KiB'>131072"),
    "a root port's number": ("chassis='4'", "chassis='9'"),
    "boot order": ("<boot dev='hd'/>", "<boot dev='network'/>"),
}


@pytest.fixture(scope="module")
def definitions(on: On, guest: str) -> tuple[str, str]:
    """As it is migrated, and live."""
    return on("h1", f"virsh dumpxml --migratable {guest}"), on("h1", f"virsh dumpxml {guest}")


def libvirts_word(lab: Layout, guest: str, xml: str) -> str:
    """What it says of a definition. It compares on the source, and then fails at a URI that no target takes."""
    given = "cat >/tmp/given.xml; virsh migrate --live --xml /tmp/given.xml"
    command = f"{given} {guest} qemu+ssh://root@h2/system nowhere://h2 2>&1 || true; rm /tmp/given.xml"
    return ssh(lab, "h1", "sh", "-c", command, stdin=xml)


@pytest.mark.parametrize(
    ("pattern", "word", "refused"),
    [pytest.param(*case, True, id=name) for name, case in REFUSED.items()]
    + [pytest.param(*case, False, id=name) for name, case in ALLOWED.items()],
)
def test_libvirt_says_the_same(
    lab: Layout, guest: str, definitions: tuple[str, str], pattern: str, word: str, refused: bool
) -> None:
    migratable, live = definitions
    given, changed = re.subn(pattern, word, migratable, count=1)
    assert changed
    said = libvirts_word(lab, guest, given)
    assert ("unsupported configuration" in said) is refused, said
    assert ("unsupported scheme nowhere" in said) is not refused, said
    assert bool(differences(migratable, given, live)) is refused


@pytest.mark.parametrize(
    ("pattern", "word"), [REFUSED["MTU"], REFUSED["MAC"], REFUSED["memory"], REFUSED["disk serial"]]
)
def test_a_definition_that_changes_the_guest(
    check: Check, tmp_path: Path, definitions: tuple[str, str], pattern: str, word: str
) -> None:
    file = tmp_path / "given.xml"
    file.write_text(re.sub(pattern, word, definitions[0], count=1))
    seen = check("--xml", str(file))
    found = seen.the("definition.abi", "refuse")
    assert seen.verdict == "refuse"
    assert found["subject"] in found["remedy"]
    file.write_text(definitions[0])
    assert check("--xml", str(file)).passes("definition.abi")


def test_all_of_it_at_once(check: Check, tmp_path: Path, definitions: tuple[str, str]) -> None:
    given = definitions[0]
    for case in ("MTU", "memory", "disk serial", "feature"):
        given = re.sub(*REFUSED[case], given, count=1)
    file = tmp_path / "given.xml"
    file.write_text(given)
    assert len(check("--xml", str(file)).of("definition.abi", "refuse")) == 4


@pytest.mark.usefixtures("elsewhere")
def test_the_users_definition_is_used(
    vmferry: Run, on: On, guest: str, definitions: tuple[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "given.xml"
    file.write_text(definitions[0].replace("/srv/shared/", f"{ELSEWHERE}/").replace("serial.log", "serial2.log"))
    vmferry("migrate", guest, "--to", "h2", "--xml", str(file))
    assert disks_of(on, "h2", guest) == [f"{ELSEWHERE}/{guest}-0.img"] * 2
    for form in ("", "--inactive"):
        assert "serial2.log" in on("h2", f"virsh dumpxml {form} {guest}")
    vmferry("migrate", guest, "--to", "h1")
