"""One disk of a running guest, copied onto another image of the same host and gone over to: libvirt's block copy."""

from __future__ import annotations

import libvirt
from lxml import etree

from vmferry.model.storage import BlockCopy, DiskCopy, DiskState
from vmferry.xml.disks import disks
from vmferry.xml.parse import parse
from vmferry.xml.placing import placed, with_their_sources

_NEXT_START = libvirt.VIR_DOMAIN_XML_INACTIVE


def state(domain: libvirt.virDomain, disk: str) -> DiskState:
    live = parse(domain.XMLDesc(), "the guest's definition")
    kept = (
        _source(parse(domain.XMLDesc(_NEXT_START), "the guest's definition"), disk) if domain.isPersistent() else None
    )
    return DiskState(_source(live, disk), kept, _copy(domain, live, disk) if domain.isActive() else None)


def _source(definition: etree._Element, disk: str) -> str | None:
    return next((each.source for each in disks(definition) if each.target == disk), None)


def _copy(domain: libvirt.virDomain, live: etree._Element, disk: str) -> BlockCopy | None:
    """`ready` is the definition's word: libvirt says it once QEMU has."""
    mirror = live.find(f"devices/disk/target[@dev='{disk}']/../mirror")
    if mirror is None or mirror.get("job") != "copy":
        return None
    told = domain.blockJobInfo(disk) or {"cur": 0, "end": 0}
    return BlockCopy(told["cur"], told["end"], mirror.get("ready") == "yes")


def begin(domain: libvirt.virDomain, copy: DiskCopy, limit_bytes_s: int | None, *, synchronous: bool) -> None:
    """Onto the volume that was made for it. Where it rests on an image, only what is above that."""
    flags = libvirt.VIR_DOMAIN_BLOCK_COPY_REUSE_EXT | libvirt.VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB
    if copy.base is not None:
        flags |= libvirt.VIR_DOMAIN_BLOCK_COPY_SHALLOW
    if synchronous:
        flags |= libvirt.VIR_DOMAIN_BLOCK_COPY_SYNCHRONOUS_WRITES
    limit = {libvirt.VIR_DOMAIN_BLOCK_COPY_BANDWIDTH: limit_bytes_s} if limit_bytes_s else {}
    domain.blockCopy(copy.disk, _destination(copy), limit, flags)


def _destination(copy: DiskCopy) -> str:
    new = etree.Element("disk", type="file", device="disk")
    etree.SubElement(new, "driver", name="qemu", type=copy.format)
    etree.SubElement(new, "source", file=copy.path)
    return etree.tostring(new, encoding="unicode")


def pivot(domain: libvirt.virDomain, disk: str) -> None:
    domain.blockJobAbort(disk, libvirt.VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT)


def abort(domain: libvirt.virDomain, disk: str) -> None:
    """One that has ended by itself is ended."""
    if domain.blockJobInfo(disk):
        domain.blockJobAbort(disk)


def keep(connection: libvirt.virConnect, domain: libvirt.virDomain, copy: DiskCopy) -> None:
    """Libvirt does so itself when the guest goes over, but for the definition that was changed meanwhile."""
    xml = domain.XMLDesc(_NEXT_START | libvirt.VIR_DOMAIN_XML_SECURE)
    if with_their_sources([copy], xml):
        connection.defineXML(placed(xml, [copy], running=False))
