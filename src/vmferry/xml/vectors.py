"""Every place of a definition that sets or implies how many MSI-X vectors a virtio device has.

QEMU makes them from the queues: a network card 2 for each pair and 2 more, a disk 1 for each and 1 more, a SCSI
controller 1 for each and 3 more.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from lxml import etree

from vmferry.xml.parse import number

_QEMU = "{http://libvirt.org/schemas/domain/qemu/1.0}"
_GIVEN = re.compile(r"(?:^|[,.])vectors=(\d+)")


def max_vectors(domain: etree._Element) -> tuple[tuple[str, int], ...]:
    """(place, number) of each, in the order of the definition."""
    return (*_controllers(domain), *_queued(domain), *_command_line(domain), *_override(domain))


def _controllers(domain: etree._Element) -> Iterator[tuple[str, int]]:
    for element in domain.iterfind("devices/controller"):
        place = f"{element.get('type', '')} controller {element.get('index', '0')}"
        given = number(element.get("vectors"))
        if given is not None:
            yield place, given
        queues = _queues(element)
        if queues and element.get("type") == "scsi":
            yield place, queues + 3


def _queued(domain: etree._Element) -> Iterator[tuple[str, int]]:
    kinds: tuple[tuple[str, Callable[[etree._Element], str | None], Callable[[int], int]], ...] = (
        ("disk", _virtio_disk, lambda queues: queues + 1),
        ("interface", _virtio_nic, lambda pairs: 2 * pairs + 2),
    )
    for tag, place_of, vectors in kinds:
        for element in domain.iterfind(f"devices/{tag}"):
            queues, place = _queues(element), place_of(element)
            if queues and place:
                yield place, vectors(queues)


def _queues(element: etree._Element) -> int | None:
    driver = element.find("driver")
    return number(driver.get("queues")) if driver is not None else None


def _virtio_disk(disk: etree._Element) -> str | None:
    target = disk.find("target")
    return f"disk {target.get('dev', '')}" if target is not None and target.get("bus") == "virtio" else None


def _virtio_nic(nic: etree._Element) -> str | None:
    model, mac = nic.find("model"), nic.find("mac")
    if model is None or not model.get("type", "").startswith("virtio"):
        return None
    return f"interface {mac.get('address', '') if mac is not None else ''}".rstrip()


def _command_line(domain: etree._Element) -> Iterator[tuple[str, int]]:
    for argument in domain.iterfind(f"{_QEMU}commandline/{_QEMU}arg"):
        value = argument.get("value", "")
        for given in (*_GIVEN.findall(value), *_in_json(value)):
            yield "qemu:commandline", int(given)


def _in_json(value: str) -> Iterator[int]:
    """QEMU takes `-device` as JSON too."""
    if not value.lstrip().startswith("{"):
        return
    try:
        device: Any = json.loads(value)
    except (ValueError, RecursionError):
        return
    vectors = device.get("vectors")
    if isinstance(vectors, int):
        yield vectors


def _override(domain: etree._Element) -> Iterator[tuple[str, int]]:
    for device in domain.iterfind(f"{_QEMU}override/{_QEMU}device"):
        for item in device.iterfind(f"{_QEMU}frontend/{_QEMU}property[@name='vectors']"):
            given = number(item.get("value"))
            if given is not None:
                yield f"qemu:override {device.get('alias', '')}", given
