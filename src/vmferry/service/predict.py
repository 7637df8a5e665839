"""What a migration will take, before it starts, from what is measured and what earlier ones took."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from vmferry.facts.guest import GuestFacts
from vmferry.facts.move import MoveFacts
from vmferry.forecast.dirty import DirtyCurve, of_rates
from vmferry.forecast.learned import Past, Path, correction, fixed_s, path
from vmferry.forecast.precopy import forecast, limit_s
from vmferry.model.migration import DirtyRate, Forecast, MigrationResult, Outcome, Range
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
FEW = 2
"""A guest's own migrations count from so many on: one may have been disturbed."""


LAST = 3
"""Of its migrations, whose rounds count."""
SAMPLES_GIB = 512
PLENTY = 200
"""Pages that were seen to change: a calculation of a small guest sees few, and is off by the root of their number."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the user allows; None: as libvirt has it."""

    bandwidth_bytes_s: int | None = None
    max_downtime_ms: int | None = None
    disk_bandwidth_bytes_s: int | None = None
    """For the disks together."""


def predict(
    facts: GuestFacts,
    source: HostPort,
    target: HostPort,
    store: Store,
    limits: Limits,
    disk_bytes: int = 0,
    rates: Sequence[DirtyRate] = (),
) -> Forecast:
    """`disk_bytes`: to be copied before the memory. `rates`: what the guest was just seen to dirty over some periods;
    without them, libvirt's last calculation of the guest counts, where there was one, else its earlier migrations.
    """
    own = store.results(guest=facts.guest.name, most=RECENT)
    factor, told = _factor(own)
    most_bytes = facts.guest.memory_bytes
    memory_bytes = min(round((facts.memory_used_bytes or most_bytes) * factor), most_bytes)
    curve, dirty_basis = _curve(facts, source, own, rates, most_bytes)
    way, rate_basis = path_rate(source, target, store)
    cap = limits.bandwidth_bytes_s
    if cap is not None:
        rate_basis += ", capped by the bandwidth asked for"
    if told:
        dirty_basis += f"; memory in use times {factor:.2f}, by what its last {told} migrations sent"
    basis = f"{rate_basis}; {dirty_basis}"
    found = forecast(
        memory_bytes,
        way.rate_bytes_s,
        curve,
        basis,
        limit_s(limits.max_downtime_ms),
        cap,
        unused_bytes=most_bytes - memory_bytes,
    )
    found = replace(_later(found, way.fixed_s), corrected_by=factor, beside_s=way.fixed_s)
    return with_disks(found, disk_bytes, _capped(way.rate_bytes_s, cap), limits.disk_bandwidth_bytes_s)


def _capped(rate: Range, cap: int | None) -> Range:
    return rate if cap is None else Range(*(min(each, cap) for each in (rate.p10, rate.p50, rate.p90)))


def with_disks(memory: Forecast, disk_bytes: int, rate: Range, limit_bytes_s: int | None) -> Forecast:
    """The disks come first, over the same path; what the guest writes to them meanwhile is not known and left out."""
    if not disk_bytes:
        return memory
    slow, usual, fast = (min(each, limit_bytes_s or each) for each in (rate.p10, rate.p50, rate.p90))
    took, sent = memory.duration_s, memory.transferred_bytes
    return replace(
        memory,
        duration_s=Range(took.p10 + disk_bytes / fast, took.p50 + disk_bytes / usual, took.p90 + disk_bytes / slow),
        transferred_bytes=Range(*(each + disk_bytes for each in (sent.p10, sent.p50, sent.p90))),
        basis=f"{memory.basis}; {format_bytes(disk_bytes)} of disks",
    )


def _factor(own: Iterable[MigrationResult]) -> tuple[float, int]:
    """What the guest's own migrations sent, by what had been predicted of them; and how many tell.

    Bytes, not times: those of a path are learned by themselves. What was corrected already is taken back first.
    """
    factors = [
        each.forecast.corrected_by * each.measured.transferred_bytes / each.forecast.transferred_bytes.p50
        for each in own
        if each.outcome is Outcome.MIGRATED
        and each.measured is not None
        and each.measured.transferred_bytes > 0
        and not each.measured.disk_bytes
        and each.forecast is not None
        and each.forecast.converges
        and each.forecast.transferred_bytes.p50 > 0
    ]
    return (correction(factors), len(factors)) if len(factors) >= FEW else (1.0, 0)


def _later(found: Forecast, fixed_s: float) -> Forecast:
    took = found.duration_s
    return replace(found, duration_s=Range(took.p10 + fixed_s, took.p50 + fixed_s, took.p90 + fixed_s))


def _curve(
    facts: GuestFacts,
    source: HostPort,
    own: Sequence[MigrationResult],
    rates: Sequence[DirtyRate],
    memory_bytes: int,
) -> tuple[DirtyCurve, str]:
    """Measured now, else by libvirt's last calculation, else what the guest's last migrations saw."""
    told = source.dirty_rate(facts.guest.uuid, None) if not rates else None
    measured = rates or ([told] if told is not None else [])
    runs = [each.measured for each in own if each.measured is not None]
    rounds = [point for run in [run for run in runs if run.dirtied][:LAST] for point in run.dirtied]
    if measured:
        words = " and ".join(f"{format_rate(each.bytes_s)} over {each.period_s:.0f} s" for each in measured)
        points = [(each.period_s, each.period_s * each.bytes_s) for each in measured]
        seen = sum(size for _, size in points) / memory_bytes * _samples(memory_bytes)
        if rounds and seen < PLENTY:
            return DirtyCurve((*points, *rounds), memory_bytes), f"{words} dirtied, measured, and rounds before"
        return DirtyCurve(tuple(points), memory_bytes), f"{words} dirtied, measured"
    if rounds:
        return DirtyCurve(tuple(rounds), memory_bytes), f"{len(rounds)} rounds of its last migrations"
    rate = next((run.dirty_rate_bytes_s for run in runs if run.dirty_rate_bytes_s), None)
    if rate is not None:
        return of_rates([(1.0, rate)], memory_bytes), f"{format_rate(rate)} dirtied in an earlier migration"
    return DirtyCurve(), "dirty rate not known, taken as 0 (vmferry plan measures it)"


def _samples(memory_bytes: int) -> float:
    """How many pages libvirt's calculation looks at."""
    return SAMPLES_GIB * memory_bytes / (1 << 30)


def path_rate(source: HostPort, target: HostPort, store: Store) -> tuple[Path, str]:
    """What of this path is known: as the inventory has it, else learned where it was used, else what the card says."""
    past = store.results(source=source.entry.name, target=target.entry.name, most=RECENT)
    # Holes of disks are counted among what is sent.
    runs = [run for each in past if (run := each.measured) is not None and run.transferred_bytes and not run.disk_bytes]
    # What one with a limit of its own could have carried is not known.
    seen = [Past(run.transferred_bytes, run.duration_s) for run in runs if run.bandwidth_bytes_s is None]
    beside_s = fixed_s(_late(past)) or fixed_s(_late(store.results(most=RECENT)))
    told = [rate for rate in (source.entry.migration_rate_bytes_s, target.entry.migration_rate_bytes_s) if rate]
    if told:
        low, middle, high = (share * min(told) for share in DECLARED_SPREAD)
        return Path(beside_s, Range(low, middle, high), 0), "the migration link's rate as the inventory has it"
    learned = path(seen)
    if learned is not None:
        return learned, f"rate learned from {learned.count} migrations on this path"
    if seen:
        rate = seen[0].sent_bytes / seen[0].took_s
        return Path(beside_s, Range(rate * 0.8, rate, rate * 1.2), 1), "rate of the last migration on this path"
    nominal = target.link_rate()
    rate = nominal or ASSUMED_RATE_BYTES_S
    low, high = UNMEASURED_SPREAD
    basis = "the network card's nominal rate" if nominal else "a rate of 1 Gbit/s assumed: none known of this path"
    return Path(beside_s, Range(rate * low, rate * (low + high) / 2, rate * high), 0), basis


def _late(past: Iterable[MigrationResult]) -> list[float]:
    """Of those with a limit, so that what carried them is known: what they took longer than sending was to take."""
    return [
        each.measured.duration_s - (each.forecast.duration_s.p50 - each.forecast.beside_s)
        for each in past
        if each.measured is not None
        and each.measured.bandwidth_bytes_s is not None
        and not each.measured.disk_bytes
        and each.forecast is not None
        and each.forecast.converges
    ]


def copied_bytes(move: MoveFacts) -> int:
    """What its disks have to send."""
    return sum(copy.needed_bytes for copy in copies(move))


def predict_each(
    report: CheckReport, source: HostPort, targets: Sequence[HostPort], store: Store, *, measure_s: int
) -> dict[str, Forecast]:
    """A forecast by host name for every target that no rule refuses. The guest is measured once, over 1 s and over
    `measure_s`: what it writes to within a short time is another share of its pages than within a long one.
    """
    open_to = {each.host for each in report.candidates if each.score is not None}
    if not open_to:
        return {}
    periods = sorted({1, measure_s})
    rates = [rate for each in periods if (rate := source.dirty_rate(report.guest.uuid, each)) is not None]
    found = {}
    for host in targets:
        if host.entry.name in open_to:
            move = report.move(host.entry.name)
            found[host.entry.name] = predict(move.guest, source, host, store, Limits(), copied_bytes(move), rates)
    return found
