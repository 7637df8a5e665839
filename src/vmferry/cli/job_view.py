"""What a person reads of jobs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vmferry.cli.migration_view import progress_line, result_lines
from vmferry.cli.output import Layout
from vmferry.flow.effects import Effect, What
from vmferry.flow.journal import Entry, Kind
from vmferry.forecast.progress import Progress
from vmferry.model.bandwidth import UNLIMITED_BYTES_S
from vmferry.model.job import Job
from vmferry.model.units import format_rate

HEADINGS = ("JOB", "GUEST", "FROM", "TO", "STATE", "DONE", "BEGAN", "WORKER")


def job_layout(jobs: Sequence[Job], shown: Sequence[Progress | None]) -> Layout:
    return Layout(HEADINGS, [_row(job, progress) for job, progress in zip(jobs, shown, strict=True)], wide=2)


def _row(job: Job, progress: Progress | None) -> tuple[str, ...]:
    result = job.result
    done = "" if progress is None else f"{progress.percent:.0f} %"
    began = result.steps[0].started if result.steps else ""
    state = job.state.replace("_", " ")
    return (result.job, result.guest, result.source, result.target or "", state, done, began, job.worker or "")


def job_lines(job: Job, journal: Sequence[Entry], progress: Progress | None) -> Iterator[str]:
    result = job.result
    if result.outcome is None:
        where = f"{result.source} -> {result.target}" if result.target else f"from {result.source}"
        yield f"{result.guest}: {job.state.replace('_', ' ')}, {where}"
        if progress is not None:
            yield f"  {progress_line(progress)}"
    else:
        yield from result_lines(result)
    if result.error:
        yield f"  {result.error}"
    yield "Journal:"
    yield from (f"  {entry.at}  {_entry_line(entry)}" for entry in journal)


def _entry_line(entry: Entry) -> str:
    text = f": {' '.join(entry.text.split())}" if entry.text else ""
    match entry.kind:
        case Kind.STATE:
            return f"-> {str(entry.state).replace('_', ' ')}{f' ({entry.event})' if entry.event else ''}{text}"
        case Kind.SAW if entry.saw is not None:
            return f"   source: {entry.saw.source}; target: {entry.saw.target}"
        case _ if entry.effect is not None:
            thing = f" {entry.effect.thing.replace(chr(9), ' to ')}" if entry.effect.thing else ""
            value = "" if entry.effect.value is None or thing else f" to {_value(entry.effect)}"
            return f"   {entry.kind}: {entry.effect.what}{thing}{value}, on {entry.effect.host}{text}"
        case _:
            return f"   {entry.kind}{text}"


def _value(effect: Effect) -> str:
    """Of a limit, as people write it."""
    value = effect.value or 0
    if effect.what is What.LIMIT_BANDWIDTH:
        return "none" if value >= UNLIMITED_BYTES_S else format_rate(value)
    return f"{value} ms" if effect.what is What.LIMIT_DOWNTIME else str(value)
