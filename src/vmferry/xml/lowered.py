"""A definition with the vectors of its virtio devices lowered, edited in place: nothing else of it is changed.

Only where the number itself is written: vectors that follow from a number of queues cost throughput when they are
lowered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from vmferry.xml.parse import number, parse

_QEMU = "{http://libvirt.org/schemas/domain/qemu/1.0}"
_WRITTEN = re.compile(r'((?:^|[,.])vectors=|"vectors"\s*:\s*)(\d{1,9})(?!\d)')
"""As `-device` has it, in words and in JSON."""

Lowered = tuple[str, int]
"""Place and the number that was there."""


def lowered_vectors(xml: str, most: int) -> tuple[str, tuple[Lowered, ...]]:
    """The definition with none of them above `most`, and what was lowered. Raises BadXml."""
    domain = parse(xml, "the definition")
    lowered = (*_attributes(domain, most), *_arguments(domain, most))
    return (etree.tostring(domain, encoding="unicode") if lowered else xml), lowered


def _attributes(domain: etree._Element, most: int) -> Iterator[Lowered]:
    written = [(each, "vectors", _place(each)) for each in domain.iterfind("devices/controller")]
    overrides = f"{_QEMU}override/{_QEMU}device/{_QEMU}frontend/{_QEMU}property[@name='vectors']"
    written += [(each, "value", "qemu:override") for each in domain.iterfind(overrides)]
    for element, attribute, place in written:
        given = number(element.get(attribute))
        if given is not None and given > most:
            element.set(attribute, str(most))
            yield place, given


def _place(controller: etree._Element) -> str:
    return f"{controller.get('type', '')} controller {controller.get('index', '0')}"


def _arguments(domain: etree._Element, most: int) -> Iterator[Lowered]:
    for argument in domain.iterfind(f"{_QEMU}commandline/{_QEMU}arg"):
        value = argument.get("value", "")
        above = [int(given) for _, given in _WRITTEN.findall(value) if int(given) > most]
        if above:
            argument.set("value", _WRITTEN.sub(lambda found: f"{found[1]}{min(most, int(found[2]))}", value))
            yield from (("qemu:commandline", given) for given in above)
