"""Whether a copy will end: told early, on recorded migrations; and what steering makes of it, on a lab.

    .venv/bin/python -m bench.convergence recorded ../shared/data/migrations/qemu
    VMFERRY_LAB=conv .venv/bin/python -m bench.convergence lab --rate 200mbit --rounds 3

Recorded: `query-migrate` of 50 migrations of a database guest, every 0.2 s, in folders by mode. Each is read as
vmferry reads a running one, every 0.5 s, and its verdict is taken 5 s after the first reading from which one follows.
QEMU counts what a guest dirties at the end of a round, so none follows from the first round itself. What is true of a
mode is what its name says, of auto-converge and late post-copy before they begin.

Lab: a guest dirties memory at several rates around that of the link, and is moved by each in turn. Prints Markdown.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.measure import machine, run, today
from vmferry.forecast.convergence import Evidence, outlook
from vmferry.hosts.network import NetworkProber
from vmferry.lab.guest import guest_address
from vmferry.lab.layout import layout_of_environment
from vmferry.model.migration import JobStats
from vmferry.model.units import parse_bit_rate

VMFERRY = str(Path(sys.prefix) / "bin" / "vmferry")
SETTLE_S = 2.0
"""Between two moves, so that neither pays for what the other left to do."""

READ_EVERY_S = 0.5
TOLD_S = 5.0
LIMIT_MS = 300
"""QEMU's own, with which they were recorded."""
ENDS = {
    "Precopy_Convergent": True,
    "Precopy_Nonconvergent_16T": False,
    "Precopy_Nonconvergent_OnlyReads_16T": False,
    "Autoconverge_16T": False,
    "Postcopy_Late_16T_25s": False,
    "Postcopy_Late_16T_40s": False,
}
"""Folders whose migrations come to the end of a round of pre-copy, and whether they end by themselves."""


@dataclass(frozen=True, slots=True)
class Told:
    mode: str
    first_s: float | None
    """When the first round had ended; None: it never did in pre-copy."""
    ends: bool | None


def recorded(folder: Path) -> Iterator[Told]:
    for mode in sorted(ENDS):
        for file in sorted((folder / mode).glob("*.json")):
            yield told(mode, json.loads(file.read_text()))


def told(mode: str, samples: Sequence[dict[str, Any]]) -> Told:
    evidence, verdict, first_s = Evidence(), None, None
    for stats in readings(samples):
        if first_s is not None and stats.elapsed_ms / 1000 > first_s + TOLD_S:
            break
        evidence = evidence.seen(stats)
        view = outlook(evidence, LIMIT_MS)
        if view is not None:
            first_s = stats.elapsed_ms / 1000 if first_s is None else first_s
            verdict = view.fits(LIMIT_MS)
    return Told(mode, first_s, verdict)


def readings(samples: Sequence[dict[str, Any]]) -> Iterator[JobStats]:
    """Of pre-copy, before any throttling."""
    last_s = -READ_EVERY_S
    for sample in samples:
        figures = sample["query_migrate"]
        ram = figures.get("ram")
        if ram is None or figures.get("status") != "active" or figures.get("cpu-throttle-percentage"):
            continue
        elapsed_s = figures["total-time"] / 1000
        if elapsed_s - last_s >= READ_EVERY_S - 0.02:
            last_s = elapsed_s
            yield JobStats(
                elapsed_ms=figures["total-time"],
                total_bytes=ram["total"],
                processed_bytes=ram["transferred"],
                remaining_bytes=ram["remaining"],
                rate_bytes_s=int(ram["mbps"] * 125_000),
                dirty_rate_bytes_s=ram["dirty-pages-rate"] * ram["page-size"] or None,
                round=ram["dirty-sync-count"],
            )


def recorded_table(found: Sequence[Told]) -> Iterator[str]:
    yield "| recorded mode | migrations | of them with a first round that ended | verdict right |"
    yield "|---|---|---|---|"
    for mode in sorted(ENDS):
        of_mode = [each for each in found if each.mode == mode]
        judged = [each for each in of_mode if each.ends is not None]
        right = sum(each.ends is ENDS[mode] for each in judged)
        yield f"| {mode} | {len(of_mode)} | {len(judged)} | {right} |"
    judged = [each for each in found if each.ends is not None]
    right = sum(each.ends is ENDS[each.mode] for each in judged)
    yield f"| all | {len(found)} | {len(judged)} | {right} ({100 * right / len(judged):.0f} %) |"


GUEST = "conv"
MEMORY, WORKING_SET = "256MiB", "96MiB"
FACTORS = "0.3,0.6,0.9,1.2,2.0"
"""Of the link's rate, dirtied."""
BUDGET_MS = 500
GIVEN_UP_S = 60.0
"""A pre-copy that has not ended by then is aborted and counts as one that does not end."""


@dataclass(frozen=True, slots=True)
class Moved:
    took_s: float | None
    """The copy alone, as libvirt or our journal has it; None: it did not end."""
    silent_ms: int | None
    """The longest time without an echo of the guest, seen from here."""


@dataclass(frozen=True, slots=True)
class Ground:
    """`moved` is to one host and back: the same guest for all, in turn."""

    hosts: dict[str, Any]
    addresses: dict[str, str]
    """Of hosts, on the migration network."""
    guest: str
    """Its address."""


Mover = Callable[[Ground, str, str], float | None]


def virsh(*options: str) -> Mover:
    def move(ground: Ground, source: str, target: str) -> float | None:
        command = (
            "virsh", "-q", "-c", ground.hosts[source]["uri"],
            "migrate", "--live", "--p2p", "--persistent", "--undefinesource", *options,
            GUEST, f"qemu+ssh://root@{target}/system", f"tcp://{ground.addresses[target]}",
        )  # fmt: skip
        began_s = time.monotonic()
        try:
            run("timeout", "--signal=INT", str(GIVEN_UP_S), *command)
        except RuntimeError:
            with contextlib.suppress(RuntimeError):  # libvirt's job may have gone on without virsh
                run("virsh", "-q", "-c", ground.hosts[source]["uri"], "domjobabort", GUEST)
            return None
        return time.monotonic() - began_s

    return move


def vmferry(*options: str) -> Mover:
    def move(ground: Ground, source: str, target: str) -> float | None:
        wanted = ("migrate", GUEST, "--to", target, "--max-downtime", str(BUDGET_MS), "-o", "json", "-q")
        try:
            result = json.loads(run(VMFERRY, *wanted, *options).stdout)
        except RuntimeError:
            return None
        return copied_s(result["steps"])

    return move


def copied_s(steps: Sequence[dict[str, str]]) -> float:
    """As virsh's command: the copy without our checks before and after it."""
    (copy,) = (step for step in steps if step["step"] == "copy")
    ended, began = (datetime.fromisoformat(copy[name].replace("Z", "+00:00")) for name in ("ended", "started"))
    return (ended - began).total_seconds()


MOVERS: dict[str, Mover] = {
    "vmferry --post-copy allow": vmferry("--post-copy", "allow"),
    "virsh": virsh(),
    "virsh --auto-converge": virsh("--auto-converge"),
    "virsh --postcopy, at once": virsh("--postcopy", "--timeout", "1", "--timeout-postcopy"),
}
OURS = "vmferry --post-copy allow"


def lab(rate: str, rounds: int, more: int, factors: Sequence[float]) -> Iterator[str]:
    """`more`: so many moves more by ours alone at each rate. Raises RuntimeError where the guest is lost."""
    run(VMFERRY, "lab", "up", "--hosts", "2")
    try:
        for host in ("h1", "h2"):
            run(VMFERRY, "lab", "link", host, "--rate", rate)
        yield from lab_table(parse_bit_rate(rate) / 8, rounds, more, factors)
    finally:
        run(VMFERRY, "lab", "down")


def lab_table(link_bytes_s: float, rounds: int, more: int, factors: Sequence[float]) -> Iterator[str]:
    ours: list[Moved] = []
    yield "| dirtied, of the link | by | median time, s | longest silence, ms | ended | of the best in budget |"
    yield "|---|---|---|---|---|---|"
    for factor in factors:
        dirty = f"{int(factor * link_bytes_s)}"
        size = ("--memory", MEMORY, "--working-set", WORKING_SET, "--dirty", dirty)
        run(VMFERRY, "lab", "guest", GUEST, *size, "--on", "h1")
        try:
            found = {name: moves(mover, rounds) for name, mover in MOVERS.items()}
            ours += [*found[OURS], *moves(MOVERS[OURS], more)]
        finally:
            run(VMFERRY, "lab", "guest", GUEST, "--remove")
        best = min((time_of(each) for name, each in found.items() if name != OURS and keeps(each)), default=None)
        for name, each in found.items():
            ended = sum(move.took_s is not None for move in each)
            took = f"{time_of(each):.1f}" if ended else "-"
            ratio = f"{time_of(each) / best:.2f}" if best and ended else "-"
            silent = max((move.silent_ms or 0 for move in each), default=0)
            yield f"| {factor} | {name} | {took} | {silent} | {ended} of {rounds} | {ratio} |"
    kept = sum(keeps([move]) for move in ours)
    yield ""
    yield f"Ours in all: {kept} of {len(ours)} moves ended within the budget ({100 * kept / len(ours):.0f} %)."


def moves(mover: Mover, rounds: int) -> list[Moved]:
    status = json.loads(run(VMFERRY, "lab", "status", "-o", "json").stdout)
    config = tomllib.loads(Path(status["config"]).read_text())
    ground = Ground(
        hosts={host["name"]: host for host in status["hosts"]},
        addresses={name: host["migration_address"] for name, host in config["hosts"].items()},
        guest=guest_address(layout_of_environment(), GUEST),
    )
    found = []
    for _ in range(rounds):
        source = where(ground)
        time.sleep(SETTLE_S)
        watch = NetworkProber().watch(ground.guest)
        took_s = mover(ground, source, "h2" if source == "h1" else "h1")
        found.append(Moved(took_s, watch.stop()))
        print(f"{mover}: {found[-1]}", file=sys.stderr)
    return found


def where(ground: Ground) -> str:
    for name in ("h1", "h2"):
        listed = run("virsh", "-q", "-c", ground.hosts[name]["uri"], "list", "--name", "--state-running")
        if GUEST in listed.stdout.split():
            return name
    raise RuntimeError(f"guest {GUEST} runs nowhere")


def time_of(found: Sequence[Moved]) -> float:
    return statistics.median(move.took_s if move.took_s is not None else float("inf") for move in found)


def keeps(found: Sequence[Moved]) -> bool:
    """The budget of downtime, and an end."""
    return all(move.took_s is not None and (move.silent_ms or 0) <= BUDGET_MS for move in found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(dest="part", required=True)
    parts.add_parser("recorded").add_argument("folder", type=Path)
    of_lab = parts.add_parser("lab")
    of_lab.add_argument("--rate", default="200mbit")
    of_lab.add_argument("--rounds", type=int, default=3)
    of_lab.add_argument("--more", type=int, default=20, help="moves by ours alone at each rate")
    of_lab.add_argument("--factors", default=FACTORS)
    chosen = parser.parse_args()
    if chosen.part == "recorded":
        if not chosen.folder.is_dir():
            parser.error(f"the recorded migrations are not there: {chosen.folder}")
        print("\n".join(recorded_table(list(recorded(chosen.folder)))))
        return
    os.environ.setdefault("VMFERRY_LAB", "conv")
    print(f"{machine()}; {today()}; link {chosen.rate}, {chosen.rounds} moves each\n")
    for line in lab(chosen.rate, chosen.rounds, chosen.more, [float(each) for each in chosen.factors.split(",")]):
        print(line, flush=True)


if __name__ == "__main__":
    main()
