"""`balance` beside hbal of ganeti-htools, on generated clusters: hbal's score of both results, memory moved, CPU time.

    .venv/bin/python -m bench.balance [--seeds N] [--eagerness 1-5]

Both get the same cluster: guests thrown unevenly onto hosts, each with memory, virtual CPUs and a measured use of CPU,
on storage that all hosts share. hbal reads it as its text backend's file, with the use of CPU as a share of a host
(`-U`); ours gets the three kinds with the weights that hbal's score has. Needs hbal (`apt-get install ganeti-htools`).
"""

from __future__ import annotations

import argparse
import random
import re
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.measure import machine, run, today
from vmferry.model.aim import KINDS, Terms
from vmferry.placement.balance import Balanced, Load, Node, even

SIZES = ((20, 200), (50, 500))
LARGE = (1000, 10_000)
MIB = 1 << 20
HOST_MIB, OWN_MIB, CPUS, DISK_MIB = 131_072, 4_096, 32, 4_000_000
RATE_MIB_S = 100
"""By which a guest's memory is the time of its migration."""
POLICY = (
    "|128,1,1024,1,1,1|128,1,1024,1,1,1;32768,8,1048576,16,8,12|diskless,file,sharedfile,plain,blockdev,drbd,rbd,ext"
    "|32.0|32.0"
)


@dataclass(frozen=True, slots=True)
class Guest:
    name: str
    mib: int
    vcpus: int
    cpus_used: float
    host: int


def cluster(hosts: int, guests: int, seed: int) -> list[Guest]:
    draw = random.Random(f"{hosts} {guests} {seed}")
    weights = [draw.uniform(0.2, 1.8) for _ in range(hosts)]
    free = [HOST_MIB - OWN_MIB - 8192] * hosts
    made = []
    for number in range(guests):
        mib, vcpus = draw.choice([1024, 2048, 4096, 8192, 8192, 16_384]), draw.choice([1, 2, 2, 4, 8])
        host = next(each for each in iter(lambda: draw.choices(range(hosts), weights)[0], -1) if free[each] >= mib)
        free[host] -= mib
        made.append(Guest(f"g{number}", mib, vcpus, round(draw.random() ** 2 * vcpus, 3), host))
    return made


def text(hosts: int, guests: list[Guest], places: dict[str, int]) -> str:
    """The text backend's file, with the guests where `places` says."""
    used = [0] * hosts
    for each in guests:
        used[places[each.name]] += each.mib
    lines = ["group|uuid|preferred||", ""]
    for host in range(hosts):
        free = HOST_MIB - OWN_MIB - used[host]
        role = "M" if host == 0 else "N"
        sizes = f"{HOST_MIB}|{OWN_MIB}|{free}|{DISK_MIB}|{DISK_MIB}|{CPUS}"
        lines.append(f"n{host:04}|{sizes}|{role}|uuid|1||N|0|1|1.0")
    lines.append("")
    for each in guests:
        where = f"n{places[each.name]:04}"
        lines.append(f"{each.name}|{each.mib}|10240|{each.vcpus}|running|Y|{where}||sharedfile||1|1|N")
    return "\n".join([*lines, "", "", POLICY, f"group{POLICY}", ""])


@dataclass(frozen=True, slots=True)
class Outcome:
    score: float
    moves: int
    moved_mib: int
    cpu_s: float


class Beside:
    """One cluster, for both."""

    def __init__(self, folder: Path, hosts: int, guests: list[Guest]) -> None:
        self.folder, self.hosts, self.guests = folder, hosts, guests
        self.use = folder / "use"
        self.use.write_text("".join(f"{each.name} {each.cpus_used / CPUS:.6f} 0 0 0\n" for each in guests))
        self.start = {each.name: each.host for each in guests}

    def score(self, places: dict[str, int]) -> float:
        """hbal's own."""
        file = self.folder / "scored"
        file.write_text(text(self.hosts, self.guests, places))
        told = run("hbal", "-t", str(file), "-U", str(self.use), "-l", "0", "-v", "-v").stdout
        found = re.search(r"coefficients: overall ([\d.]+)", told)
        assert found is not None, told
        return float(found[1])

    def outcome(self, places: dict[str, int], cpu_s: float) -> Outcome:
        moved = [each for each in self.guests if places[each.name] != each.host]
        return Outcome(self.score(places), len(moved), sum(each.mib for each in moved), cpu_s)

    def hbal(self) -> Outcome:
        file, out = self.folder / "cluster", self.folder / "out"
        file.write_text(text(self.hosts, self.guests, self.start))
        took_s = run("hbal", "-t", str(file), "-U", str(self.use), "-S", str(out)).cpu_s
        sections = out.with_suffix(".balanced").read_text().split("\n\n")
        rows = [line.split("|") for line in sections[2].splitlines()]
        return self.outcome({row[0]: int(row[6].removeprefix("n")) for row in rows}, took_s)

    def ours(self, eagerness: int) -> Outcome:
        names = [f"n{host:04}" for host in range(self.hosts)]
        everywhere = frozenset(names)
        nodes = [_node(name, sum(g.mib for g in self.guests if g.host == n)) for n, name in enumerate(names)]
        loads = [
            Load(
                each.name,
                each.name,
                names[each.host],
                each.mib * MIB,
                each.vcpus,
                each.cpus_used,
                each.mib / RATE_MIB_S,
                everywhere - {names[each.host]},
            )
            for each in self.guests
        ]
        began_s = time.process_time()
        found: Balanced = even(nodes, loads, Terms(dict.fromkeys(KINDS, 1.0), eagerness))
        took_s = time.process_time() - began_s
        places = self.start | {shift.load.uuid: names.index(shift.target) for shift in found.shifts}
        return self.outcome(places, took_s)


def _node(name: str, used_mib: int) -> Node:
    room = HOST_MIB - OWN_MIB - used_mib
    return Node(name, HOST_MIB * MIB, room * MIB, CPUS, own_memory_bytes=OWN_MIB * MIB)


def _line(who: str, size: str, found: list[Outcome], start: float) -> str:
    score, moved = statistics.fmean(each.score for each in found), statistics.fmean(each.moved_mib for each in found)
    moves, cpu_s = statistics.fmean(each.moves for each in found), statistics.fmean(each.cpu_s for each in found)
    return f"| {size} | {who} | {start:.3f} | {score:.3f} | {moves:.0f} | {moved / 1024:,.0f} | {cpu_s:.3f} |"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seeds", type=int, default=3)
    options.add_argument("--eagerness", type=int, default=2)
    chosen = options.parse_args()
    if shutil.which("hbal") is None:
        sys.exit("hbal is not installed: apt-get install ganeti-htools")
    print(f"{today()}, {machine()}, means of {chosen.seeds} clusters, eagerness {chosen.eagerness}\n")
    print("| hosts / guests | | hbal's score before | after | moves | GiB moved | seconds of CPU |")
    print("|---|---|---:|---:|---:|---:|---:|")
    worse: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for hosts, guests in SIZES:
            pairs, starts = [], []
            for seed in range(chosen.seeds):
                beside = Beside(Path(folder), hosts, cluster(hosts, guests, seed))
                theirs, ours = beside.hbal(), beside.ours(chosen.eagerness)
                starts.append(beside.score(beside.start))
                pairs.append((theirs, ours))
                if ours.score > theirs.score or ours.moved_mib > theirs.moved_mib or ours.cpu_s > theirs.cpu_s / 50:
                    worse.append(f"{hosts}/{guests}, cluster {seed}: {theirs} against {ours}")
            start, size = statistics.fmean(starts), f"{hosts} / {guests}"
            print(_line("hbal", size, [pair[0] for pair in pairs], start))
            print(_line("vmferry", size, [pair[1] for pair in pairs], start), flush=True)
        beside = Beside(Path(folder), LARGE[0], cluster(*LARGE, 0))
        large = beside.ours(chosen.eagerness)
        print(_line("vmferry", f"{LARGE[0]:,} / {LARGE[1]:,}", [large], beside.score(beside.start)))
    print(f"\nWorse than hbal in something: {'; '.join(worse) or 'never'}")


if __name__ == "__main__":
    main()
