"""What a guest would see change, by a table of definitions that differ in one thing."""

from __future__ import annotations

import pytest

from vmferry.xml.abi import differences
from vmferry.xml.parse import BadXml

XML = """\
<domain type='kvm'>
  <name>web</name>
  <uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>
  <genid>43dc0cf8-809b-4adb-9bea-a9abb5f3d90e</genid>
  <maxMemory slots='4' unit='KiB'>8388608</maxMemory>
  <memory unit='KiB'>1048576</memory>
  <currentMemory unit='KiB'>1048576</currentMemory>
  <vcpu placement='static' current='2'>4</vcpu>
  <vcpus><vcpu id='0' enabled='yes' hotpluggable='no' order='1'/></vcpus>
  <sysinfo type='smbios'><system><entry name='serial'>abc</entry></system></sysinfo>
  <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type><smbios mode='sysinfo'/><boot dev='hd'/></os>
  <features><acpi/><apic eoi='on'/><hyperv mode='custom'><relaxed state='on'/><spinlocks state='on' retries='8191'/>\
</hyperv><kvm><hidden state='on'/></kvm><smm state='on'><tseg unit='MiB'>48</tseg></smm></features>
  <cpu mode='custom' match='exact' check='partial'><model fallback='forbid'>Skylake-Client</model>
    <topology sockets='1' dies='1' cores='2' threads='2'/><feature policy='require' name='vmx'/>
    <numa><cell id='0' cpus='0-3' memory='1048576' unit='KiB'/></numa></cpu>
  <clock offset='utc'><timer name='rtc' tickpolicy='catchup'/><timer name='hpet' present='no'/>\
<timer name='tsc' frequency='3000000000'/></clock>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='none'/><source file='/a'/>\
<target dev='vda' bus='virtio'/><serial>S1</serial>\
<address type='pci' domain='0x0000' bus='0x04' slot='0x00' function='0x0'/></disk>
    <disk type='file' device='cdrom'><target dev='sda' bus='sata'/><readonly/>\
<address type='drive' controller='0' bus='0' target='0' unit='0'/></disk>
    <controller type='pci' index='0' model='pcie-root'/>
    <controller type='virtio-serial' index='0' ports='16' vectors='4'/>
    <filesystem type='mount'><source dir='/b'/><target dir='tag'/></filesystem>
    <interface type='network'><mac address='52:54:00:00:00:01'/><source network='lab'/><model type='virtio'/>\
<mtu size='9000'/><driver name='vhost' queues='4'/></interface>
    <serial type='pty'><source path='/dev/pts/1'/><target type='isa-serial' port='0'>\
<model name='isa-serial'/></target></serial>
    <console type='pty'><target type='serial' port='0'/></console>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <input type='tablet' bus='usb'/>
    <graphics type='vnc' port='5900' listen='127.0.0.1'/>
    <sound model='ich9'/>
    <video><model type='qxl' ram='65536' vram='65536' heads='1'/></video>
    <hostdev mode='subsystem' type='pci'/>
    <redirdev bus='usb' type='spicevmc'/>
    <redirfilter><usbdev class='0x08' vendor='0x1234' product='0xbeef' version='2.56' allow='yes'/></redirfilter>
    <smartcard mode='host'/>
    <hub type='usb'/>
    <watchdog model='i6300esb' action='reset'/>
    <memballoon model='virtio' autodeflate='on'/>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
    <panic model='isa'/>
    <shmem name='s' role='master'><model type='ivshmem-plain'/><size unit='M'>4</size></shmem>
    <tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>
    <memory model='dimm'><target><size unit='KiB'>524288</size><node>0</node></target>\
<address type='dimm' slot='0' base='0x100000000'/></memory>
    <iommu model='intel'><driver intremap='on'/></iommu>
    <vsock model='virtio'><cid auto='no' address='3'/></vsock>
  </devices>
</domain>
"""

REFUSED = [
    ("type='kvm'", "type='qemu'", "@type"),
    (">web<", ">www<", "name"),
    ("c7a5fdbd", "c7a5fdbe", "uuid"),
    ("43dc0cf8", "43dc0cf9", "genid"),
    (">8388608<", ">8388609<", "maxMemory"),
    ("slots='4'", "slots='5'", "maxMemory@slots"),
    ("<memory unit='KiB'>1048576", "<memory unit='KiB'>1048577", "memory"),
    (">4</vcpu>", ">5</vcpu>", "vcpu"),
    ("current='2'", "current='3'", "vcpu@current"),
    ("order='1'", "order='2'", "vcpus/vcpu[0]@order"),
    (">abc<", ">abd<", "sysinfo/system"),
    (">hvm<", ">xen<", "os/type"),
    ("arch='x86_64'", "arch='i686'", "os/type@arch"),
    ("pc-q35-7.2", "pc-q35-8.2", "os/type@machine"),
    ("<smbios mode='sysinfo'/>", "", "os/smbios@mode"),
    ("<acpi/>", "", "features/acpi"),
    ("<acpi/>", "<acpi/><pae/>", "features/pae"),
    ("eoi='on'", "eoi='off'", "features/apic@eoi"),
    ("<relaxed state='on'/>", "", "features/hyperv/relaxed@state"),
    ("8191", "4095", "features/hyperv/spinlocks@retries"),
    ("<hidden state='on'/>", "", "features/kvm/hidden@state"),
    (">48<", ">24<", "features/smm/tseg"),
    ("Skylake-Client", "Broadwell", "cpu/model"),
    ("cores='2'", "cores='1'", "cpu/topology@cores"),
    ("<feature policy='require' name='vmx'/>", "", "cpu"),
    ("policy='require'", "policy='disable'", "cpu"),
    ("cpus='0-3'", "cpus='0-1'", "cpu/numa/cell[0]@cpus"),
    ("<timer name='hpet' present='no'/>", "", "clock/timer[hpet]"),
    ("present='no'", "present='yes'", "clock/timer[hpet]@present"),
    ("3000000000", "2000000000", "clock/timer[tsc]@frequency"),
    ("device='cdrom'", "device='disk'", "devices/disk[sda]@device"),
    ("dev='vda' bus='virtio'", "dev='vda' bus='scsi'", "devices/disk[vda]/target@bus"),
    ("<serial>S1</serial>", "", "devices/disk[vda]/serial"),
    ("<serial>S1</serial>", "<serial>S1</serial><wwn>5000c50015ea71aa</wwn>", "devices/disk[vda]/wwn"),
    ("<readonly/>", "", "devices/disk[sda]/readonly"),
    ("cache='none'", "cache='none' queues='4'", "devices/disk[vda]/driver@queues"),
    ("bus='0x04'", "bus='0x05'", "devices/disk[vda]/address"),
    ("unit='0'/", "unit='1'/", "devices/disk[sda]/address"),
    ("pcie-root", "pci-root", "devices/controller[0]@model"),
    ("ports='16'", "ports='31'", "devices/controller[1]@ports"),
    ("vectors='4'", "vectors='8'", "devices/controller[1]@vectors"),
    ("dir='tag'", "dir='tug'", "devices/filesystem/target@dir"),
    ("00:00:01'", "00:00:02'", "devices/interface/mac@address"),
    ("<model type='virtio'/>", "<model type='e1000'/>", "devices/interface/model@type"),
    ("9000", "1500", "devices/interface/mtu@size"),
    ("<mtu size='9000'/>", "", "devices/interface/mtu@size"),
    ("port='0'><model", "port='1'><model", "devices/serial/target@port"),
    ("guest_agent.0", "guest_agent.1", "devices/channel/target@name"),
    ("type='tablet'", "type='mouse'", "devices/input@type"),
    ("ich9", "ac97", "devices/sound@model"),
    ("vram='65536'", "vram='32768'", "devices/video/model@vram"),
    ("mode='subsystem'", "mode='capabilities'", "devices/hostdev@mode"),
    ("spicevmc'/>", "tcp'/>", "devices/redirdev@type"),
    ("0xbeef", "0xbeee", "devices/redirfilter/usbdev@product"),
    ("<smartcard mode='host'/>", "", "devices/smartcard"),
    ("<hub type='usb'/>", "", "devices/hub"),
    ("i6300esb", "ib700", "devices/watchdog@model"),
    ("autodeflate='on'", "autodeflate='off'", "devices/memballoon@autodeflate"),
    ("<rng model='virtio'>", "<rng model='virtio-transitional'>", "devices/rng@model"),
    ("<panic model='isa'/>", "<panic model='hyperv'/>", "devices/panic@model"),
    ("ivshmem-plain", "ivshmem-doorbell", "devices/shmem/model@type"),
    ("tpm-crb", "tpm-tis", "devices/tpm@model"),
    ("version='2.0'", "version='1.2'", "devices/tpm/backend@version"),
    (">524288<", ">262144<", "devices/memory/target/size"),
    ("slot='0' base", "slot='1' base", "devices/memory/address"),
    ("intremap='on'", "intremap='off'", "devices/iommu/driver@intremap"),
    ("<vsock model='virtio'>", "<vsock model='virtio-transitional'>", "devices/vsock@model"),
]


@pytest.mark.parametrize(("old", "new", "place"), REFUSED)
def test_what_a_guest_sees(old: str, new: str, place: str) -> None:
    assert old in XML
    found = differences(XML, XML.replace(old, new, 1))
    assert place in [each.place for each in found]
    assert not any(each.breaks for each in found)


ALLOWED = [
    ("file='/a'", "file='/b'"),
    ("network='lab'", "network='prod'"),
    ("/usr/bin/qemu-system-x86_64", "/usr/bin/kvm"),
    ("/dev/pts/1", "/dev/pts/2"),
    ("127.0.0.1", "0.0.0.0"),
    ("cache='none'", "cache='directsync'"),
    ("offset='utc'", "offset='localtime'"),
    ("<boot dev='hd'/>", "<boot dev='network'/>"),
    ("<currentMemory unit='KiB'>1048576", "<currentMemory unit='KiB'>524288"),
    ("/dev/urandom", "/dev/random"),
    ("tickpolicy='catchup'", "tickpolicy='delay'"),
    ("action='reset'", "action='none'"),
    ("fallback='forbid'", "fallback='allow'"),
    ("address='3'", "address='4'"),
    ("dir='/b'", "dir='/c'"),
    # The same in other words:
    ("<memory unit='KiB'>1048576", "<memory unit='GiB'>1"),
    ("c7a5fdbd", "C7A5FDBD"),
    ("bus='0x04'", "bus='4'"),
    # What libvirt puts in where it is left out:
    ("<console type='pty'><target type='serial' port='0'/></console>", ""),
    ("<memballoon model='virtio' autodeflate='on'/>", ""),
    (" vram='65536'", ""),
    (" arch='x86_64'", ""),
]


@pytest.mark.parametrize(("old", "new"), ALLOWED)
def test_what_it_does_not(old: str, new: str) -> None:
    assert old in XML
    assert differences(XML, XML.replace(old, new, 1)) == ()


def test_an_address_that_is_left_out_is_libvirts_to_choose() -> None:
    address = "<address type='pci' domain='0x0000' bus='0x04' slot='0x00' function='0x0'/>"
    assert differences(XML, XML.replace(address, "", 1)) == ()


@pytest.mark.parametrize(
    ("old", "new"),
    [("queues='4'", "queues='2'"), ("<mtu size='9000'/>", "<mtu size='9000'/><rom enabled='no'/>")],
)
def test_what_libvirt_lets_pass_and_qemu_does_not(old: str, new: str) -> None:
    (found,) = differences(XML, XML.replace(old, new, 1))
    assert found.breaks


def test_all_of_them_at_once() -> None:
    given = XML
    places = []
    for old, new, place in REFUSED[:6] + REFUSED[-6:]:
        given = given.replace(old, new, 1)
        places.append(place)
    assert {each.place for each in differences(XML, given)} >= set(places)


def test_devices_that_are_more_or_fewer() -> None:
    more = XML.replace("</devices>", "<rng model='virtio'/></devices>")
    (found,) = differences(XML, more)
    assert (found.place, found.says, found.before, found.after) == ("devices/rng", "RNG device count", "1", "2")
    (found,) = differences(more, XML)
    assert (found.before, found.after) == ("2", "1")
    (found,) = differences(XML, XML.replace("<target dev='sda' bus='sata'/><readonly/>", "<target dev='sdb'/>"))[:1]
    assert (found.place, found.before, found.after) == ("devices/disk[sda]", "there", None)


def test_what_libvirt_adds_by_itself_may_be_there_or_not() -> None:
    live = XML.replace("</devices>", "<input type='keyboard' bus='ps2'/></devices>")
    assert differences(XML, live, live) == ()
    assert differences(XML, XML, live) == ()
    assert [each.place for each in differences(XML, live)] == ["devices/input"]


def test_no_definition() -> None:
    with pytest.raises(BadXml, match="the given definition"):
        differences(XML, "<domain>")
