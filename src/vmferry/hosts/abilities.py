"""What libvirt answers of what a host can give its guests."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

import libvirt

from vmferry.facts.compute import DomainSupport, HugePages, NumaCell, Secret
from vmferry.xml.capabilities import Capabilities
from vmferry.xml.domain_capabilities import features_of, read_domain_capabilities
from vmferry.xml.parse import BadXml

_EXPAND = libvirt.VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES
_SECRET_KINDS = {
    libvirt.VIR_SECRET_USAGE_TYPE_NONE: "none",
    libvirt.VIR_SECRET_USAGE_TYPE_VOLUME: "volume",
    libvirt.VIR_SECRET_USAGE_TYPE_CEPH: "ceph",
    libvirt.VIR_SECRET_USAGE_TYPE_ISCSI: "iscsi",
    libvirt.VIR_SECRET_USAGE_TYPE_TLS: "tls",
    libvirt.VIR_SECRET_USAGE_TYPE_VTPM: "vtpm",
}
_CLAIMING = libvirt.VIR_DOMAIN_STATS_STATE | libvirt.VIR_DOMAIN_STATS_BALLOON
_NOWAIT = libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT
"""A guest whose monitor is busy is described by what libvirt knows without asking it."""


def domain_support(connection: libvirt.virConnect, capabilities: Capabilities, host: str) -> tuple[DomainSupport, ...]:
    """Of the host's own architecture: guests of others are emulated and take any CPU."""
    kinds = {each.virt_type for each in capabilities.support if each.arch == capabilities.arch}
    return tuple(
        found
        for kind in sorted(kinds & {"kvm", "qemu"})
        for found in _support(connection, capabilities.arch, kind, host)
    )


def _support(connection: libvirt.virConnect, arch: str, kind: str, host: str) -> Iterator[DomainSupport]:
    try:
        support = read_domain_capabilities(connection.getDomainCapabilities(None, arch, None, kind), host)
    except (libvirt.libvirtError, BadXml):
        return
    features = expanded(connection, arch, kind, support.cpu_xml)
    yield replace(support, features=features)


def expanded(connection: libvirt.virConnect, arch: str, kind: str, cpu_xml: str | None) -> frozenset[str] | None:
    """All features of a CPU, those of its model too; None where this libvirt cannot say."""
    if cpu_xml is None:
        return None
    with contextlib.suppress(libvirt.libvirtError, BadXml):
        return features_of(connection.baselineHypervisorCPU(None, arch, None, kind, [cpu_xml], _EXPAND))
    return None


def baseline(connection: libvirt.virConnect, arch: str, kind: str, cpus: Sequence[str]) -> str | None:
    """The CPU that all of these can give a guest; None where this libvirt knows none."""
    with contextlib.suppress(libvirt.libvirtError):
        return str(connection.baselineHypervisorCPU(None, arch, None, kind, list(cpus), 0))
    return None


def cells(connection: libvirt.virConnect, known: tuple[NumaCell, ...] | None) -> tuple[NumaCell, ...] | None:
    """With what is free at this moment, where libvirt tells."""
    if known is None:
        return None
    free_bytes = _cell_memory(connection, known)
    free_pages = _free_pages(connection, known)
    return tuple(
        replace(
            cell,
            free_bytes=free_bytes.get(cell.id),
            pages=tuple(_with_free(page, free_pages.get(cell.id, {})) for page in cell.pages),
        )
        for cell in known
    )


def _with_free(page: HugePages, free: dict[int, int]) -> HugePages:
    return replace(page, free=free.get(page.size_bytes >> 10))


def _cell_memory(connection: libvirt.virConnect, known: tuple[NumaCell, ...]) -> dict[int, int]:
    """What nothing uses, caches included. One node is the whole host, and asked for elsewhere."""
    found: dict[int, int] = {}
    for cell in known if len(known) > 1 else ():
        with contextlib.suppress(libvirt.libvirtError):
            kib = connection.getMemoryStats(cell.id)
            found[cell.id] = sum(kib.get(each, 0) for each in ("free", "buffers", "cached")) << 10
    return found


def _free_pages(connection: libvirt.virConnect, known: tuple[NumaCell, ...]) -> dict[int, dict[int, int]]:
    """Node to size in KiB to number. Asked only where there are huge pages at all."""
    sizes = sorted({page.size_bytes >> 10 for cell in known for page in cell.pages if page.total})
    found: dict[int, dict[int, int]] = {}
    with contextlib.suppress(libvirt.libvirtError):
        if sizes:
            first, last = min(cell.id for cell in known), max(cell.id for cell in known)
            found = connection.getFreePages(sizes, first, last - first + 1, 0)
    return found


def secrets(connection: libvirt.virConnect) -> tuple[Secret, ...] | None:
    """Without their values, which are never asked for. None where its libvirt has no driver for them."""
    try:
        listed = connection.listAllSecrets()
        return tuple(
            Secret(each.UUIDString(), _SECRET_KINDS.get(each.usageType(), "other"), each.usageID() or "")
            for each in listed
        )
    except libvirt.libvirtError:
        return None


Figures = dict[str, dict[str, int]]


def memory_figures(connection: libvirt.virConnect) -> Figures:
    """Libvirt's figures of every guest's memory by UUID, in one question; empty from a driver without them."""
    try:
        told = connection.getAllDomainStats(_CLAIMING, _NOWAIT)
    except libvirt.libvirtError:
        return {}
    return {domain.UUIDString(): figures for domain, figures in told}


def cpu_seconds(connection: libvirt.virConnect) -> dict[str, float]:
    """Of active guests; libvirt counts in nanoseconds. Empty from a driver without figures."""
    try:
        told = connection.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_CPU_TOTAL, _NOWAIT)
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_SUPPORT:
            raise
        return {}
    return {domain.UUIDString(): each["cpu.time"] / 1e9 for domain, each in told if "cpu.time" in each}


def memory_bytes(figures: dict[str, int]) -> int | None:
    """What its definition gives the guest. Libvirt's figures are in KiB."""
    return figures["balloon.maximum"] << 10 if "balloon.maximum" in figures else None


def claim_bytes(figures: dict[str, int]) -> int:
    """What an arriving guest will still fill of the host: it is paused by its migration, and fills as it comes."""
    arriving = (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_MIGRATION)
    if (figures.get("state.state"), figures.get("state.reason")) != arriving:
        return 0
    return max(0, figures.get("balloon.maximum", 0) - figures.get("balloon.rss", 0)) << 10
