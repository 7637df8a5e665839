"""A host's domain capabilities: which CPU and which TPM it can give a guest."""

from __future__ import annotations

from lxml import etree

from vmferry.facts.compute import DomainSupport
from vmferry.xml.parse import parse, text_of


def read_domain_capabilities(xml: str, host: str) -> DomainSupport:
    """Without `features`, which only the host's libvirt can expand."""
    root = parse(xml, f"the domain capabilities of {host}")
    usable = root.iterfind("cpu/mode[@name='custom']/model[@usable='yes']")
    tpm = root.find("devices/tpm")
    return DomainSupport(
        virt_type=text_of(root, "domain") or "",
        arch=text_of(root, "arch") or "",
        cpu_xml=_cpu(root.find("cpu/mode[@name='host-model']")),
        models=frozenset((model.text or "").strip() for model in usable),
        tpm_backends=_backends(tpm) if tpm is not None else None,
    )


def _cpu(mode: etree._Element | None) -> str | None:
    """As a `<cpu>` of its own; None where libvirt has none to give."""
    if mode is None or text_of(mode, "model") is None:
        return None
    cpu = etree.Element("cpu", mode="custom", match="exact")
    cpu.extend(child for child in mode if child.tag in ("model", "vendor", "feature"))
    return etree.tostring(cpu, encoding="unicode")


def _backends(tpm: etree._Element) -> frozenset[str]:
    if tpm.get("supported") != "yes":
        return frozenset()
    return frozenset((value.text or "").strip() for value in tpm.iterfind("enum[@name='backendModel']/value"))


def features_of(cpu_xml: str) -> frozenset[str]:
    """What an expanded `<cpu>` has."""
    cpu = parse(cpu_xml, "an expanded CPU")
    given = (feature for feature in cpu.iterfind("feature") if feature.get("policy", "require") in ("require", "force"))
    return frozenset(feature.get("name", "") for feature in given)
