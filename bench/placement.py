"""The best target of one guest among 10,000 hosts with 100,000 guests: replayed facts of the lab's hosts and guests.

What each host sees of a guest is made when it is asked for: the facts of a thousand million pairs fit into no memory.
Some of the choices are made by judging every host too, and have to be the same. Prints a table in Markdown.

    VMFERRY_LAB=bench .venv/bin/python -m bench.placement
    .venv/bin/python -m bench.placement --facts FILE        # without the lab: facts that were saved before
"""

from __future__ import annotations

import argparse
import gc
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bench.check import PLAIN, VMFERRY, lab
from bench.fleet import BLIND, blinded, guest_like, host_like, own_view
from bench.measure import machine, run, today
from vmferry.facts.guest import GuestFacts
from vmferry.facts.host import KnownGuest
from vmferry.facts.move import View
from vmferry.facts.path import PathFacts
from vmferry.facts.snapshot import Snapshot
from vmferry.service.check import Chooser, check_one
from vmferry.service.facts_file import load_facts

HOSTS, GUESTS = 10_000, 100_000
KINDS = 4
"""So many real hosts are the models."""
CHOICES, COMPARED = 3_000, 5
P99_S, RATE = 0.005, 500


class HostViews(dict[str, View]):
    """Of one guest: one view for each kind of host, and another one for those that do not see its disks."""

    def __init__(self, seen: Snapshot, base: GuestFacts, guest: GuestFacts) -> None:
        super().__init__()
        self._kinds = [own_view(seen.views[base.guest.uuid][host.name], base, guest) for host in seen.hosts]
        self._blind = [blinded(view) for view in self._kinds]
        self._own = next(number for number, host in enumerate(seen.hosts) if host.name == base.guest.host)
        self._here, self._seed = guest.guest.host, hash(guest.guest.name)

    def get(self, name: str, default: View | None = None) -> View:  # type: ignore[override]
        if name == self._here:
            return self._kinds[self._own]
        number = int(name.removeprefix("host"))
        blind = random.Random(self._seed ^ number).random() < BLIND
        return (self._blind if blind else self._kinds)[number % len(self._kinds)]


class Views(dict[str, dict[str, View]]):
    """By guest; the last one is kept."""

    def __init__(self, seen: Snapshot, guests: dict[str, tuple[GuestFacts, GuestFacts]]) -> None:
        super().__init__()
        self._seen, self._guests = seen, guests
        self._last: tuple[str, HostViews] | None = None

    def get(self, uuid: str, default: object = None) -> HostViews:  # type: ignore[override]
        if self._last is None or self._last[0] != uuid:
            self._last = uuid, HostViews(self._seen, *self._guests[uuid])
        return self._last[1]


def fleet(seen: Snapshot, hosts: int, guests: int) -> Snapshot:
    draw = random.Random(1)
    names = [f"host{number:05}" for number in range(hosts)]
    known: dict[str, tuple[GuestFacts, GuestFacts]] = {}
    here: dict[str, list[KnownGuest]] = {name: [] for name in names}
    for number in range(guests):
        base = seen.guests[number % len(seen.guests)]
        made = replace(guest_like(base, number, names, draw), live_xml=base.live_xml)
        known[made.guest.uuid] = base, made
        own = KnownGuest(made.guest.name, made.guest.uuid, active=True, vcpus=made.guest.vcpus)
        here[made.guest.host].append(own)
    made_hosts = tuple(
        replace(host_like(seen.hosts[number % len(seen.hosts)], name, [], draw), guests=tuple(here[name]), cpus=64)
        for number, name in enumerate(names)
    )
    placed = tuple(made for _, made in known.values())
    kinds = [_paths(seen, number, names) for number in range(len(seen.hosts))]
    paths = {name: kinds[number % len(kinds)] for number, name in enumerate(names)}
    return Snapshot(seen.taken, made_hosts, placed, Views(seen, known), paths)


def _paths(seen: Snapshot, source: int, names: list[str]) -> dict[str, PathFacts]:
    """As it was tried between real hosts of these kinds; between two of one kind, as from another one."""
    own, found = seen.hosts[source].name, {}
    for number, host in enumerate(seen.hosts):
        ways = [paths[host.name] for name, paths in seen.paths.items() if host.name in paths and name == own]
        ways += [paths[host.name] for paths in seen.paths.values() if host.name in paths]
        found |= dict.fromkeys(names[number :: len(seen.hosts)], ways[0])
    return found


def lab_facts(path: Path) -> None:
    with lab(KINDS):
        run(VMFERRY, "facts", "save", str(path))


def measured(snapshot: Snapshot) -> Iterator[str]:
    began_s = time.process_time()
    chooser = Chooser(snapshot, wish=PLAIN)
    ready_s = time.process_time() - began_s
    draw = random.Random(2)
    guests = draw.sample(snapshot.guests, CHOICES)
    gc.collect()
    gc.disable()  # as the command does
    times, looked, placed, proved = [], [], 0, 0
    for guest in guests:
        began_s = time.perf_counter()
        report = chooser.choose(guest)
        times.append(time.perf_counter() - began_s)
        looked.append(len(report.candidates))
        placed += report.best is not None
        proved += report.proved
    for guest in guests[:COMPARED]:
        mine, whole = chooser.choose(guest), check_one(snapshot, guest, wish=PLAIN)
        assert (mine.best and (mine.best.host, mine.best.score)) == (whole.best and (whole.best.host, whole.best.score))
    p50, p99 = statistics.median(times), statistics.quantiles(times, n=100)[98]
    titles = "hosts | guests | choices | ready, s | p50, ms | p99, ms | the worst, ms | a second | judged: mean | most"
    yield f"| {titles} | placed | proved |"
    yield "|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    rate = len(times) / sum(times)
    yield (
        f"| {len(snapshot.hosts):,} | {len(snapshot.guests):,} | {len(times):,} | {ready_s:.2f} | {1000 * p50:.2f} "
        f"| {1000 * p99:.2f} | {1000 * max(times):.2f} | {rate:,.0f} | {statistics.mean(looked):.1f} | {max(looked)} "
        f"| {placed:,} | {proved:,} |"
    )
    yield f"\n{COMPARED} of them were made by judging every host too, with the same host and score.\n"
    yield "| bound | wanted | measured |"
    yield "|---|---|---|"
    yield f"| p99, ms | ≤ {1000 * P99_S:g} | {1000 * p99:.2f} |"
    yield f"| choices a second on one core | ≥ {RATE} | {rate:,.0f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--facts", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.facts or Path(folder, "facts.json")
        if options.facts is None:
            lab_facts(path)
        seen = load_facts(path)
    print(f"{machine()}; {today()}\n")
    print("\n".join(measured(fleet(seen, HOSTS, GUESTS))))


if __name__ == "__main__":
    main()
