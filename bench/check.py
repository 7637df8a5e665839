"""How long a check takes: on the lab with everything gathered anew, and replayed from facts of fleets of growing size.

The fleets are made of the facts of the lab's real hosts and guests (`bench/fleet.py`), saved, and read back from the
file. Prints tables in Markdown. Needs root, and the images in the cache (`vmferry lab prepare --images`).

    VMFERRY_LAB=bench .venv/bin/python -m bench.check --rounds 5
    .venv/bin/python -m bench.check --facts FILE        # without the lab: facts that were saved before
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

from bench.fleet import fleet
from bench.measure import machine, run, spread, today
from vmferry.facts.snapshot import Snapshot
from vmferry.facts.wish import MoveWish
from vmferry.model.tuning import Encryption
from vmferry.service.check import check_all, check_one
from vmferry.service.facts_file import load_facts, save_facts

VMFERRY = str(Path(sys.prefix) / "bin" / "vmferry")
HOSTS, GUEST, OTHER = 8, "bench", "bench2"
LEAN = ("--memory", "160MiB", "--working-set", "16MiB", "--dirty", "0", "--disk-size", "4MiB")
LAB_BOUND_S, ONE_BOUND_S, MATRIX_BOUND_S = 3.0, 0.5, 20.0
ONE = (125, 250, 500, 1000)
MATRIX = ((50, 500), (100, 1000), (200, 2000))

T = TypeVar("T")
PLAIN = MoveWish(encryption=Encryption.AUTO)
"""What the command asks for without any option."""


@contextmanager
def lab(hosts: int) -> Iterator[None]:
    """With two guests, on storage of two kinds."""
    run(VMFERRY, "lab", "up", "--hosts", str(hosts), "--mixed")
    try:
        run(VMFERRY, "lab", "guest", GUEST, *LEAN, "--disk", "shared", "--on", "h1")
        run(VMFERRY, "lab", "guest", OTHER, *LEAN, "--disk", "iscsi", "--on", "h2")
        yield
    finally:
        run(VMFERRY, "lab", "down")


def in_the_lab(rounds: int, facts: Path) -> Iterator[str]:
    """The whole command against seven other hosts; then the lab's facts into a file."""
    with lab(HOSTS):
        runs = [run(VMFERRY, "check", GUEST, "-o", "json") for _ in range(rounds)]
        run(VMFERRY, "facts", "save", str(facts))
    targets = json.loads(runs[0].stdout)["targets"]
    looked = statistics.median(len(target["findings"]) for target in targets)
    yield "| targets | things looked at, each | whole command, s | CPU time of the command, s | bound |"
    yield "|---|---|---|---|---|"
    walls, cpus = spread([one.wall_s for one in runs]), spread([one.cpu_s for one in runs])
    yield f"| {len(targets)} | {looked:.0f} | {walls} | {cpus} | {LAB_BOUND_S:g} s |"


def replayed(seen: Snapshot, rounds: int) -> Iterator[str]:
    yield "| hosts | guests | file, MB | read, s | judged, s | a target, µs | whole command, s | bound on judging |"
    yield "|---|---|---|---|---|---|---|---|"
    for hosts in ONE:
        bound = f"{ONE_BOUND_S:g} s" if hosts == ONE[-1] else ""
        yield _row(fleet(seen, hosts, 1), ("guest00000",), _one, hosts - 1, bound, rounds)
    for hosts, guests in MATRIX:
        bound = f"{MATRIX_BOUND_S:g} s" if hosts == MATRIX[-1][0] else ""
        yield _row(fleet(seen, hosts, guests), ("--all",), _all, guests * (hosts - 1), bound, 1)


def _row(
    made: Snapshot, words: tuple[str, ...], judge: Callable[[Snapshot], object], moves: int, bound: str, rounds: int
) -> str:
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "fleet.json"
        save_facts(made, path)
        size_mb = path.stat().st_size / 1e6
        read, judged = [], []
        for _ in range(rounds):
            read_s, snapshot = _timed(partial(load_facts, path))
            judged_s, _ = _timed(partial(judge, snapshot))
            read.append(read_s)
            judged.append(judged_s)
        whole = run(VMFERRY, "check", *words, "--facts", str(path), accept=(0, 3))
    each_us = statistics.median(judged) / moves * 1e6
    cells = (str(len(made.hosts)), str(len(made.guests)), f"{size_mb:.1f}", spread(read), spread(judged))
    return f"| {' | '.join(cells)} | {each_us:.0f} | {whole.wall_s:.2f} | {bound} |"


def _one(snapshot: Snapshot) -> object:
    return [each.verdict for each in check_one(snapshot, snapshot.guests[0], wish=PLAIN).candidates]


def _all(snapshot: Snapshot) -> object:
    """Verdicts and what does not pass, of every cell."""
    return [(judged.verdict, judged.open) for row in check_all(snapshot, wish=PLAIN) for _, judged in row.cells]


def _timed(call: Callable[[], T]) -> tuple[float, T]:
    """CPU seconds of the process, without the collection of rings of garbage, which the command leaves out too."""
    gc.disable()
    began = time.process_time()
    result = call()
    took_s = time.process_time() - began
    gc.enable()
    return took_s, result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--facts", type=Path, help="facts that were saved before; the lab is left out")
    options = parser.parse_args()
    print(f"{machine()}; {today()}; {options.rounds} rounds\n")
    with tempfile.TemporaryDirectory() as place:
        facts: Path = options.facts or Path(place) / "lab.json"
        if options.facts is None:
            print("\n".join(in_the_lab(options.rounds, facts)), end="\n\n")
        for line in replayed(load_facts(facts), options.rounds):
            print(line, flush=True)


if __name__ == "__main__":
    main()
