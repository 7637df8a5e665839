"""What a person reads of a forecast, a running copy and its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from vmferry.forecast.progress import Progress
from vmferry.model.migration import Forecast, Measured, MigrationResult, Verified
from vmferry.model.storage import CopiedDisk
from vmferry.model.units import format_bytes, format_duration, format_rate

MARKS = {True: "ok", False: "FAILED", None: "not seen"}


def forecast_lines(forecast: Forecast) -> Iterator[str]:
    duration, downtime = forecast.duration_s, forecast.downtime_ms
    if forecast.converges:
        yield (
            f"  about {format_duration(duration.p50)}"
            f" ({format_duration(duration.p10)} to {format_duration(duration.p90)}),"
            f" downtime {format_duration(downtime.p50 / 1000)},"
            f" {format_bytes(forecast.transferred_bytes.p50)} to send in {forecast.rounds} rounds"
        )
    else:
        yield "  it will NOT converge: the guest dirties memory as fast as the path carries it"
        for other in forecast.instead:
            words = f"about {format_duration(other.duration_s.p50)}" if other.converges else "would not converge either"
            yield f"  {other.way}: {words}, downtime {format_duration(other.downtime_ms.p50 / 1000)}"
    yield f"  rests on: {forecast.basis}"


def progress_line(progress: Progress) -> str:
    """One line, the parts that are not known left out."""
    parts = [f"{progress.phase:10} {progress.percent:3.0f} %"]
    if progress.rate_bytes_s is not None:
        parts.append(format_rate(progress.rate_bytes_s))
    parts.append(f"{format_bytes(progress.remaining_bytes)} left")
    for disk in progress.disks:
        if disk.done_bytes < disk.total_bytes:
            parts.append(f"{disk.disk} {100 * disk.done_bytes // disk.total_bytes} %")
    if progress.dirty_rate_bytes_s:
        parts.append(f"dirties {format_rate(progress.dirty_rate_bytes_s)}")
    if progress.round:
        parts.append(f"round {progress.round}")
    if progress.eta_s is not None:
        parts.append(f"ETA {format_duration(progress.eta_s)}")
    return "  ".join(parts)


def verification_lines(checks: Sequence[Verified]) -> Iterator[str]:
    for check in checks:
        yield f"    {MARKS[check.ok]:8} {check.what}: {check.detail}"


def result_lines(result: MigrationResult) -> Iterator[str]:
    """The end of it, predicted beside measured."""
    where = f"{result.source} -> {result.target}" if result.target else f"from {result.source}"
    outcome = str(result.outcome or "dry run").replace("_", " ")
    yield f"{result.guest}: {outcome}, {where}"
    if result.measured is not None:
        yield from _measured_lines(result.forecast, result.measured)
    yield from (_disk_line(disk) for disk in result.disks)


def _disk_line(disk: CopiedDisk) -> str:
    size = "" if disk.allocated_bytes is None else f", {format_bytes(disk.allocated_bytes)}"
    kept = f"; the source's own is {disk.source_volume}{f', {disk.remove}' if disk.remove else ''}"
    return f"  {disk.disk:12} {disk.path} ({disk.format}{size}){kept}"


def _measured_lines(forecast: Forecast | None, measured: Measured) -> Iterator[str]:
    yield f"  {'':12} {'predicted':>12} {'measured':>12}"
    predicted = (
        (forecast.duration_s.p50, forecast.downtime_ms.p50, forecast.transferred_bytes.p50, forecast.rounds)
        if forecast is not None and forecast.converges
        else (None, None, None, None)
    )
    rows = (
        ("duration", predicted[0], measured.duration_s, format_duration),
        ("downtime", _seconds(predicted[1]), _seconds(measured.downtime_ms), format_duration),
        ("silence", None, _seconds(measured.blackout_ms), format_duration),
        ("sent", predicted[2], measured.transferred_bytes, format_bytes),
        ("rounds", predicted[3], measured.rounds, _number),
    )
    for name, before, after, show in rows:
        yield f"  {name:12} {_cell(before, show):>12} {_cell(after, show):>12}"
    if measured.disk_bytes:
        yield f"  {'of disks':12} {'':>12} {format_bytes(measured.disk_bytes):>12}  (read, holes included)"
    yield "  (silence: the longest time that the guest's address did not answer, seen from here)"


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _number(value: float) -> str:
    return f"{value:.0f}"


def _cell(value: float | None, show: Callable[[float], str]) -> str:
    return "-" if value is None else show(value)
