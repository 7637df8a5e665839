"""What libvirt answers of guests."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

import libvirt

from vmferry.facts.guest import CpuMatch, GuestFacts
from vmferry.hosts import jobs
from vmferry.model.guest import Guest, GuestState
from vmferry.xml.domain import Seen, read_guest, read_guest_facts

_STATES = {
    libvirt.VIR_DOMAIN_RUNNING: GuestState.RUNNING,
    libvirt.VIR_DOMAIN_BLOCKED: GuestState.BLOCKED,
    libvirt.VIR_DOMAIN_PAUSED: GuestState.PAUSED,
    libvirt.VIR_DOMAIN_SHUTDOWN: GuestState.SHUTTING_DOWN,
    libvirt.VIR_DOMAIN_SHUTOFF: GuestState.SHUT_OFF,
    libvirt.VIR_DOMAIN_CRASHED: GuestState.CRASHED,
    libvirt.VIR_DOMAIN_PMSUSPENDED: GuestState.SUSPENDED,
}
_MATCHES = {
    libvirt.VIR_CPU_COMPARE_INCOMPATIBLE: CpuMatch.INCOMPATIBLE,
    libvirt.VIR_CPU_COMPARE_IDENTICAL: CpuMatch.IDENTICAL,
    libvirt.VIR_CPU_COMPARE_SUPERSET: CpuMatch.SUPERSET,
}
_DISK_ERRORS = {
    libvirt.VIR_DOMAIN_DISK_ERROR_UNSPEC: "QEMU stopped at an I/O error",
    libvirt.VIR_DOMAIN_DISK_ERROR_NO_SPACE: "QEMU stopped because its storage is full",
}
_NOWAIT = libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT
"""A guest whose monitor is busy is described by what libvirt knows without asking it."""


def all_guests(connection: libvirt.virConnect, host: str) -> tuple[Guest, ...]:
    """One definition is a round trip for each guest; the rest comes for all of them at once."""
    domains = connection.listAllDomains()
    persistent = connection.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_PERSISTENT)
    lasting = {domain.UUIDString() for domain in persistent}
    return tuple(guest for domain in domains for guest in _guest(domain, host, domain.UUIDString() in lasting))


def _guest(domain: libvirt.virDomain, host: str, persistent: bool) -> Iterator[Guest]:
    """Nothing where it has gone since it was listed."""
    try:
        state = _STATES.get(domain.state()[0], GuestState.UNKNOWN)
        yield read_guest(domain.XMLDesc(), Seen(host, state, persistent))
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
            raise


def guest_facts(connection: libvirt.virConnect, domain: libvirt.virDomain, host: str) -> GuestFacts:
    state = _STATES.get(domain.state()[0], GuestState.UNKNOWN)
    xml = domain.XMLDesc()
    used_bytes = _memory_used_bytes(connection, domain)
    return read_guest_facts(xml, Seen(host, state, bool(domain.isPersistent()), used_bytes, jobs.kind(domain)))


def _memory_used_bytes(connection: libvirt.virConnect, domain: libvirt.virDomain) -> int | None:
    """What the first round copies, as nearly as it can be known."""
    with contextlib.suppress(libvirt.libvirtError):  # a driver without these figures
        for _, figures in connection.domainListGetStats([domain], libvirt.VIR_DOMAIN_STATS_BALLOON, _NOWAIT):
            return memory_used_bytes(figures)
    return None


def memory_used_bytes(figures: Mapping[str, int]) -> int | None:
    """The smaller of QEMU's resident memory and what the guest itself has in use, of which its balloon tells.

    The first counts QEMU's own memory too, the second not the pages that are free again but not zero. Libvirt's figures
    are in KiB; the guest's are there only where `<memballoon>` has `<stats period=.../>`.
    """
    known = [figures["balloon.rss"]] if figures.get("balloon.rss") else []
    if figures.get("balloon.last-update") and "balloon.unused" in figures and "balloon.current" in figures:
        known.append(max(0, figures["balloon.current"] - figures["balloon.unused"]))
    return min(known) << 10 if known else None


def state(domain: libvirt.virDomain) -> GuestState | None:
    """None where the host has it no more."""
    try:
        return _STATES.get(domain.state()[0], GuestState.UNKNOWN)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return None
        raise


def disk_problems(domain: libvirt.virDomain) -> tuple[tuple[str, str], ...]:
    errors = domain.diskErrors()
    return tuple((target, _DISK_ERRORS[code]) for target, code in sorted(errors.items()) if code in _DISK_ERRORS)


def compare_cpu(connection: libvirt.virConnect, guest: GuestFacts) -> tuple[CpuMatch, str]:
    """The host's own emulator and default machine are taken: whether it has the guest's is another question."""
    if guest.cpu_xml is None:
        return CpuMatch.UNKNOWN, "the guest's definition names no CPU"
    flags = libvirt.VIR_CONNECT_COMPARE_CPU_FAIL_INCOMPATIBLE
    try:
        answer = connection.compareHypervisorCPU(None, guest.arch, None, guest.virt_type, guest.cpu_xml, flags)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_CPU_INCOMPATIBLE:
            return CpuMatch.INCOMPATIBLE, str(error)
        if error.get_error_code() in (libvirt.VIR_ERR_NO_SUPPORT, libvirt.VIR_ERR_CONFIG_UNSUPPORTED):
            return CpuMatch.UNKNOWN, str(error)
        raise
    return _MATCHES.get(answer, CpuMatch.UNKNOWN), ""
