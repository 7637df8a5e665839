"""The forecast beside recorded migrations, by class and in all.

    .venv/bin/python -m bench.forecast ../shared/data/migrations/*/*.json ../shared/data/migrations/qemu/*/*.json

A file with a list is `query-migrate` of one QEMU migration, in a folder by its mode; one with a table is of OpenStack
Nova, durations by flavour. Nothing of a run itself is used to predict it. What is known of a QEMU guest (memory in use,
dirty curve, the link's rates) is the median of other runs: once of the same mode, and once only of other modes with the
same load, where there are any. Of a Nova class (path and flavour) it is the other flavours of its path, by the line
that `forecast/learned.py` lays through them. A run that did not converge until its load ended has no duration to
compare: it counts for the verdict.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench.measure import machine, today
from vmferry.forecast.dirty import DirtyCurve
from vmferry.forecast.learned import Past, path
from vmferry.forecast.precopy import Course, Link, Throttle, course, post_copy

LOADS = {"16T": "16 threads", "4T": "4 threads", "OnlyReads": "reads only"}
POST_COPY_S = {
    "Postcopy_16T": 0.35,
    "Postcopy_4T": 0.35,
    "Postcopy_Late_16T_5s": 5.0,
    "Postcopy_Late_16T_25s": 25.0,
    "Postcopy_Late_16T_40s": 40.0,
}
"""When each was switched."""
ROUNDS = 6
LONG_S = 1.0
FLAVOURS_GB = {"small": 4, "medium": 8, "large": 16}


@dataclass(frozen=True, slots=True)
class Recorded:
    """One QEMU migration."""

    mode: str
    took_s: float
    first_bytes: int | None
    """What the first round sent; None: it was cut short."""
    all_bytes: int
    total_bytes: int
    """What the guest has."""
    rate: float | None
    """Bytes a second of pre-copy; None: there was too little of it."""
    last_rate: float | None
    """The same after the switch to post-copy."""
    rounds: tuple[tuple[int, float, float], ...]
    """(number, seconds, distinct bytes dirtied) of those without throttling."""

    @property
    def load(self) -> str:
        """The converging ones are of 4 threads, by their memory and what they dirty."""
        if "OnlyReads" in self.mode:
            return LOADS["OnlyReads"]
        return LOADS["16T"] if "16T" in self.mode else LOADS["4T"]

    @property
    def ends(self) -> bool:
        return "Nonconvergent" not in self.mode


def recorded(file: Path, readings: Sequence[dict[str, Any]]) -> Recorded:
    rows = [row["query_migrate"] for row in readings if row["query_migrate"].get("ram")]
    last, active = rows[-1], [row for row in rows if row["status"] == "active"]
    late = [row for row in rows if row["status"] == "postcopy-active"]
    first, rounds = None, []
    began_ms = 0
    for before, after in pairwise(rows):
        number, following = before["ram"]["dirty-sync-count"], after["ram"]["dirty-sync-count"]
        if following > number:
            took_s = (after["total-time"] - began_ms) / 1000
            began_ms = after["total-time"]
            if following == number + 1 and after["status"] == "active":
                first = after["ram"]["normal-bytes"] if number == 1 else first
                page = after["ram"]["page-size"]
                if "cpu-throttle-percentage" not in before and took_s >= LONG_S and number <= ROUNDS:
                    rounds.append((number, took_s, took_s * page * after["ram"]["dirty-pages-rate"]))
    end = active[-1]
    long = end["total-time"] > 3000
    return Recorded(
        mode=file.parent.name,
        took_s=last["total-time"] / 1000,
        first_bytes=first,
        all_bytes=last["ram"]["normal-bytes"],
        total_bytes=last["ram"]["total"],
        rate=1000 * end["ram"]["normal-bytes"] / end["total-time"] if long else None,
        last_rate=_rate_after(late[0], last) if late else None,
        rounds=tuple(rounds),
    )


def _rate_after(first: dict[str, Any], last: dict[str, Any]) -> float:
    """The switch was up to a reading (0.2 s) before the first one that shows it: half of that is added."""
    sent: int = last["ram"]["transferred"] - first["ram"]["precopy-bytes"]
    took_s: float = (last["total-time"] - first["total-time"]) / 1000 + 0.1
    return sent / took_s


def predicted(run: Recorded, known: Sequence[Recorded], all_runs: Iterable[Recorded]) -> Course:
    others = [each for each in all_runs if each is not run]
    rate = _median([each.rate for each in known if each.rate] or [each.rate for each in others if each.rate])
    last = _median([each.last_rate for each in known if each.last_rate] or [e.last_rate for e in others if e.last_rate])
    memory = _median([each.first_bytes for each in known if each.first_bytes] or [each.all_bytes for each in known])
    curve = DirtyCurve(tuple(_points(known)), memory)
    link, unused = Link(rate, last), max(0.0, run.total_bytes - memory)
    if run.mode.startswith("Stop"):
        return course(memory, link, DirtyCurve(), unused_bytes=unused)
    if run.mode in POST_COPY_S:
        return post_copy(memory, link, curve, POST_COPY_S[run.mode])
    throttle = Throttle() if run.mode.startswith("Auto") else None
    return course(memory, link, curve, throttle=throttle, unused_bytes=unused)


def _points(known: Sequence[Recorded]) -> Iterator[tuple[float, float]]:
    """Of each round by its number, the medians."""
    for number in range(1, ROUNDS + 1):
        found = [(took_s, dirtied) for run in known for at, took_s, dirtied in run.rounds if at == number]
        if found:
            yield _median([took_s for took_s, _ in found]), _median([dirtied for _, dirtied in found])


def _median(values: Sequence[float | None]) -> float:
    return float(statistics.median([each for each in values if each is not None]))


def qemu(runs: Sequence[Recorded]) -> None:
    print("| mode | runs | error, other runs of the mode known | error, only other modes known | wrong verdicts |")
    print("|---|---:|---:|---:|---:|")
    errors: dict[str, list[float]] = {"same": [], "other": []}
    wrong = 0
    for mode in sorted({run.mode for run in runs}):
        of_mode = [run for run in runs if run.mode == mode]
        cells, wrong_here = [], 0
        for how in errors:
            found: list[float] = []
            for run in of_mode:
                same = [each for each in of_mode if each is not run]
                other = [each for each in runs if each.load == run.load and each.mode != mode]
                told = predicted(run, same if how == "same" else other or same, runs)
                wrong_here += told.converges is not run.ends
                if run.ends and told.converges:
                    found.append(abs(told.duration_s - run.took_s) / run.took_s)
            cells.append(f"{statistics.median(found):.1%}" if found else "does not end")
            errors[how] += found
        wrong += wrong_here
        print(f"| {mode} | {len(of_mode)} | {cells[0]} | {cells[1]} | {wrong_here} of {2 * len(of_mode)} |")
    by_same, by_other = (f"{statistics.median(each):.1%}" for each in errors.values())
    print(f"| all, median | {len(runs)} | {by_same} | {by_other} | {wrong} of {2 * len(runs)} |\n")


def nova(files: Sequence[tuple[Path, dict[str, Any]]]) -> None:
    """Some files hold the same runs as others: each counts once."""
    classes: dict[tuple[str, str], list[float]] = {}
    for file, tables in files:
        way = f"{'block' if 'block' in file.name else 'shared'}, tunnel {'on' if '_tun_on' in file.name else 'off'}"
        for flavour, table in tables.items():
            told = [float(each) for row in table["ITERATION"].values() for each in row.values() if _number(each)]
            known = classes.setdefault((way, flavour), [])
            known += [each for each in told if each not in known]
    print("| path | flavour | runs | median | predicted from the other flavours | error, median |")
    print("|---|---|---:|---:|---:|---:|")
    errors: list[float] = []
    for (way, flavour), took in sorted(classes.items()):
        pasts = [
            Past(FLAVOURS_GB[other], seconds)
            for (its_way, other), all_seconds in classes.items()
            if its_way == way and other != flavour
            for seconds in all_seconds[:: max(1, len(all_seconds) // 25)][:25]
        ]
        learned = path(pasts)
        assert learned is not None
        told_s = learned.fixed_s + FLAVOURS_GB[flavour] / learned.rate_bytes_s.p50
        found = [abs(each - told_s) / each for each in took]
        errors += found
        median_s = statistics.median(took)
        print(
            f"| {way} | {flavour} | {len(took)} | {median_s:.1f} s | {told_s:.1f} s | {statistics.median(found):.1%} |"
        )
    print(f"| all | | {len(errors)} | | | {statistics.median(errors):.1%} |\n")


def _number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("files", metavar="FILE", nargs="+", type=Path)
    files = [(file, json.loads(file.read_text(encoding="utf-8"))) for file in options.parse_args().files]
    print(f"{today()}, {machine()}\n")
    runs = [recorded(file, told) for file, told in files if isinstance(told, list)]
    if runs:
        qemu(runs)
    tables = [(file, told) for file, told in files if isinstance(told, dict)]
    if tables:
        nova(tables)


if __name__ == "__main__":
    main()
