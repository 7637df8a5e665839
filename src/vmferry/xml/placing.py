"""A definition for another host: its copied disks as they are there."""

from __future__ import annotations

from collections.abc import Sequence

from lxml import etree

from vmferry.model.storage import DiskCopy
from vmferry.xml.disks import disks
from vmferry.xml.parse import parse


def placed(xml: str, copies: Sequence[DiskCopy], *, running: bool) -> str:
    """With each copied disk on its image of the target; raises BadXml.

    `running`: of the definition that runs there. In it a raw image's disk passes discards on, as it must for its holes
    to stay holes; where the user has said what becomes of discards, that stays.
    """
    by_disk = {copy.disk: copy for copy in copies}
    domain = parse(xml, "the guest's definition")
    for disk in domain.iterfind("devices/disk"):
        target = disk.find("target")
        copy = by_disk.get(target.get("dev", "")) if target is not None else None
        if copy is not None and copy.pool is not None:
            _place(disk, copy, running)
    return etree.tostring(domain, encoding="unicode")


def with_their_sources(copies: Sequence[DiskCopy], xml: str) -> tuple[DiskCopy, ...]:
    """Those whose disk has, in this definition of the guest's host, the image that is copied; raises BadXml.

    The definition that is kept may say another one, for the guest's next start.
    """
    sources = {disk.target: disk.source for disk in disks(parse(xml, "the guest's definition"))}
    return tuple(copy for copy in copies if sources.get(copy.disk) == copy.source_path)


def _place(disk: etree._Element, copy: DiskCopy, running: bool) -> None:
    disk.set("type", "file")
    driver, source = disk.find("driver"), disk.find("source")
    if driver is None:
        driver = etree.Element("driver", name="qemu")
        disk.insert(0, driver)
    driver.set("type", copy.format)
    if running and copy.thin and "discard" not in driver.attrib:
        driver.set("discard", "unmap")
    for name in ("auth", "backingStore", "mirror"):
        for each in disk.findall(name):
            disk.remove(each)
    new = etree.Element("source", file=copy.path)
    if source is None:
        disk.insert(disk.index(driver) + 1, new)
        return
    # What belongs to the image and not to where it is stays: who may use it, and what of it is seen.
    new.extend([each for each in source if each.tag in ("seclabel", "encryption", "slices")])
    new.tail = source.tail
    if "startupPolicy" in source.attrib:
        new.set("startupPolicy", source.get("startupPolicy", ""))
    disk.replace(source, new)
