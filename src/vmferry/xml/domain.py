"""A domain's XML read as a guest."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from vmferry.facts.guest import BlockJob, GuestFacts, GuestSnapshot, Reason
from vmferry.model.guest import Guest, GuestState, Probe
from vmferry.model.tuning import Convergence
from vmferry.xml.disks import disks
from vmferry.xml.needs import read_needs
from vmferry.xml.nics import read_nic
from vmferry.xml.parse import BadXml, number, parse, text_of
from vmferry.xml.units import size_bytes
from vmferry.xml.vectors import max_vectors

PROBE = "urn:vmferry:probe:1"
MIGRATION = "urn:vmferry:migration:1"
"""Namespace of the metadata that says how a guest is seen from outside."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a host says of a guest beside its XML."""

    host: str
    state: GuestState
    persistent: bool
    memory_used_bytes: int | None = None
    capacities: tuple[tuple[str, int], ...] = ()
    job: str | None = None
    inactive_xml: str | None = None
    reason: Reason | None = None
    snapshots: tuple[GuestSnapshot, ...] | None = ()
    checkpoints: tuple[str, ...] | None = ()
    block_jobs: tuple[BlockJob, ...] | None = ()
    cpu_features: frozenset[str] | None = None


def read_guest(xml: str, seen: Seen) -> Guest:
    """Raises BadXml where it is no definition of a guest."""
    return _guest(parse(xml, f"a guest's definition on {seen.host}"), seen)


def read_guest_facts(xml: str, seen: Seen) -> GuestFacts:
    """Raises BadXml where it is no definition of a guest."""
    domain = parse(xml, f"a guest's definition on {seen.host}")
    system = domain.find("os/type")
    cpu = domain.find("cpu")
    return GuestFacts(
        guest=_guest(domain, seen),
        live_xml=xml,
        virt_type=domain.get("type", ""),
        arch=system.get("arch", "") if system is not None else "",
        machine=system.get("machine", "") if system is not None else "",
        cpu_xml=etree.tostring(cpu, encoding="unicode", with_tail=False) if cpu is not None else None,
        cpu_mode=cpu.get("mode") if cpu is not None else None,
        max_vectors=max_vectors(domain),
        probe=_probe(domain),
        convergence=_convergence(domain),
        memory_used_bytes=seen.memory_used_bytes,
        capacities=seen.capacities,
        job=seen.job,
        needs=read_needs(domain),
        sounds=tuple(element.get("model", "") for element in domain.iterfind("devices/sound")),
        videos=tuple(element.get("type", "") for element in domain.iterfind("devices/video/model")),
        inactive_xml=seen.inactive_xml,
        reason=seen.reason,
        snapshots=seen.snapshots,
        checkpoints=seen.checkpoints,
        block_jobs=seen.block_jobs,
        cpu_features=seen.cpu_features,
    )


def _guest(domain: etree._Element, seen: Seen) -> Guest:
    name, uuid = text_of(domain, "name"), text_of(domain, "uuid")
    if domain.tag != "domain" or name is None or uuid is None:
        raise BadXml(f"a definition on {seen.host} is no domain with name and uuid; look at it with virsh dumpxml")
    return Guest(
        name=name,
        uuid=uuid,
        host=seen.host,
        state=seen.state,
        memory_bytes=size_bytes(domain.find("memory")) or 0,
        vcpus=vcpus(domain),
        persistent=seen.persistent,
        disks=disks(domain),
        nics=tuple(read_nic(element) for element in domain.iterfind("devices/interface")),
    )


def vcpus(domain: etree._Element) -> int:
    return number(text_of(domain, "vcpu")) or 1


def _probe(domain: etree._Element) -> Probe | None:
    element = domain.find(f"metadata/{{{PROBE}}}probe")
    return Probe(element.get("address"), element.get("url")) if element is not None else None


def _convergence(domain: etree._Element) -> Convergence | None:
    """A word that is none of them is as none: a migration may be more careful than was meant, never less."""
    element = domain.find(f"metadata/{{{MIGRATION}}}migration")
    word = element.get("convergence") if element is not None else None
    if word is None:
        return None
    return Convergence(word) if word in list(Convergence) else Convergence.CAREFUL


def agent_connected(xml: str) -> bool:
    """By libvirt's word, of a running domain. Raises BadXml."""
    channels = parse(xml, "a guest's definition").findall("devices/channel/target[@name='org.qemu.guest_agent.0']")
    return any(each.get("state") == "connected" for each in channels)
