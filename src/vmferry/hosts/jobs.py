"""A migration's order, its statistics, and the dirty rate. Libvirt's parameters go by their names."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

import libvirt

from vmferry.model.migration import DirtyRate, JobStats, MigrationOrder, Mode
from vmferry.xml.placing import placed, with_their_sources
from vmferry.xml.rewrite import rewritten

MIB = 1 << 20
DETECT_ZEROES = "migrate_disks_detect_zeroes"
"""Since libvirt 10.9, and so not in every release that the adapter is built against; the next since 8.0."""
_SYNCHRONOUS_WRITES = getattr(libvirt, "VIR_MIGRATE_NON_SHARED_SYNCHRONOUS_WRITES", 1 << 18)
POLL_S = 0.1
_MEASURED = libvirt.VIR_DOMAIN_DIRTYRATE_MEASURED


def migrate(domain: libvirt.virDomain, order: MigrationOrder) -> None:
    """Blocks to the end of it, and leaves everything to libvirt: live, peer-to-peer, the definition moving along."""
    definitions = {} if order.resume else _definitions(domain, order)
    domain.migrateToURI3(order.peer_uri, _parameters(order) | definitions, _flags(order))


def _flags(order: MigrationOrder) -> int:
    """A resumed post-copy keeps the options that it began with, and takes no others."""
    tuning = order.tuning
    chosen = {
        libvirt.VIR_MIGRATE_PERSIST_DEST: order.persistent,
        libvirt.VIR_MIGRATE_UNDEFINE_SOURCE: order.persistent,
        libvirt.VIR_MIGRATE_POSTCOPY: order.post_copy or order.resume,
        libvirt.VIR_MIGRATE_POSTCOPY_RESUME: order.resume,
        libvirt.VIR_MIGRATE_AUTO_CONVERGE: tuning.auto_converge,
        libvirt.VIR_MIGRATE_PARALLEL: tuning.parallel,
        libvirt.VIR_MIGRATE_COMPRESSED: bool(tuning.compression),
        libvirt.VIR_MIGRATE_TLS: tuning.tls,
        libvirt.VIR_MIGRATE_ZEROCOPY: tuning.zerocopy,
        libvirt.VIR_MIGRATE_NON_SHARED_DISK: bool(order.copies) and not order.incremental,
        libvirt.VIR_MIGRATE_NON_SHARED_INC: bool(order.copies) and order.incremental,
        _SYNCHRONOUS_WRITES: bool(order.copies) and order.synchronous_writes,
    }
    flags = int(libvirt.VIR_MIGRATE_LIVE | libvirt.VIR_MIGRATE_PEER2PEER)
    for flag, wanted in chosen.items():
        flags |= int(flag) if wanted else 0
    return flags


Parameter = str | int | list[str]


def _parameters(order: MigrationOrder) -> dict[str, Parameter]:
    tuning = order.tuning
    parameters: dict[str, Parameter | None] = {
        "migrate_uri": order.data_uri,
        "bandwidth": _mib(order.bandwidth_bytes_s),
        "bandwidth.postcopy": _mib(tuning.post_copy_bandwidth_bytes_s) if order.post_copy else None,
        "auto_converge.initial": tuning.auto_converge_initial,
        "auto_converge.increment": tuning.auto_converge_increment,
        "parallel.connections": tuning.parallel_connections,
        "compression": list(tuning.compression) or None,
        "tls.destination": tuning.tls_destination,
        **_disks(order),
    }
    return {name: value for name, value in parameters.items() if value is not None} | dict(tuning.compression_tuning)


def _disks(order: MigrationOrder) -> dict[str, Parameter | None]:
    """Libvirt has one limit for memory and disks together at the start: the disks' goes first, as they do."""
    if not order.copies or order.resume:
        return {}
    names = [copy.disk for copy in order.copies]
    limit = order.disk_bandwidth_bytes_s
    return {
        libvirt.VIR_MIGRATE_PARAM_MIGRATE_DISKS: names,
        DETECT_ZEROES: [copy.disk for copy in order.copies if copy.thin] or None if order.detect_zeroes else None,
        **({} if limit is None else {libvirt.VIR_MIGRATE_PARAM_BANDWIDTH: _mib(limit)}),
    }


def _mib(rate_bytes_s: int | None) -> int | None:
    """Of which libvirt counts whole ones a second; 0 would be no limit."""
    return None if rate_bytes_s is None else max(1, rate_bytes_s // MIB)


def _definitions(domain: libvirt.virDomain, order: MigrationOrder) -> dict[str, Parameter]:
    """The guest's definitions with the target's names in them, if any is another there.

    The one that is kept gets the same names as the one that runs: a guest whose next start takes the source's would
    find another guest's disk at its path, or none. Secrets are in them, as libvirt moves them by itself.
    """
    if not order.edits and order.target_xml is None and not order.copies:
        return {}
    secure = libvirt.VIR_DOMAIN_XML_SECURE
    live = domain.XMLDesc(secure)
    running = order.target_xml
    if running is None:
        running = rewritten(domain.XMLDesc(secure | libvirt.VIR_DOMAIN_XML_MIGRATABLE), order.edits, live)
    if order.copies:
        running = placed(running, order.copies, running=True)
    definitions: dict[str, Parameter] = {libvirt.VIR_MIGRATE_PARAM_DEST_XML: running}
    if order.persistent:
        kept = domain.XMLDesc(secure | libvirt.VIR_DOMAIN_XML_INACTIVE)
        there = rewritten(kept, order.edits, live)
        if order.copies:
            there = placed(there, with_their_sources(order.copies, kept), running=False)
        definitions[libvirt.VIR_MIGRATE_PARAM_PERSIST_XML] = there
    return definitions


_NO_JOB = (
    libvirt.VIR_ERR_NO_DOMAIN,
    libvirt.VIR_ERR_OPERATION_INVALID,  # it is not running, any more or at all
    libvirt.VIR_ERR_OPERATION_UNSUPPORTED,  # it is just arriving here: only its source has figures
)


_MODES = {
    (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_POSTCOPY): Mode.POST_COPY,
    (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_POSTCOPY_FAILED): Mode.BROKEN,
}
"""By a source's state and libvirt's reason for it."""
_HELD = (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_MIGRATION)


def running(domain: libvirt.virDomain) -> JobStats | None:
    try:
        figures = domain.jobStats()
        state = tuple(domain.state())
    except libvirt.libvirtError as error:
        if error.get_error_code() in _NO_JOB:
            return None
        raise
    outgoing = figures.get("operation") == libvirt.VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT
    if not outgoing or figures["type"] == libvirt.VIR_DOMAIN_JOB_NONE:
        return None
    return replace(read_stats(figures), mode=_MODES.get(state, Mode.PRE_COPY), held=state == _HELD)


_KINDS = {
    libvirt.VIR_DOMAIN_JOB_OPERATION_START: "start",
    libvirt.VIR_DOMAIN_JOB_OPERATION_SAVE: "save",
    libvirt.VIR_DOMAIN_JOB_OPERATION_RESTORE: "restore",
    libvirt.VIR_DOMAIN_JOB_OPERATION_MIGRATION_IN: "incoming migration",
    libvirt.VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT: "outgoing migration",
    libvirt.VIR_DOMAIN_JOB_OPERATION_SNAPSHOT: "snapshot",
    libvirt.VIR_DOMAIN_JOB_OPERATION_SNAPSHOT_REVERT: "revert to a snapshot",
    libvirt.VIR_DOMAIN_JOB_OPERATION_DUMP: "dump",
    libvirt.VIR_DOMAIN_JOB_OPERATION_BACKUP: "backup",
    libvirt.VIR_DOMAIN_JOB_OPERATION_SNAPSHOT_DELETE: "deletion of a snapshot",
}


def kind(domain: libvirt.virDomain) -> str | None:
    """Of the job that runs on it, whatever it is; None also where libvirt's driver knows no jobs."""
    try:
        figures = domain.jobStats()
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_OPERATION_UNSUPPORTED:
            return "incoming migration"
        if error.get_error_code() in (libvirt.VIR_ERR_OPERATION_INVALID, libvirt.VIR_ERR_NO_SUPPORT):
            return None
        raise
    return _KINDS.get(figures.get("operation"), "job") if figures["type"] != libvirt.VIR_DOMAIN_JOB_NONE else None


def completed(domain: libvirt.virDomain) -> JobStats | None:
    """Kept by libvirt for whoever asks next."""
    flags = libvirt.VIR_DOMAIN_JOB_STATS_COMPLETED | libvirt.VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED
    figures = domain.jobStats(flags)
    return read_stats(figures) if figures["type"] == libvirt.VIR_DOMAIN_JOB_COMPLETED else None


def max_downtime_ms(domain: libvirt.virDomain) -> int:
    """Libvirt's Python binding raises nothing where this call fails, as while a copy just begins: it gives None."""
    limit_ms: int | None = domain.migrateGetMaxDowntime()
    if limit_ms is None:
        raise libvirt.libvirtError("virDomainMigrateGetMaxDowntime() failed")
    return limit_ms


def read_stats(figures: Mapping[str, int]) -> JobStats:
    """Libvirt's typed parameters; a figure that is missing in the first instants is 0 or None."""
    dirty_pages_s, page_bytes = figures.get("memory_dirty_rate"), figures.get("memory_page_size", 4096)
    return JobStats(
        elapsed_ms=figures.get("time_elapsed", 0),
        total_bytes=figures.get("memory_total", figures.get("data_total", 0)),
        processed_bytes=figures.get("memory_processed", figures.get("data_processed", 0)),
        remaining_bytes=figures.get("memory_remaining", figures.get("data_remaining", 0)),
        rate_bytes_s=figures.get("memory_bps"),
        dirty_rate_bytes_s=None if dirty_pages_s is None else dirty_pages_s * page_bytes,
        round=figures.get("memory_iteration", 0),
        downtime_ms=figures.get("downtime"),
        throttle_percent=figures.get("auto_converge_throttle"),
        disk_total_bytes=figures.get("disk_total", 0),
        disk_done_bytes=figures.get("disk_processed", 0),
        disk_remaining_bytes=figures.get("disk_remaining", 0),
    )


def dirty_rate(connection: libvirt.virConnect, domain: libvirt.virDomain, period_s: int | None) -> DirtyRate | None:
    """Libvirt's figure is in whole MiB a second."""
    if period_s is not None:
        domain.startDirtyRateCalc(period_s, 0)
        time.sleep(period_s)
    deadline = time.monotonic() + 5.0
    while (rate := _measured_rate(connection, domain)) is None and period_s is not None and time.monotonic() < deadline:
        time.sleep(POLL_S)
    return rate


def _measured_rate(connection: libvirt.virConnect, domain: libvirt.virDomain) -> DirtyRate | None:
    for _, figures in connection.domainListGetStats([domain], libvirt.VIR_DOMAIN_STATS_DIRTYRATE):
        if figures.get("dirtyrate.calc_status") == _MEASURED:
            rate_bytes_s = int(figures["dirtyrate.megabytes_per_second"]) * MIB
            return DirtyRate(float(figures.get("dirtyrate.calc_period", 1)), rate_bytes_s)
    return None
