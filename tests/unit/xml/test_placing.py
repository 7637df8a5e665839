"""A definition with its copied disks as they are on the target, and the volumes that are made for them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from lxml import etree

from vmferry.model.guest import Disk, ImageEncryption
from vmferry.model.storage import Base, DiskCopy
from vmferry.xml.disks import disks
from vmferry.xml.parse import BadXml
from vmferry.xml.placing import placed, with_their_sources
from vmferry.xml.volumes import Volume, read_volume, volume_xml

MIB = 1 << 20
COPY = DiskCopy("vda", "/a/web.img", "/fast/web.img", "fast", "qcow2", "raw", 64 * MIB, 16 * MIB)
OTHER = "<disk type='file'><source file='/b'/><target dev='vdb'/></disk>"


def of(*disks: str) -> str:
    return f"<domain><devices>{''.join(disks)}</devices></domain>"


def disk_of(xml: str) -> etree._Element:
    found = etree.fromstring(xml).find("devices/disk")
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("disk", "after"),
    [
        (
            "<disk type='block' device='disk'><driver name='qemu' type='raw' cache='none'/><source dev='/dev/x'/>"
            "<target dev='vda' bus='virtio'/></disk>",
            '<disk type="file" device="disk"><driver name="qemu" type="qcow2" cache="none"/>'
            '<source file="/fast/web.img"/><target dev="vda" bus="virtio"/></disk>',
        ),
        (
            "<disk type='network'><driver name='qemu'/><auth username='u'/><source protocol='rbd' name='p/i'>"
            "<host name='h'/><auth username='u'/></source><backingStore type='file'><source file='/base'/>"
            "</backingStore><target dev='vda'/></disk>",
            '<disk type="file"><driver name="qemu" type="qcow2"/><source file="/fast/web.img"/>'
            '<target dev="vda"/></disk>',
        ),
        (
            "<disk type='file'><source file='/a/web.img' startupPolicy='optional' index='3'>"
            "<seclabel model='dac' relabel='no'/></source><target dev='vda'/><mirror/></disk>",
            '<disk type="file"><driver name="qemu" type="qcow2"/>'
            '<source file="/fast/web.img" startupPolicy="optional"><seclabel model="dac" relabel="no"/></source>'
            '<target dev="vda"/></disk>',
        ),
        (
            "<disk type='file'><target dev='vda'/></disk>",
            '<disk type="file"><driver name="qemu" type="qcow2"/><source file="/fast/web.img"/>'
            '<target dev="vda"/></disk>',
        ),
    ],
    ids=["of a device", "of a network", "with what belongs to the image", "of nothing"],
)
def test_a_disk_is_on_its_new_image(disk: str, after: str) -> None:
    xml = placed(of(disk, OTHER), [COPY], running=True)
    assert etree.tostring(disk_of(xml), encoding="unicode") == after
    assert [each.source for each in _sources(xml)] == ["/fast/web.img", "/b"]


def _sources(xml: str) -> tuple[Disk, ...]:
    return disks(etree.fromstring(xml))


@pytest.mark.parametrize(
    ("driver", "thin", "running", "discard"),
    [
        ("<driver type='raw'/>", True, True, "unmap"),
        ("<driver type='raw' discard='ignore'/>", True, True, "ignore"),
        ("<driver type='raw'/>", True, False, None),
        ("<driver type='raw'/>", False, True, None),
    ],
    ids=["holes stay holes", "by the user's word", "in what is kept", "where it needs no help"],
)
def test_discards_are_passed_on_where_holes_need_it(
    driver: str, thin: bool, running: bool, discard: str | None
) -> None:
    disk = f"<disk type='file'>{driver}<source file='/a/web.img'/><target dev='vda'/></disk>"
    found = disk_of(placed(of(disk), [replace(COPY, format="raw", thin=thin)], running=running)).find("driver")
    assert found is not None
    assert found.get("discard") == discard


def test_one_that_is_written_over_stays_where_it_is() -> None:
    disk = "<disk type='file'><source file='/a/web.img'/><target dev='vda'/></disk>"
    assert placed(of(disk), [replace(COPY, pool=None)], running=True) == of(disk).replace("'", '"')


def test_only_disks_that_the_kept_definition_has_too_are_placed_in_it() -> None:
    disk = "<disk type='file'><source file='{}'/><target dev='vda'/></disk>"
    assert with_their_sources([COPY], of(disk.format("/a/web.img"))) == (COPY,)
    assert with_their_sources([COPY], of(disk.format("/a/next.img"))) == ()
    with pytest.raises(BadXml):
        with_their_sources([COPY], "<domain>")


@pytest.mark.parametrize(
    ("copy", "xml"),
    [
        (
            replace(COPY, format="raw"),
            '<volume><name>web.img</name><capacity unit="bytes">67108864</capacity>'
            '<allocation unit="bytes">0</allocation><target><format type="raw"/></target></volume>',
        ),
        (
            replace(COPY, cluster_bytes=131072, base=Base("/base.img", "raw")),
            '<volume><name>web.img</name><capacity unit="bytes">67108864</capacity>'
            '<allocation unit="bytes">0</allocation><target><format type="qcow2"/><compat>1.1</compat>'
            '<clusterSize unit="bytes">131072</clusterSize></target><backingStore><path>/base.img</path>'
            '<format type="raw"/></backingStore></volume>',
        ),
        (
            replace(COPY, format="raw", encryption=ImageEncryption("luks", "u")),
            '<volume><name>web.img</name><capacity unit="bytes">67108864</capacity>'
            '<allocation unit="bytes">0</allocation><target><format type="raw"/><encryption format="luks">'
            '<secret type="passphrase" uuid="u"/></encryption></target></volume>',
        ),
    ],
)
def test_a_volume_is_made_as_the_source_s(copy: DiskCopy, xml: str) -> None:
    assert volume_xml(copy) == xml


def test_what_libvirt_tells_of_one() -> None:
    xml = (
        "<volume><capacity unit='KiB'>4</capacity><allocation unit='bytes'>512</allocation>"
        "<target><path>/x</path><format type='qcow2'/></target></volume>"
    )
    assert read_volume(xml, "h1") == Volume("/x", "qcow2", 4096, 512)
    assert read_volume("<volume/>", "h1") == Volume("", "raw", 0, 0)
