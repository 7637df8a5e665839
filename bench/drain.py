"""A host with busy guests emptied over a shaped link: by `vmferry drain`, and by `virsh migrate` one by one, two at a
time and all at once, in turn. Prints a table in Markdown.

    VMFERRY_LAB=bench .venv/bin/python -m bench.drain --rounds 2
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bench.measure import machine, run, spread, today
from bench.storage import VMFERRY, lab
from vmferry.lab.guest import guest_address
from vmferry.lab.guest_page import read_page
from vmferry.lab.layout import layout_of_environment

GUESTS = tuple(f"d{number}" for number in range(8))
BUSY = ("--memory", "128MiB", "--dirty", "1MiB/s", "--working-set", "8MiB", "--disk", "shared", "--disk-size", "4MiB")
RATE, LINK_BYTES_S = "100mbit", 12_500_000
TARGETS = ("h2", "h3")
SETTLE_S = 2.0


@dataclass(frozen=True, slots=True)
class Sample:
    whole_s: float
    """From the command to the end of the last migration, with checks and verification where there are any."""
    sent_bytes: int
    """Of memory, by libvirt's count."""

    @property
    def link_s(self) -> float:
        """What the link needs for as many bytes."""
        return self.sent_bytes / LINK_BYTES_S


@contextmanager
def guests() -> Iterator[None]:
    try:
        for name in GUESTS:
            run(VMFERRY, "lab", "guest", name, *BUSY, "--on", "h1")
        run(VMFERRY, "lab", "link", "h1", "--rate", RATE)
        yield
    finally:
        for name in GUESTS:
            run(VMFERRY, "lab", "guest", name, "--remove", accept=(0, 1, 2))


def by_vmferry(hosts: dict[str, Any]) -> Sample:
    whole = run(VMFERRY, "drain", "h1", "-q", "-o", "json")
    jobs = json.loads(whole.stdout)["jobs"]
    if [job["outcome"] for job in jobs] != ["migrated"] * len(GUESTS):
        raise RuntimeError(f"not all are migrated: {whole.stdout}")
    return Sample(whole.wall_s, sum(job["measured"]["transferred_bytes"] for job in jobs))


def by_virsh(at_once: int) -> Callable[[dict[str, Any]], Sample]:
    def drained(hosts: dict[str, Any]) -> Sample:
        began = time.monotonic()
        with ThreadPoolExecutor(at_once) as pool:
            sent = list(pool.map(lambda pair: _migrated(hosts, *pair), _places()))
        return Sample(time.monotonic() - began, sum(sent))

    return drained


def _places() -> list[tuple[str, str, str]]:
    return [(name, "h1", TARGETS[number % len(TARGETS)]) for number, name in enumerate(GUESTS)]


def _migrated(hosts: dict[str, Any], name: str, source: str, target: str) -> int:
    run(
        "virsh", "-q", "-c", hosts[source]["uri"],
        "migrate", "--live", "--p2p", "--persistent", "--undefinesource",
        name, f"qemu+ssh://root@{target}/system", f"tcp://{hosts[target]['migration_address']}",
    )  # fmt: skip
    told = run("virsh", "-q", "-c", hosts[target]["uri"], "domjobinfo", "--completed", "--rawstats", name).stdout
    return next(int(line.split(":")[1]) for line in told.splitlines() if "memory_processed:" in line)


def back(hosts: dict[str, Any]) -> None:
    """All guests on h1 again, over an unshaped link."""
    run(VMFERRY, "lab", "link", "h1", "--up")
    run(VMFERRY, "undrain", "h1", accept=(0, 2))
    for name in GUESTS:
        for host in TARGETS:
            if name in run("virsh", "-q", "-c", hosts[host]["uri"], "list", "--name").stdout.split():
                _migrated(hosts, name, host, "h1")
    run(VMFERRY, "lab", "link", "h1", "--rate", RATE)


MODES: dict[str, Callable[[dict[str, Any]], Sample]] = {
    "vmferry drain": by_vmferry,
    "virsh, one by one": by_virsh(1),
    "virsh, two at a time": by_virsh(2),
    "virsh, all at once": by_virsh(len(GUESTS)),
}


def table(found: dict[str, list[Sample]]) -> Iterator[str]:
    yield "| | whole, s | MiB sent | whole / what the link needs for these |"
    yield "|---|---|---|---|"
    for mode, samples in found.items():
        whole, sent = [each.whole_s for each in samples], [each.sent_bytes / 2**20 for each in samples]
        ratio = statistics.median(each.whole_s / each.link_s for each in samples)
        yield f"| {mode} | {spread(whole)} | {spread(sent, '{:.0f}')} | {ratio:.2f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    found: dict[str, list[Sample]] = {mode: [] for mode in MODES}
    with lab() as config:
        hosts = tomllib.loads(config.read_text())["hosts"]
        with guests():
            for number in range(options.rounds):
                order = list(MODES)[number % 4 :] + list(MODES)[: number % 4]
                for mode in order:
                    time.sleep(SETTLE_S)
                    found[mode].append(MODES[mode](hosts))
                    back(hosts)
            layout = layout_of_environment()
            errors = sum(read_page(guest_address(layout, name)).errors for name in GUESTS)
    if errors:
        raise RuntimeError(f"the guests found {errors} errors in their memory and disks")
    print(
        f"{today()}; {machine()}; {options.rounds} rounds; 8 guests of 128 MiB that dirty 1 MiB/s, a link of {RATE}.\n"
    )
    print("\n".join(table(found)))


if __name__ == "__main__":
    main()
