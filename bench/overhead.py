"""What vmferry adds to `virsh migrate`: the same guest of a lab, moved by the one and by the other in turn.

Measured are libvirt's own job time, the whole command, and the peak memory. Prints a table in Markdown.

    VMFERRY_LAB=bench .venv/bin/python -m bench.overhead --pairs 20
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.measure import Run, machine, run, spread, today
from vmferry.lab.guest import guest_address
from vmferry.lab.guest_page import read_page
from vmferry.lab.layout import layout_of_environment

VMFERRY = str(Path(sys.prefix) / "bin" / "vmferry")
GUEST = "bench"
SETTLE_S = 1.0
"""Between two migrations, so that neither pays for what the other left to do."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One migration. `steps_s` are vmferry's own phases, by name."""

    job_s: float
    whole: Run
    steps_s: dict[str, float]


@contextmanager
def lab(disk: str) -> Iterator[dict[str, Any]]:
    """A lab of two hosts with one busy guest, taken down at the end."""
    run(VMFERRY, "lab", "up", "--hosts", "2")
    try:
        size, dirty = ("--memory", "512MiB"), ("--dirty", "20MiB/s", "--working-set", "128MiB")
        run(VMFERRY, "lab", "guest", GUEST, *size, "--disk", disk, *dirty, "--on", "h1")
        status: dict[str, Any] = json.loads(run(VMFERRY, "lab", "status", "-o", "json").stdout)
        yield {host["name"]: host for host in status["hosts"]} | {"config": status["config"]}
    finally:
        run(VMFERRY, "lab", "down")


def by_virsh(hosts: dict[str, Any], source: str, target: str) -> Sample:
    config = Path(hosts["config"]).read_text()
    migration_address = _migration_address(config, target)
    whole = run(
        "virsh", "-q", "-c", hosts[source]["uri"],
        "migrate", "--live", "--p2p", "--persistent", "--undefinesource",
        GUEST, f"qemu+ssh://root@{target}/system", f"tcp://{migration_address}",
    )  # fmt: skip
    return Sample(_job_s(hosts[target]["uri"]), whole, {})


def _migration_address(config: str, host: str) -> str:
    return str(tomllib.loads(config)["hosts"][host]["migration_address"])


def by_vmferry(hosts: dict[str, Any], source: str, target: str) -> Sample:
    whole = run(VMFERRY, "migrate", GUEST, "--to", target, "-o", "json")
    result = json.loads(whole.stdout)
    if result["outcome"] != "migrated" or not all(check["ok"] for check in result["verification"]):
        raise RuntimeError(f"not migrated and verified: {whole.stdout}")
    return Sample(_job_s(hosts[target]["uri"]), whole, _steps_s(result["steps"]))


def _steps_s(steps: list[dict[str, str]]) -> dict[str, float]:
    def at(stamp: str) -> datetime:
        return datetime.fromisoformat(stamp.replace("Z", "+00:00"))

    return {step["step"]: (at(step["ended"]) - at(step["started"])).total_seconds() for step in steps}


def _job_s(uri: str) -> float:
    """Libvirt's own time of the last completed migration."""
    for line in run("virsh", "-q", "-c", uri, "domjobinfo", "--completed", GUEST).stdout.splitlines():
        if line.startswith("Time elapsed:"):
            return float(line.split()[2]) / 1000
    raise RuntimeError("libvirt gave no elapsed time")


def guest_errors() -> int:
    """What the guest itself found wrong with its memory and disk."""
    return read_page(guest_address(layout_of_environment(), GUEST)).errors


Mover = Callable[[dict[str, Any], str, str], Sample]


def pairs(hosts: dict[str, Any], number: int) -> tuple[list[Sample], list[Sample]]:
    """Each pair moves the guest there by one and back by the other; who goes first changes with every pair."""
    samples: dict[Mover, list[Sample]] = {by_virsh: [], by_vmferry: []}
    for pair in range(number):
        order: tuple[Mover, Mover] = (by_virsh, by_vmferry) if pair % 2 == 0 else (by_vmferry, by_virsh)
        for mover, source, target in zip(order, ("h1", "h2"), ("h2", "h1"), strict=True):
            time.sleep(SETTLE_S)
            samples[mover].append(mover(hosts, source, target))
        print(f"pair {pair + 1} of {number}", file=sys.stderr)
    return samples[by_virsh], samples[by_vmferry]


def table(virsh: list[Sample], vmferry: list[Sample]) -> Iterator[str]:
    rows = (
        ("libvirt's own job, s", [s.job_s for s in virsh], [s.job_s for s in vmferry]),
        ("whole command, s", [s.whole.wall_s for s in virsh], [s.whole.wall_s for s in vmferry]),
        ("CPU time of the command, s", [s.whole.cpu_s for s in virsh], [s.whole.cpu_s for s in vmferry]),
        (
            "peak memory, MiB",
            [s.whole.peak_bytes / 2**20 for s in virsh],
            [s.whole.peak_bytes / 2**20 for s in vmferry],
        ),
    )
    yield "| median (smallest to largest) | virsh | vmferry | ratio of the medians | median of the pairs' ratios |"
    yield "|---|---|---|---|---|"
    for name, theirs, ours in rows:
        ratio = statistics.median(ours) / statistics.median(theirs)
        paired = statistics.median(b / a for a, b in zip(theirs, ours, strict=True))
        yield f"| {name} | {spread(theirs)} | {spread(ours)} | {ratio:.3f} | {paired:.3f} |"
    steps = {name: statistics.median(s.steps_s.get(name, 0.0) for s in vmferry) for name in vmferry[0].steps_s}
    rest = statistics.median(s.whole.wall_s - sum(s.steps_s.values()) for s in vmferry)
    spent = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in steps.items())
    yield ""
    yield f"Where vmferry's time goes (medians): {spent}, start-up, connecting and finding the guest {rest:.2f} s."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--disk", default="iscsi", help="iscsi, nfs, shared or none")
    options = parser.parse_args()
    with lab(options.disk) as hosts:
        virsh, vmferry = pairs(hosts, options.pairs)
        errors = guest_errors()
        versions = f"QEMU {hosts['h1']['qemu']}, libvirt {hosts['h1']['libvirt']} on both hosts"
    print(
        f"{today()}; {machine()}; {versions}; {options.pairs} pairs; guest of 512 MiB dirtying 20 MiB/s over 128 MiB.\n"
    )
    print("\n".join(table(virsh, vmferry)))
    print(f"\nErrors that the guest found in its memory and on its disk: {errors}.")


if __name__ == "__main__":
    main()
