"""The lab's own bounds: the time until three hosts and their storage can be used, an idle host's memory, the time to
take it all down. Prints a table in Markdown. Needs root, and the images in the cache (`vmferry lab prepare --images`).

    .venv/bin/python -m bench.lab --rounds 5
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.measure import machine, run, spread, today
from vmferry.lab import cgroup, control
from vmferry.lab.down import exists
from vmferry.lab.layout import Layout, layout_of_environment

VMFERRY = str(Path(sys.prefix) / "bin" / "vmferry")
HOSTS = 3
UP_BOUND_S, IDLE_BOUND_MB, DOWN_BOUND_S = 20, 100, 10


@dataclass(frozen=True, slots=True)
class Sample:
    up_s: float
    idle_mb: float
    """Of the largest hypervisor host: the proportional set size of its processes."""
    down_s: float


def sample(layout: Layout) -> Sample:
    up = run(VMFERRY, "lab", "up", "--hosts", str(HOSTS))
    hosts = [host.name for host in control.opened(layout).plan.hypervisors]
    idle_bytes = max(sum(pss_bytes(pid) for pid in cgroup.processes(layout, host)) for host in hosts)
    down = run(VMFERRY, "lab", "down")
    return Sample(up.wall_s, idle_bytes / 1e6, down.wall_s)


def pss_bytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def report(samples: list[Sample]) -> str:
    rows = [
        ("vmferry lab up, 3 hosts and storage, s", [one.up_s for one in samples], "{:.1f}", UP_BOUND_S),
        ("an idle host, MB", [one.idle_mb for one in samples], "{:.0f}", IDLE_BOUND_MB),
        ("vmferry lab down, s", [one.down_s for one in samples], "{:.1f}", DOWN_BOUND_S),
    ]
    head = [f"{machine()}; {today()}; {len(samples)} rounds", "", "| | median (range) | bound |", "|---|---|---|"]
    return "\n".join([*head, *(f"| {name} | {spread(values, form)} | {bound} |" for name, values, form, bound in rows)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds: int = parser.parse_args().rounds
    os.environ.setdefault("VMFERRY_LAB", "bench")
    layout = layout_of_environment()
    if exists(layout):
        parser.error(f"a lab {layout.name} is there already: name another one by VMFERRY_LAB, or take it down")
    print(report([sample(layout) for _ in range(rounds)]))


if __name__ == "__main__":
    main()
