"""The HTTP API of a fleet of 200 hosts and 5,000 guests in memory, served by a process that has one core.

Lists as they are asked for one after the other; and 200 listeners to the news of a running job: from the writing of a
figure into the store to each listener. The client has the other core. Prints tables in Markdown.

    .venv/bin/python -m bench.service
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import anyio
import httpx2 as httpx

from bench.measure import machine, run, today
from vmferry.api.app import make_app
from vmferry.api.server import Server, unix_socket
from vmferry.api.site import Site
from vmferry.fakes import FakeConnector, FakeProber, FakeWorld, MemoryRegister, MemoryStore, RealTime
from vmferry.flow.journal import Entry, Kind
from vmferry.flow.states import State
from vmferry.forecast.progress import Phase, Progress
from vmferry.model.host import HostEntry
from vmferry.model.job import Job, Plan
from vmferry.model.migration import MigrationResult
from vmferry.service.balance import BalancePlan
from vmferry.service.bulletin import Bulletin
from vmferry.service.fleet import Fleet
from vmferry.service.ground import Standing
from vmferry.service.offers import Offers
from vmferry.service.people import Door
from vmferry.service.roll import Roll
from vmferry.service.tools import tools
from vmferry.store import EmbeddedJobs, Place
from vmferry.web.pages import Pages

HOSTS, GUESTS = 200, 5_000
LISTENERS, FIGURES, EVERY_S = 200, 40, 0.5
REQUESTS = 200
LIST_P95_S, NEWS_P99_S, HELP_S = 0.2, 1.0, 0.12
VMFERRY = str(Path(sys.prefix) / "bin" / "vmferry")
V1 = "/api/v1"


def serve(folder: Path) -> None:
    """In a process of its own: until it is told to end."""
    os.sched_setaffinity(0, {0})
    world = FakeWorld(time=RealTime())
    for number in range(HOSTS):
        world.add_host(f"host{number:03}")
    for number in range(GUESTS):
        world.add_guest(f"guest{number:04}", f"host{number % HOSTS:03}", memory_bytes=1 << 30)
    store = MemoryStore([host.entry for host in world.hosts.values()])
    jobs = EmbeddedJobs(Place(folder / "vmferry.db"))
    needed = tools(store, jobs, FakeProber(world), world.time, f"bench/{os.getpid()}")

    def fleet(entries: tuple[HostEntry, ...] = ()) -> Fleet:
        return Fleet(FakeConnector(world), entries or store.hosts())

    roll = Roll(fleet, store, needed.now)
    bulletin = Bulletin(jobs, roll, world.time, "bench", needed.now)
    register = MemoryRegister()
    door, offers = Door(register, needed.now), Offers[BalancePlan](world.time)
    site = Site(needed, register, (), Standing(), fleet, door, roll, bulletin, offers)
    stop = threading.Event()
    for work in (lambda: roll.run(stop, print), lambda: bulletin.run(stop)):
        threading.Thread(target=work, daemon=True).start()
    roll.seen()
    server = Server(make_app(site, Pages()), [unix_socket(folder / "api.sock")])
    server.start()
    signal.sigwait({signal.SIGTERM})
    server.stop()


@contextmanager
def served() -> Iterator[tuple[Path, Path]]:
    """The socket, and the store's file."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        process = subprocess.Popen([sys.executable, "-m", "bench.service", "--serve", name])
        try:
            while not (folder / "api.sock").exists():
                assert process.poll() is None
                time.sleep(0.1)
            yield folder / "api.sock", folder / "vmferry.db"
        finally:
            process.terminate()
            process.wait()


def lists(path: Path) -> dict[str, list[float]]:
    """Seconds of each request, by what was asked for."""
    asked = {
        "the fleet's page": "/",
        "its map, of a name": "/fleet/map?q=7",
        "hosts": f"{V1}/hosts",
        "guests, 100": f"{V1}/guests",
        "guests, 1,000": f"{V1}/guests?limit=1000",
    }
    asked |= {"guests of a name": f"{V1}/guests?name=guest4999", "one guest": f"{V1}/guests/guest4999"}
    took: dict[str, list[float]] = {name: [] for name in asked}
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url="http://bench", timeout=30) as client:
        for _ in range(REQUESTS):
            for name, url in asked.items():
                began_s = time.perf_counter()
                answer = client.get(url)
                took[name].append(time.perf_counter() - began_s)
                assert answer.status_code == 200
    return took


def news(path: Path, store: Path) -> list[float]:
    """Seconds from the writing of a figure to each listener: the figure is the time itself."""
    jobs = EmbeddedJobs(Place(store))
    result = MigrationResult("bench-job", "guest0000", "host000", "host001", None)
    at = datetime.now(UTC).isoformat()
    first = Entry(Kind.STATE, State.PLANNED, at=at, worker="bench")
    job = Job(result, Plan("uuid", paused=False, persistent=True, memory_bytes=1 << 30), State.PLANNED, "bench")
    jobs.open(job, first, f"bench/{os.getpid()}")
    late: list[float] = []
    listening = 0

    def write() -> None:
        while listening < LISTENERS:
            time.sleep(0.1)
        for _ in range(FIGURES):
            now = time.time_ns()
            jobs.show(job.id, Progress(Phase.COPYING, 1.0, None, now, None, 1, None))
            time.sleep(EVERY_S)

    async def listen() -> None:
        nonlocal listening
        way = httpx.AsyncHTTPTransport(uds=str(path))
        async with (
            httpx.AsyncClient(transport=way, base_url="http://bench", timeout=None) as client,
            client.stream("GET", f"{V1}/jobs/{job.id}/events") as stream,
        ):
            listening += 1
            async for line in stream.aiter_lines():
                if line.startswith("data: ") and (progress := json.loads(line[6:])["progress"]):
                    late.append((time.time_ns() - progress["remaining_bytes"]) / 1e9)

    async def all_of_them() -> None:
        writer = threading.Thread(target=write)
        writer.start()
        async with anyio.create_task_group() as group:
            for _ in range(LISTENERS):
                group.start_soon(listen)
            await anyio.to_thread.run_sync(writer.join)
            await anyio.sleep(2)
            group.cancel_scope.cancel()

    anyio.run(all_of_them)
    return late


def share(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve is not None:
        serve(options.serve)
        return
    os.sched_setaffinity(0, {1})
    with served() as (path, store):
        took = lists(path)
        late = news(path, store)
    shown = [run(VMFERRY, "--help").wall_s for _ in range(20)]
    print(f"{machine()}; {today()}\n\n| asked for | p50, ms | p95, ms | the worst, ms |\n|---|---:|---:|---:|")
    for name, values in took.items():
        figures = [1000 * each for each in (statistics.median(values), share(values, 95), max(values))]
        print(f"| {name} | {' | '.join(f'{each:.1f}' for each in figures)} |")
    worst = max(share(values, 95) for values in took.values())
    print(f"\n{LISTENERS} listeners, {len(late):,} of {LISTENERS * FIGURES:,} figures heard.\n")
    print("| bound | wanted | measured |\n|---|---|---|")
    print(f"| lists, p95, ms | ≤ {1000 * LIST_P95_S:g} | {1000 * worst:.1f} |")
    print(f"| from a figure to {LISTENERS} listeners, p99, s | ≤ {NEWS_P99_S:g} | {share(late, 99):.2f} |")
    print(f"| vmferry --help, ms (median of 20) | ≤ {1000 * HELP_S:g} | {1000 * statistics.median(shown):.0f} |")


if __name__ == "__main__":
    main()
