"""A host's capabilities XML: which host it is, and which machines its QEMU can run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from vmferry.facts.host import HostCpu, MachineSupport
from vmferry.xml.parse import parse, text_of


@dataclass(frozen=True, slots=True)
class Capabilities:
    host_uuid: str | None
    support: tuple[MachineSupport, ...]
    cpu: HostCpu | None


def read_capabilities(xml: str, host: str) -> Capabilities:
    root = parse(xml, f"the capabilities of {host}")
    return Capabilities(text_of(root, "host/uuid"), tuple(_support(root)), _cpu(root))


def _cpu(root: etree._Element) -> HostCpu | None:
    """None where no model is named: features alone do not tell two CPUs apart."""
    element = root.find("host/cpu")
    if element is None or text_of(element, "model") is None:
        return None
    words = (text_of(element, each) for each in ("arch", "vendor", "model"))
    features = frozenset(feature.get("name", "") for feature in element.iterfind("feature"))
    return HostCpu(" ".join(word for word in words if word), features)


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
