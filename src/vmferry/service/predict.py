"""What a migration will take, before it starts, from what is measured and what earlier ones took."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

from vmferry.facts.guest import GuestFacts
from vmferry.facts.move import MoveFacts
from vmferry.forecast.precopy import DOWNTIME_LIMIT_S, forecast
from vmferry.model.migration import Forecast, Range
from vmferry.model.units import format_bytes, format_rate
from vmferry.ports import HostPort, Store
from vmferry.rules.copies import copies
from vmferry.service.check import CheckReport

ASSUMED_RATE_BYTES_S = 125_000_000
"""A gigabit network, where neither the card nor an earlier migration says more."""

UNMEASURED_SPREAD = (0.5, 1.0)
"""A link's nominal rate is what a migration reaches at best; half of it is not rare."""

DECLARED_SPREAD = (0.85, 0.94, 0.96)
"""What TCP carries of an Ethernet link's rate: 0.94 with frames of 1,500 bytes."""

RECENT = 10


@dataclass(frozen=True, slots=True)
class Limits:
    """What the user allows; None: as libvirt has it."""

    bandwidth_bytes_s: int | None = None
    max_downtime_ms: int | None = None
    disk_bandwidth_bytes_s: int | None = None
    """For the disks together."""


def predict(
    facts: GuestFacts, source: HostPort, target: HostPort, store: Store, limits: Limits, disk_bytes: int = 0
) -> Forecast:
    """`disk_bytes`: to be copied before the memory.

    Rests on libvirt's last dirty-rate calculation of the guest, where there was one.
    """
    dirty, dirty_basis = _dirty_rate(facts, source, store)
    rate, rate_basis = path_rate(source, target, store)
    cap = limits.bandwidth_bytes_s
    if cap is not None:
        rate = Range(*(min(each, cap) for each in (rate.p10, rate.p50, rate.p90)))
        rate_basis += ", capped by the bandwidth asked for"
    memory_bytes = min(facts.memory_used_bytes or facts.guest.memory_bytes, facts.guest.memory_bytes)
    downtime_s = DOWNTIME_LIMIT_S if limits.max_downtime_ms is None else limits.max_downtime_ms / 1000
    found = forecast(memory_bytes, rate, dirty, f"{rate_basis}; {dirty_basis}", downtime_s)
    return with_disks(found, disk_bytes, rate, limits.disk_bandwidth_bytes_s) if disk_bytes else found


def with_disks(memory: Forecast, disk_bytes: int, rate: Range, limit_bytes_s: int | None) -> Forecast:
    """The disks come first, over the same path; what the guest writes to them meanwhile is not known and left out."""
    slow, usual, fast = (min(each, limit_bytes_s or each) for each in (rate.p10, rate.p50, rate.p90))
    took, sent = memory.duration_s, memory.transferred_bytes
    return replace(
        memory,
        duration_s=Range(took.p10 + disk_bytes / fast, took.p50 + disk_bytes / usual, took.p90 + disk_bytes / slow),
        transferred_bytes=Range(*(each + disk_bytes for each in (sent.p10, sent.p50, sent.p90))),
        basis=f"{memory.basis}; {format_bytes(disk_bytes)} of disks",
    )


def _dirty_rate(facts: GuestFacts, source: HostPort, store: Store) -> tuple[int, str]:
    """Bytes a second: libvirt's last calculation, else what the guest's last migration saw."""
    measured = source.dirty_rate(facts.guest.uuid, None)
    if measured is not None:
        return measured, f"{format_rate(measured)} dirtied, measured"
    runs = (each.measured for each in store.results(guest=facts.guest.name, most=RECENT))
    seen = next((run.dirty_rate_bytes_s for run in runs if run is not None and run.dirty_rate_bytes_s), None)
    if seen is not None:
        return seen, f"{format_rate(seen)} dirtied in an earlier migration"
    return 0, "dirty rate not known, taken as 0 (vmferry plan measures it)"


def path_rate(source: HostPort, target: HostPort, store: Store) -> tuple[Range, str]:
    """Bytes a second of this path: what the inventory says, else learned where it was used, else what the card says."""
    told = [rate for rate in (source.entry.migration_rate_bytes_s, target.entry.migration_rate_bytes_s) if rate]
    if told:
        low, middle, high = (share * min(told) for share in DECLARED_SPREAD)
        return Range(low, middle, high), "the migration link's rate as the inventory has it"
    past = store.results(source=source.entry.name, target=target.entry.name, most=RECENT)
    seen = [
        run.transferred_bytes / run.duration_s
        for result in past
        if (run := result.measured) is not None
        and run.duration_s > 0
        and run.transferred_bytes > 0
        and run.bandwidth_bytes_s is None  # what it could have carried is not known
        and not run.disk_bytes  # holes are counted among them
    ]
    if len(seen) >= 2:
        deciles = statistics.quantiles(seen, n=10, method="inclusive")
        return Range(deciles[0], deciles[4], deciles[8]), f"rate learned from {len(seen)} migrations on this path"
    if seen:
        return Range(seen[0] * 0.8, seen[0], seen[0] * 1.2), "rate of the last migration on this path"
    nominal = target.link_rate()
    rate = nominal or ASSUMED_RATE_BYTES_S
    low, high = UNMEASURED_SPREAD
    basis = "the network card's nominal rate" if nominal else "a rate of 1 Gbit/s assumed: none known of this path"
    return Range(rate * low, rate * (low + high) / 2, rate * high), basis


def copied_bytes(move: MoveFacts) -> int:
    """What its disks have to send."""
    return sum(copy.needed_bytes for copy in copies(move))


def predict_each(
    report: CheckReport, source: HostPort, targets: Sequence[HostPort], store: Store, *, measure_s: int | None
) -> dict[str, Forecast]:
    """A forecast by host name for every target that no rule refuses. The guest is measured once."""
    open_to = {each.host for each in report.candidates if each.score is not None}
    if not open_to:
        return {}
    source.dirty_rate(report.guest.uuid, measure_s)
    found = {}
    for host in targets:
        if host.entry.name in open_to:
            move = report.move(host.entry.name)
            found[host.entry.name] = predict(move.guest, source, host, store, Limits(), copied_bytes(move))
    return found
