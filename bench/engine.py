"""What a journalled step costs on SQLite and on PostgreSQL, and how long a job is undecided after kill -9.

Hosts are in memory (`tests/workers`): measured are the store, the engine and vmferry's own processes. A PostgreSQL of
its own is started, as for the tests. Prints a table in Markdown.

    .venv/bin/python -m bench.engine --steps 300 --rounds 10
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.postgres import Cluster
from tests.workers.conftest import Fleet, until

from bench.measure import machine, spread, today
from vmferry.flow.journal import Entry, Kind
from vmferry.flow.states import AT_REST, State
from vmferry.model.job import Job, Plan
from vmferry.model.migration import MigrationResult
from vmferry.ports import Jobs
from vmferry.store import EmbeddedJobs, EmbeddedStore, Place
from vmferry.store.postgres import PostgresDatabase, PostgresJobs

JOB = Job(MigrationResult("1", "web", "alpha", "beta", None), Plan("uuid", False, True, 1 << 30), State.COPYING)
FIRST = Entry(Kind.STATE, State.PLANNED)
PREPARED = 4
"""Of a worker's words: the last one before the copy begins."""


def steps_ms(jobs: Jobs, count: int) -> tuple[list[float], list[float]]:
    """Of each write, on the disk at its end; and of each renewal of the lease, as before every effect."""
    lease = jobs.open(JOB, FIRST, "bench")
    writes, renewals = list[float](), list[float]()
    for number in range(count):
        began = time.perf_counter()
        jobs.write(lease, JOB, [Entry(Kind.SAW, text=f"a step's words {number}", at="2026-01-01T00:00:00.000Z")])
        between = time.perf_counter()
        jobs.renew(lease)
        writes.append((between - began) * 1000)
        renewals.append((time.perf_counter() - between) * 1000)
    return writes, renewals


@contextlib.contextmanager
def on_sqlite() -> Iterator[Fleet]:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "store.db")
        EmbeddedStore(Place(place)).remember_guests("none", [("none", "none")])
        made = Fleet(Path(folder), place, EmbeddedJobs(Place(place)))
        yield made
        made.end()


@contextlib.contextmanager
def on_postgres(cluster: Cluster) -> Iterator[Fleet]:
    url = cluster.create()
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(PostgresDatabase(url)) as database:
        made = Fleet(Path(folder), url, PostgresJobs(database))
        yield made
        made.end()


def is_decided(fleet: Fleet) -> bool:
    return fleet.only_job().state in AT_REST


def die_prepared(fleet: Fleet, *command: str) -> float:
    """A process that dies right before the copy. Gives when."""
    fleet.guest()
    process = fleet.run(*command, cut=f"KILL:{PREPARED}")
    if command[0] == "worker":
        until(fleet.jobs.workers, "the worker begins")
        fleet.run("migrate", "web", "--to", "beta", "-q")
    process.wait()
    assert fleet.only_job().state == State.PREPARED
    return time.monotonic()


def by_the_next_command(fleet: Fleet) -> float:
    """On the embedded store, without a worker: the command dies, another one is typed at once."""
    died = die_prepared(fleet, "migrate", "web", "--to", "beta", "-q")
    fleet.run("job", "list", "-q")
    return _decided_after(fleet, died)


def by_its_successor(fleet: Fleet) -> float:
    """On the embedded store: the worker dies and is started again at once."""
    died = die_prepared(fleet, "worker")
    fleet.run("worker")
    return _decided_after(fleet, died)


def by_a_peer(fleet: Fleet) -> float:
    """On PostgreSQL: another worker is there already. It is held still only so that the job comes to the first."""
    fleet.guest()
    first = fleet.worker(cut=f"KILL:{PREPARED}")
    peer = fleet.worker()
    peer.send_signal(signal.SIGSTOP)
    fleet.run("migrate", "web", "--to", "beta", "-q")
    first.wait()
    died = time.monotonic()
    peer.send_signal(signal.SIGCONT)
    return _decided_after(fleet, died)


def _decided_after(fleet: Fleet, died: float) -> float:
    until(lambda: is_decided(fleet), "the job is decided")
    return time.monotonic() - died


def rounds(make: Callable[[], contextlib.AbstractContextManager[Fleet]], act: Callable[[Fleet], float], n: int) -> str:
    taken = list[float]()
    for _ in range(n):
        with make() as fleet:
            taken.append(act(fleet))
    return spread(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=10)
    asked = parser.parse_args()
    cluster = Cluster(durable=True)
    cluster.start()
    try:
        print(f"{machine()}; {today()}; {asked.steps} steps, {asked.rounds} rounds; median (range)\n")
        with on_sqlite() as small, on_postgres(cluster) as shared:
            print("| | SQLite | PostgreSQL on a socket |\n|---|---|---|")
            (written, renewed), (written_there, renewed_there) = (
                steps_ms(fleet.jobs, asked.steps) for fleet in (small, shared)
            )
            print(f"| a journalled word, ms | {spread(written)} | {spread(written_there)} |")
            print(f"| a renewal of the lease, ms | {spread(renewed)} | {spread(renewed_there)} |")
        print("\n| from kill -9 before the copy to a decided job, s | |\n|---|---|")
        print(f"| SQLite, a command, by the next one | {rounds(on_sqlite, by_the_next_command, asked.rounds)} |")
        print(f"| SQLite, a worker, by its successor | {rounds(on_sqlite, by_its_successor, asked.rounds)} |")
        peer = rounds(lambda: on_postgres(cluster), by_a_peer, asked.rounds)
        print(f"| PostgreSQL, a worker, by another one | {peer} |")
    finally:
        cluster.remove()


if __name__ == "__main__":
    main()
