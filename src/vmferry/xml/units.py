"""Libvirt's scaled integers: `<memory unit='MiB'>512</memory>` is 512 MiB, and without a unit it is KiB."""

from __future__ import annotations

from lxml import etree

from vmferry.xml.parse import number

_POWERS = {letter: power for power, letter in enumerate("KMGTPE", start=1)}


def unit_bytes(unit: str) -> int | None:
    """Bytes of one unit by libvirt's rules: `KB` counts in thousands, `K` and `KiB` in 1024; None: no such unit."""
    name = unit.strip().upper()
    if name in ("B", "BYTE", "BYTES"):
        return 1
    power = _POWERS.get(name[:1])
    base = {"": 1024, "IB": 1024, "B": 1000}.get(name[1:])
    return None if power is None or base is None else base**power


def size_bytes(element: etree._Element | None) -> int | None:
    """Bytes of a scaled element as `<memory>`; None where it is missing or makes no sense."""
    return None if element is None else scaled_bytes(element.text, element.get("unit", "KiB"))


def scaled_bytes(text: str | None, unit_name: str) -> int | None:
    """Bytes of a number and its unit."""
    value, unit = number((text or "").strip()), unit_bytes(unit_name)
    return None if value is None or unit is None else value * unit
