"""A host's capabilities XML: which host it is, and which machines its QEMU can run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from vmferry.facts.compute import HugePages, NumaCell
from vmferry.facts.host import HostCpu, MachineSupport
from vmferry.xml.parse import number, parse, text_of
from vmferry.xml.units import scaled_bytes, size_bytes


@dataclass(frozen=True, slots=True)
class Capabilities:
    host_uuid: str | None
    support: tuple[MachineSupport, ...]
    cpu: HostCpu | None
    arch: str = ""
    """Of the host itself."""
    cells: tuple[NumaCell, ...] | None = None
    """Without what is free: that is asked anew. None: not told."""
    qemu_owner: str | None = None
    """As whom libvirt runs QEMU: `UID:GID`; None: libvirt does not tell."""
    unreadable: str | None = None
    """Why nothing of them can be told."""


def read_capabilities(xml: str, host: str) -> Capabilities:
    root = parse(xml, f"the capabilities of {host}")
    cells = tuple(_cell(each) for each in root.iterfind("host/topology/cells/cell"))
    arch = text_of(root, "host/cpu/arch") or ""
    return Capabilities(
        text_of(root, "host/uuid"), tuple(_support(root)), _cpu(root), arch, cells or None, _qemu_owner(root)
    )


def _qemu_owner(root: etree._Element) -> str | None:
    """By the label that the driver of ordinary permissions gives guests: `+64055:+109`."""
    for model in root.iterfind("host/secmodel"):
        if text_of(model, "model") == "dac":
            found = re.fullmatch(r"\+(\d{1,10}):\+(\d{1,10})", text_of(model, "baselabel") or "", re.ASCII)
            return f"{found[1]}:{found[2]}" if found else None
    return None


def _cpu(root: etree._Element) -> HostCpu | None:
    """None where no model is named: features alone do not tell two CPUs apart."""
    element = root.find("host/cpu")
    if element is None or text_of(element, "model") is None:
        return None
    words = (text_of(element, each) for each in ("arch", "vendor", "model"))
    features = frozenset(feature.get("name", "") for feature in element.iterfind("feature"))
    signature, microcode = element.find("signature"), element.find("microcode")
    tsc = element.find("counter[@name='tsc']")
    return HostCpu(
        name=" ".join(word for word in words if word),
        features=features,
        signature="/".join(signature.get(each, "") for each in ("family", "model", "stepping"))
        if signature is not None
        else None,
        microcode=number(microcode.get("version")) if microcode is not None else None,
        tsc_hz=number(tsc.get("frequency")) if tsc is not None else None,
        tsc_scaling=tsc.get("scaling") == "yes" if tsc is not None and tsc.get("scaling") else None,
    )


def _cell(element: etree._Element) -> NumaCell:
    """The smallest pages of a node are its ordinary ones."""
    pages = [
        (scaled_bytes(each.get("size"), each.get("unit", "KiB")), number((each.text or "").strip()))
        for each in element.iterfind("pages")
    ]
    sizes = sorted((size, total or 0) for size, total in pages if size)
    numbers = (number(cpu.get("id")) for cpu in element.iterfind("cpus/cpu"))
    return NumaCell(
        id=number(element.get("id")) or 0,
        memory_bytes=size_bytes(element.find("memory")) or 0,
        cpus=frozenset(each for each in numbers if each is not None),
        pages=tuple(HugePages(size, total) for size, total in sizes[1:]),
    )


def _support(root: etree._Element) -> Iterator[MachineSupport]:
    for arch in root.iterfind("guest/arch"):
        common = _machines(arch)
        for domain in arch.iterfind("domain"):
            yield MachineSupport(
                virt_type=domain.get("type", ""),
                arch=arch.get("name", ""),
                emulator=text_of(domain, "emulator") or text_of(arch, "emulator") or "",
                machines=_machines(domain) or common,
            )


def _machines(element: etree._Element) -> frozenset[str]:
    """Aliases as `q35` and what they stand for, `pc-q35-10.0`: a guest may say either."""
    machines = element.findall("machine")
    named = {(machine.text or "").strip() for machine in machines}
    return frozenset((named | {machine.get("canonical", "") for machine in machines}) - {""})
