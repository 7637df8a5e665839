"""What libvirt answers of guests."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, cast

import libvirt
import libvirt_qemu

from vmferry.facts.guest import BlockJob, CpuMatch, GuestFacts, GuestSnapshot, Reason
from vmferry.facts.look import Look
from vmferry.hosts import abilities, jobs
from vmferry.model.guest import Guest, GuestState
from vmferry.xml.domain import Seen, agent_connected, read_guest, read_guest_facts
from vmferry.xml.parse import BadXml, parse

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
_PAUSED_API_ERROR = 14
"""Since libvirt 9.2, and so not in every release that the adapter is built against."""
_REASONS = {
    (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_MIGRATION): Reason.MIGRATION,
    (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_SAVE): Reason.SAVE,
    (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_DUMP): Reason.DUMP,
    (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_IOERROR): Reason.IO_ERROR,
    (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_WATCHDOG): Reason.WATCHDOG,
    (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_SHUTTING_DOWN): Reason.SHUTTING_DOWN,
    (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_SNAPSHOT): Reason.SNAPSHOT,
    (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_CRASHED): Reason.CRASHED,
    (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_STARTING_UP): Reason.STARTING_UP,
    (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_POSTCOPY): Reason.POST_COPY,
    (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_POSTCOPY_FAILED): Reason.POST_COPY_FAILED,
    (libvirt.VIR_DOMAIN_PAUSED, _PAUSED_API_ERROR): Reason.RESUME_FAILED,
    (libvirt.VIR_DOMAIN_RUNNING, libvirt.VIR_DOMAIN_RUNNING_POSTCOPY): Reason.POST_COPY,
    (libvirt.VIR_DOMAIN_RUNNING, libvirt.VIR_DOMAIN_RUNNING_POSTCOPY_FAILED): Reason.POST_COPY_FAILED,
}
"""Of a state and libvirt's reason for it. What is ordinary has none."""
_BLOCK_JOBS = {
    libvirt.VIR_DOMAIN_BLOCK_JOB_TYPE_PULL: "pull",
    libvirt.VIR_DOMAIN_BLOCK_JOB_TYPE_COPY: "copy",
    libvirt.VIR_DOMAIN_BLOCK_JOB_TYPE_COMMIT: "commit",
    libvirt.VIR_DOMAIN_BLOCK_JOB_TYPE_ACTIVE_COMMIT: "active commit",
    libvirt.VIR_DOMAIN_BLOCK_JOB_TYPE_BACKUP: "backup",
}
_DISK_ERRORS = {
    libvirt.VIR_DOMAIN_DISK_ERROR_UNSPEC: "QEMU stopped at an I/O error",
    libvirt.VIR_DOMAIN_DISK_ERROR_NO_SPACE: "QEMU stopped because its storage is full",
}
_KEEPING = (
    libvirt.VIR_DOMAIN_UNDEFINE_KEEP_NVRAM
    | getattr(libvirt, "VIR_DOMAIN_UNDEFINE_KEEP_TPM", 0)
    | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
    | libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
)
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
        seen = Seen(host, _STATES.get(domain.state()[0], GuestState.UNKNOWN), persistent)
        xml = domain.XMLDesc()
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
            raise
        return
    try:
        yield read_guest(xml, seen)
    except BadXml as error:
        yield _unreadable(domain, seen, error)


def _unreadable(domain: libvirt.virDomain, seen: Seen, error: BadXml) -> Guest:
    """One bad definition hides no other guest of the host."""
    return Guest(
        domain.name(), domain.UUIDString(), seen.host, seen.state, 0, 0, seen.persistent, problem=error.message
    )


def guest_facts(connection: libvirt.virConnect, domain: libvirt.virDomain, host: str) -> GuestFacts:
    number, reason = domain.state()
    state = _STATES.get(number, GuestState.UNKNOWN)
    persistent = bool(domain.isPersistent())
    figures = _figures(connection, domain)
    seen = Seen(host, state, persistent, memory_used_bytes(figures), capacities(figures), jobs.kind(domain))
    told = read_guest_facts(
        domain.XMLDesc(),
        replace(
            seen,
            inactive_xml=domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE) if persistent else None,
            reason=_REASONS.get((number, reason)),
            snapshots=_snapshots(domain),
            checkpoints=_checkpoints(domain),
        ),
    )
    features = abilities.expanded(connection, told.arch, told.virt_type, told.cpu_xml) if told.needs.cpu.model else None
    return replace(
        told, block_jobs=_block_jobs(domain, told), cpu_features=features, migratable_xml=_migratable(domain)
    )


def _migratable(domain: libvirt.virDomain) -> str | None:
    """None where its driver migrates nothing."""
    try:
        return str(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_MIGRATABLE))
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_INVALID_ARG:
            raise
        return None


def _snapshots(domain: libvirt.virDomain) -> tuple[GuestSnapshot, ...] | None:
    """None where its driver keeps none that can be listed."""
    try:
        if not domain.snapshotNum():
            return ()
        inside = {each.getName() for each in domain.listAllSnapshots(libvirt.VIR_DOMAIN_SNAPSHOT_LIST_INTERNAL)}
        return tuple(GuestSnapshot(name, name in inside) for name in sorted(domain.snapshotListNames()))
    except libvirt.libvirtError:
        return None


def _checkpoints(domain: libvirt.virDomain) -> tuple[str, ...] | None:
    try:
        return tuple(sorted(each.getName() for each in domain.listAllCheckpoints()))
    except libvirt.libvirtError:
        return None


def _block_jobs(domain: libvirt.virDomain, told: GuestFacts) -> tuple[BlockJob, ...] | None:
    """Asked disk by disk. A guest that is busy with a job of libvirt's own would not answer."""
    if told.guest.state is GuestState.SHUT_OFF:
        return ()
    if told.job is not None:
        return None
    disks = [disk.target for disk in told.guest.disks if disk.source is not None and not disk.read_only]
    try:
        return tuple(job for target in disks for job in _block_job(target, domain.blockJobInfo(target)))
    except libvirt.libvirtError:
        return None


def _block_job(target: str, figures: Mapping[str, int]) -> Iterator[BlockJob]:
    """Nothing where there is none: libvirt then gives no figures."""
    if figures:
        end = figures.get("end", 0)
        percent = 100 * figures.get("cur", 0) // end if end else None
        yield BlockJob(target, _BLOCK_JOBS.get(figures.get("type", 0), "job"), percent)


def _figures(connection: libvirt.virConnect, domain: libvirt.virDomain) -> Mapping[str, Any]:
    """Of its memory and its disks."""
    wanted = libvirt.VIR_DOMAIN_STATS_BALLOON | libvirt.VIR_DOMAIN_STATS_BLOCK
    with contextlib.suppress(libvirt.libvirtError):  # a driver without these figures
        for _, figures in connection.domainListGetStats([domain], wanted, _NOWAIT):
            return cast("Mapping[str, Any]", figures)
    return {}


def capacities(figures: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
    """(target, bytes) of the disks; an empty drive has none."""
    numbers = range(int(figures.get("block.count", 0)))
    known = ((figures.get(f"block.{number}.name"), figures.get(f"block.{number}.capacity")) for number in numbers)
    return tuple((str(name), int(size)) for name, size in known if name and size)


def memory_used_bytes(figures: Mapping[str, Any]) -> int | None:
    """What the first round copies, as nearly as it can be known: the smaller of QEMU's resident memory and what the
    guest itself has in use, of which its balloon tells.

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


def look(domain: libvirt.virDomain) -> Look | None:
    """None where the host has it no more. The job is asked for after the state: none is missed that ends in between."""
    try:
        number, reason = domain.state()
        persistent = bool(domain.isPersistent())
        off = number == libvirt.VIR_DOMAIN_SHUTOFF
        job = jobs.kind(domain) if not off else None
        starts = off and persistent and bool(domain.autostart())
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return None
        raise
    return Look(_STATES.get(number, GuestState.UNKNOWN), _REASONS.get((number, reason)), persistent, job, starts)


def undefine(domain: libvirt.virDomain) -> None:
    """The definition alone: what belongs to the guest (NVRAM, TPM state) is its, wherever it runs now."""
    if domain.isActive():
        raise libvirt.libvirtError("the guest is active")
    domain.undefineFlags(_KEEPING)


def autostart_off(domain: libvirt.virDomain) -> None:
    if domain.isActive():
        raise libvirt.libvirtError("the guest is active")
    domain.setAutostart(0)


def keep_definition(connection: libvirt.virConnect, domain: libvirt.virDomain) -> None:
    xml = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_SECURE | libvirt.VIR_DOMAIN_XML_INACTIVE)
    connection.defineXML(xml)


ANNOUNCE = '{"execute": "announce-self", "arguments": {"initial": 50, "max": 550, "rounds": 5, "step": 50}}'
"""As QEMU does by itself after a migration: five times within a second."""


def announce(domain: libvirt.virDomain) -> None:
    """Libvirt has no call of its own for it. What QEMU answers is its libvirt's to judge: an error is raised."""
    answer = json.loads(libvirt_qemu.qemuMonitorCommand(domain, ANNOUNCE, 0))
    if "error" in answer:
        raise libvirt.libvirtError(str(answer["error"].get("desc", answer["error"])))


def disk_problems(domain: libvirt.virDomain) -> tuple[tuple[str, str], ...]:
    errors = domain.diskErrors()
    return tuple((target, _DISK_ERRORS[code]) for target, code in sorted(errors.items()) if code in _DISK_ERRORS)


_NO_ANSWER = (libvirt.VIR_ERR_AGENT_UNRESPONSIVE, libvirt.VIR_ERR_AGENT_UNSYNCED)


def agent_answers(domain: libvirt.virDomain) -> bool | None:
    """By the guest's time, which libvirt asks of the agent: a command of our own would taint the domain."""
    if not agent_connected(domain.XMLDesc()):
        return None
    try:
        domain.getTime()
    except libvirt.libvirtError as error:
        if error.get_error_code() in _NO_ANSWER:
            return False
        raise
    return True


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


def define(connection: libvirt.virConnect, xml: str, *, starts: bool) -> None:
    """Nothing is written over: libvirt itself would take it for a change of a guest of that UUID."""
    uuid = parse(xml, "the guest's definition").findtext("uuid") or ""
    if any(domain.UUIDString() == uuid for domain in connection.listAllDomains()):
        raise libvirt.libvirtError(f"there is a guest of UUID {uuid} already")
    domain = connection.defineXML(xml)
    if starts:
        domain.setAutostart(1)


def kept_definition(domain: libvirt.virDomain) -> str:
    """As for another host: without what newer releases of libvirt put into it by themselves."""
    flags = libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE | libvirt.VIR_DOMAIN_XML_MIGRATABLE
    return str(domain.XMLDesc(flags))
