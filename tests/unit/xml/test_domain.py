"""A definition read as a guest: what is there, and what is not."""

from __future__ import annotations

import pytest

from vmferry.model.guest import Disk, GuestState, ImageEncryption, Nic, Probe
from vmferry.xml.domain import Seen, agent_connected, read_guest, read_guest_facts
from vmferry.xml.parse import BadXml

SEEN = Seen(host="h1", state=GuestState.RUNNING, persistent=True, memory_used_bytes=5, job="backup")
UUID = "c7a5fdbd-edaf-9455-926a-d65c16db1809"

XML = f"""
<domain type='qemu' id='3'>
  <name>web</name><uuid>{UUID}</uuid>
  <metadata><p:probe xmlns:p='urn:vmferry:probe:1' address='10.0.0.101' url='http://10.0.0.101/'/></metadata>
  <memory unit='MiB'>512</memory><vcpu placement='static'>2</vcpu>
  <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os>
  <cpu mode='custom' match='exact'><model>qemu64</model></cpu>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' cache='none'/><source file='/srv/shared/web.qcow2'/>
      <backingStore type='file'><format type='qcow2'/><source file='/srv/shared/base.qcow2'/>
        <backingStore type='network'><source protocol='nbd' name='deep'><host name='s' port='10809'/></source>
          <backingStore/></backingStore>
      </backingStore>
      <target dev='vda' bus='virtio'/>
    </disk>
    <disk type='file' device='cdrom'><target dev='sda' bus='sata'/><readonly/></disk>
    <interface type='network'><mac address='52:54:00:00:00:01'/><source network='lab' bridge='br0'/>
      <model type='virtio'/></interface>
    <interface type='user'><mac address='52:54:00:00:00:02'/></interface>
  </devices>
</domain>"""


def test_a_guest_is_read_whole() -> None:
    guest = read_guest(XML, SEEN)
    assert (guest.name, guest.uuid, guest.host, guest.state) == ("web", UUID, "h1", GuestState.RUNNING)
    assert (guest.memory_bytes, guest.vcpus, guest.persistent) == (512 << 20, 2, True)
    assert guest.disks == (
        Disk(
            "vda", "disk", "file", "/srv/shared/web.qcow2", "qcow2", "none",
            backing=("/srv/shared/base.qcow2", "nbd://s:10809/deep"),
            backing_formats=("qcow2", ""),
        ),
        Disk("sda", "cdrom", "empty", None, read_only=True),
    )  # fmt: skip
    assert guest.nics == (
        Nic("52:54:00:00:00:01", "network", "lab", "virtio"),
        Nic("52:54:00:00:00:02", "user", None, None),
    )


def test_its_facts_are_read_too() -> None:
    facts = read_guest_facts(XML, SEEN)
    assert (facts.virt_type, facts.arch, facts.machine) == ("qemu", "x86_64", "pc-q35-7.2")
    assert facts.cpu_xml == '<cpu mode="custom" match="exact"><model>qemu64</model></cpu>'
    assert (facts.cpu_mode, facts.job) == ("custom", "backup")
    assert facts.probe == Probe("10.0.0.101", "http://10.0.0.101/")
    assert (facts.live_xml, facts.memory_used_bytes) == (XML, 5)


def test_what_a_definition_does_not_say_is_none() -> None:
    facts = read_guest_facts(f"<domain type='test'><name>web</name><uuid>{UUID}</uuid></domain>", SEEN)
    assert (facts.cpu_xml, facts.cpu_mode, facts.probe) == (None, None, None)
    assert (facts.machine, facts.guest.disks) == ("", ())


@pytest.mark.parametrize(
    "xml", ["<network><name>n</name><uuid>u</uuid></network>", "<domain><name>web</name></domain>"]
)
def test_other_documents_are_refused(xml: str) -> None:
    with pytest.raises(BadXml, match="on h1 is no domain"):
        read_guest(xml, SEEN)


DISK = (
    "<domain><name>w</name><uuid>u</uuid>"
    "<devices><disk type='{}' device='disk'>{}<target dev='vda'/></disk></devices></domain>"
)


@pytest.mark.parametrize(
    ("kind", "source", "word"),
    [
        ("block", "<source dev='/dev/sdb'/>", "/dev/sdb"),
        ("volume", "<source pool='p' volume='v'/>", "p/v"),
        ("dir", "<source dir='/d'/>", "/d"),
        ("network", "<source protocol='iscsi' name='iqn.x:t/1'><host name='s'/></source>", "iscsi://s/iqn.x:t/1"),
        ("network", "<source protocol='nfs' name='/srv/i'><host name='10.0.0.2' port='2049'/></source>",
         "nfs://10.0.0.2:2049/srv/i"),
        ("network", "<source protocol='rbd' name='p/i'><host name='a'/><host name='fd00::1' port='6789'/></source>",
         "rbd://a,[fd00::1]:6789/p/i"),
        ("network", "<source protocol='nbd' name='x'><host transport='unix' socket='/run/s'/></source>",
         "nbd+unix:///run/s/x"),
        ("network", "<source protocol='rbd' name='p/i'/>", "rbd:///p/i"),
    ],
)  # fmt: skip
def test_sources_as_one_word(kind: str, source: str, word: str) -> None:
    (disk,) = read_guest(DISK.format(kind, source), SEEN).disks
    assert (disk.kind, disk.source, disk.needs_secret) == (kind, word, False)


@pytest.mark.parametrize(
    "place", ["<auth username='u'/><source dev='/d'/>", "<source dev='/d'><auth username='u'/></source>"]
)
def test_credentials_are_noticed(place: str) -> None:
    (disk,) = read_guest(DISK.format("block", place), SEEN).disks
    assert disk.needs_secret


@pytest.mark.parametrize(
    ("place", "form"),
    [
        (
            "<source dev='/d'><encryption format='luks'><secret type='passphrase' uuid='u'/></encryption></source>",
            ImageEncryption("luks", "u"),
        ),
        (
            "<source dev='/d'/><encryption format='qcow'><secret type='passphrase' usage='disk'/></encryption>",
            ImageEncryption("qcow", None, "disk"),
        ),
        ("<source dev='/d'><encryption format='luks'/></source>", ImageEncryption("luks")),
        ("<source dev='/d'/>", None),
    ],
)
def test_encryption_is_noticed(place: str, form: ImageEncryption | None) -> None:
    (disk,) = read_guest(DISK.format("block", place), SEEN).disks
    assert disk.encryption == form


@pytest.mark.parametrize(
    ("target", "connected"),
    [
        ("<target type='virtio' name='org.qemu.guest_agent.0' state='connected'/>", True),
        ("<target type='virtio' name='org.qemu.guest_agent.0' state='disconnected'/>", False),
        ("<target type='virtio' name='com.redhat.spice.0' state='connected'/>", False),
    ],
)
def test_whether_an_agent_is_connected(target: str, connected: bool) -> None:
    xml = f"<domain><devices><channel type='unix'>{target}</channel></devices></domain>"
    assert agent_connected(xml) is connected
