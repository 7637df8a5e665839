"""A guest that is off, with disks of several sizes: time, and the peak memory of vmferry, which is to be flat.

VMFERRY_LAB=bench .venv/bin/python -m bench.offline
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass

from bench.measure import machine, run, today
from bench.storage import GIB, GUEST, MIB, VMFERRY, lab, refill, remove, taken

SIZES = {"100 MiB": 100 * MIB, "1 GiB": GIB, "4 GiB": 4 * GIB}


@dataclass(frozen=True, slots=True)
class Sample:
    whole_s: float
    peak_bytes: int
    sent_bytes: int
    had_bytes: int
    takes_bytes: int


def sample(form: str, size_bytes: int) -> Sample:
    """All of the disk is written."""
    run(VMFERRY, "lab", "guest", GUEST, "--memory", "192MiB", "--working-set", "4MiB", "--disk", "local", "--on", "h1")
    try:
        refill("h1", form, size_bytes, size_bytes)
        had = taken("h1")
        moved = run(VMFERRY, "migrate", GUEST, "--to", "h2", "--offline", "-q", "-o", "json")
        document = json.loads(moved.stdout)
        return Sample(moved.wall_s, moved.peak_bytes, document["measured"]["transferred_bytes"], had, taken("h2"))
    finally:
        remove()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--formats", nargs="+", default=["raw", "qcow2"])
    options = parser.parse_args()
    with lab():
        found = {(form, size): sample(form, SIZES[size]) for form in options.formats for size in SIZES}
    print(f"{today()}; {machine()}; all of the disk is written.\n")
    print("| format, disk | whole command, s | MiB/s | peak memory, MiB | sent / allocated | on target / on source |")
    print("|---|---|---|---|---|---|")
    for (form, size), each in found.items():
        rate = each.sent_bytes / MIB / each.whole_s
        sent, takes = each.sent_bytes / each.had_bytes, each.takes_bytes / each.had_bytes
        peak = each.peak_bytes / MIB
        print(f"| {form}, {size} | {each.whole_s:.1f} | {rate:.0f} | {peak:.1f} | {sent:.2f} | {takes:.2f} |")
    peaks = [each.peak_bytes for each in found.values()]
    print(f"\nLargest difference in peak memory: {(max(peaks) - min(peaks)) / MIB:.1f} MiB (bound: 20 MB).")


if __name__ == "__main__":
    main()
