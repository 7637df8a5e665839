"""The forecast beside real migrations on the lab, of guests and limits at random.

    VMFERRY_LAB=forecast .venv/bin/python -m bench.forecast_lab --runs 200 [--seed N]

Guests with a random size, dirty rate and working set are moved there and back between two hosts, each time with a
random bandwidth and downtime limit. Before each move what the product would do is done: the guest's dirty rate is
measured over two periods, and the forecast made, with what was learned of the guest's moves before. The copy is plain
pre-copy, by the same call that `migrate` makes. One that takes 10 s more than twice what was predicted is aborted: it
does not converge; and so is one of which that was predicted, after the time of all of its memory twice and 10 s.
Needs a lab with two hosts, and nothing else running on the machine.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.measure import machine, run, today
from vmferry.config import load_config
from vmferry.fakes import MemoryStore
from vmferry.forecast.convergence import Evidence
from vmferry.hosts import LibvirtConnector
from vmferry.model.host import HostEntry
from vmferry.model.migration import Forecast, JobStats, Measured, MigrationOrder, MigrationResult, Outcome
from vmferry.ports import HostPort
from vmferry.service.predict import Limits, predict

VMFERRY = ".venv/bin/vmferry"
MIB = 1 << 20
MOVES = 5
"""Of each guest."""
PERIODS_S = (1, 3)
SETTLE_S = 6.0
READ_S = 0.2


@dataclass(frozen=True, slots=True)
class Moved:
    """`took_s` is None where it was aborted."""

    number: int
    forecast: Forecast
    measured: Measured | None
    words: str

    @property
    def error(self) -> float | None:
        """Of its duration."""
        if self.measured is None or not self.forecast.converges:
            return None
        return abs(self.forecast.duration_s.p50 - self.measured.duration_s) / self.measured.duration_s

    @property
    def wrong(self) -> bool:
        return self.forecast.converges is not (self.measured is not None)


def entries() -> tuple[HostEntry, ...]:
    """The lab's first two hosts, as its configuration has them."""
    return load_config(None).hosts[:2]


def moved(store: MemoryStore, source: HostPort, target: HostPort, uuid: str, number: int, draw: random.Random) -> Moved:
    cap, limit_ms = draw.randint(16, 64) * MIB, draw.choice([100, 200, 300, 500, 1000])
    rates = [rate for period in PERIODS_S if (rate := source.dirty_rate(uuid, period)) is not None]
    facts = source.guest_facts(uuid)
    forecast = predict(facts, source, target, store, Limits(cap, limit_ms), rates=rates)
    source.set_max_downtime(uuid, limit_ms)
    data_uri = f"tcp://{target.entry.migration_address}"
    peer_uri = target.entry.peer_uri or target.entry.uri
    copy = source.begin(MigrationOrder(uuid, peer_uri, data_uri, True, bandwidth_bytes_s=cap))
    most_s = 10 + 2 * (forecast.duration_s.p50 if forecast.converges else facts.guest.memory_bytes / cap)
    evidence, last, aborted, began_s = Evidence(), None, False, time.monotonic()
    while not copy.wait(READ_S):
        stats: JobStats | None = source.job_stats(uuid)
        if stats is not None:
            evidence, last = evidence.seen(stats), stats
        if not aborted and time.monotonic() - began_s > most_s:
            source.abort(uuid)
            aborted = True
    if copy.problem is not None and not aborted:
        raise copy.problem
    done = None if copy.problem is not None else target.completed_stats(uuid)
    measured = None
    if done is not None:
        measured = Measured(
            duration_s=done.elapsed_ms / 1000,
            downtime_ms=done.downtime_ms,
            blackout_ms=None,
            transferred_bytes=done.processed_bytes,
            disk_bytes=0,
            rounds=max(done.round, last.round if last else 0),
            dirty_rate_bytes_s=done.dirty_rate_bytes_s,
            bandwidth_bytes_s=cap,
            dirtied=evidence.dirtied,
        )
        names = (source.entry.name, target.entry.name)
        store.save_result(
            MigrationResult(
                f"run{number}", facts.guest.name, *names, Outcome.MIGRATED, forecast=forecast, measured=measured
            )
        )
    words = f"{cap // MIB} MiB/s, limit {limit_ms} ms, {facts.memory_used_bytes or 0:,} bytes in use, {rates}"
    return Moved(number, forecast, measured, words)


def runs(total: int, draw: random.Random) -> Iterator[Moved]:
    connector, store = LibvirtConnector(), MemoryStore([])
    number = 0
    while number < total:
        memory = draw.randint(160, 320)
        most = memory - 96
        working, dirty = draw.randint(4, most), draw.choice([0, 1, 2, 4, 8, 12, 16, 24, 32, 48])
        options = ["--memory", f"{memory}MiB", "--working-set", f"{working}MiB", "--dirty", f"{dirty}MiB/s"]
        name = f"forecast{number}"
        run(VMFERRY, "lab", "guest", name, *options, "--on", "h1")
        try:
            time.sleep(SETTLE_S)
            for _ in range(min(MOVES, total - number)):
                ports = [connector.connect(entry, 10) for entry in entries()]
                here = next(port for port in ports if any(each.name == name for each in port.guests()))
                there = next(port for port in ports if port is not here)
                uuid = next(each.uuid for each in here.guests() if each.name == name)
                found = moved(store, here, there, uuid, number, draw)
                for port in ports:
                    port.close()
                number += 1
                guest = f"{memory} MiB, {dirty} MiB/s of {working} MiB"
                yield replace(found, words=f"{guest}; {found.words}")
                time.sleep(1)
        finally:
            run(VMFERRY, "lab", "guest", name, "--remove")


def table(found: Sequence[Moved]) -> Iterator[str]:
    yield "| | runs | converged | error of duration: median | p90 | off by 25 % or a wrong verdict | wrong verdicts |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    first = [each for each in found if each.number % MOVES < 2]
    for words, some in (
        ("all", found),
        ("a guest's first two", first),
        ("the others", [each for each in found if each not in first]),
    ):
        if some:
            yield _row(words, some)


def _row(words: str, found: Sequence[Moved]) -> str:
    errors = sorted(each.error for each in found if each.error is not None)
    off = sum(each.wrong or (each.error or 0) > 0.25 for each in found) / len(found)
    wrong = sum(each.wrong for each in found) / len(found)
    ended = sum(each.measured is not None for each in found)
    p90 = errors[int(0.9 * (len(errors) - 1))]
    return (
        f"| {words} | {len(found)} | {ended} | {statistics.median(errors):.1%} | {p90:.1%} | {off:.1%} | {wrong:.1%} |"
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=200)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--log", type=Path, help="a line for each run")
    chosen = options.parse_args()
    found = []
    for each in runs(chosen.runs, random.Random(chosen.seed)):
        found.append(each)
        took = "aborted" if each.measured is None else f"{each.measured.duration_s:.1f} s"
        told = f"{each.forecast.duration_s.p50:.1f} s" if each.forecast.converges else "does not converge"
        line = f"{each.number}: predicted {told}, {took}; {each.words}; {each.forecast.basis}"
        if chosen.log is not None:
            with chosen.log.open("a", encoding="utf-8") as log:
                log.write(f"{line}\n")
    print(f"{today()}, {machine()}, seed {chosen.seed}\n")
    print("\n".join(table(found)))


if __name__ == "__main__":
    main()
