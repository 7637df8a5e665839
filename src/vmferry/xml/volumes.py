"""Volumes of a storage pool: the definition by which one is made, and what a host's libvirt tells of one."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from vmferry.model.storage import DiskCopy
from vmferry.xml.parse import parse, text_of
from vmferry.xml.units import size_bytes


@dataclass(frozen=True, slots=True)
class Volume:
    path: str
    format: str
    capacity_bytes: int
    allocation_bytes: int


def volume_xml(copy: DiskCopy) -> str:
    """As sparse as can be: nothing of it is allocated before it is written."""
    volume = etree.Element("volume")
    etree.SubElement(volume, "name").text = copy.volume
    etree.SubElement(volume, "capacity", unit="bytes").text = str(copy.capacity_bytes)
    etree.SubElement(volume, "allocation", unit="bytes").text = "0"
    target = etree.SubElement(volume, "target")
    etree.SubElement(target, "format", type=copy.format)
    if copy.format == "qcow2":
        etree.SubElement(target, "compat").text = "1.1"
        if copy.cluster_bytes is not None:
            etree.SubElement(target, "clusterSize", unit="bytes").text = str(copy.cluster_bytes)
    if copy.encryption is not None:
        encryption = etree.SubElement(target, "encryption", format=copy.encryption.format)
        secret = etree.SubElement(encryption, "secret", type="passphrase")
        for name in ("uuid", "usage"):
            value = copy.encryption.secret if name == "uuid" else copy.encryption.usage
            if value is not None:
                secret.set(name, value)
    if copy.base is not None:
        backing = etree.SubElement(volume, "backingStore")
        etree.SubElement(backing, "path").text = copy.base.path
        etree.SubElement(backing, "format", type=copy.base.format)
    return etree.tostring(volume, encoding="unicode")


def read_volume(xml: str, host: str) -> Volume:
    """Raises BadXml."""
    volume = parse(xml, f"a volume's definition on {host}")
    form = volume.find("target/format")
    return Volume(
        path=text_of(volume, "target/path") or "",
        format=form.get("type", "") if form is not None else "raw",
        capacity_bytes=size_bytes(volume.find("capacity")) or 0,
        allocation_bytes=size_bytes(volume.find("allocation")) or 0,
    )
