"""A world of hosts, a store that is shared, and workers that are processes of their own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from vmferry.fakes import FakeGuest, FakeWorld, RealTime
from vmferry.flow.journal import Entry, Kind
from vmferry.flow.states import State
from vmferry.model.guest import Disk
from vmferry.model.job import Job, Plan
from vmferry.model.migration import MigrationResult
from vmferry.model.wish import Wish
from vmferry.ports import Jobs
from vmferry.service.tools import new_job
from vmferry.store import EmbeddedJobs, EmbeddedStore, Place
from vmferry.store.postgres import PostgresDatabase, PostgresJobs

from ..postgres import Cluster
from .remote import WorldServer

PROGRAM = Path(__file__).with_name("program.py")
HOSTS = ("alpha", "beta", "gamma")
MIB = 1 << 20


def until(condition: Callable[[], object], what: str, limit_s: float = 90.0) -> None:
    """No test's verdict is a time: the limit is only for what never comes."""
    end_s = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end_s, f"waited in vain: {what}"
        time.sleep(0.1)


@dataclass
class Fleet:
    folder: Path
    place: str | Path
    """Of the store: a file, or a database's URL."""
    jobs: Jobs
    world: FakeWorld = field(default_factory=lambda: FakeWorld(time=RealTime(), rate_bytes_s=100 * MIB))
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in HOSTS:
            self.world.add_host(name)
        self.server = WorldServer(self.world, self.folder / "world")
        key, value = ("database", self.place) if isinstance(self.place, str) else ("path", str(self.place))
        hosts = "".join(f'[hosts.{name}]\nuri = "{self.world.host(name).entry.uri}"\n' for name in HOSTS)
        self.config = self.folder / "config.toml"
        self.config.write_text(f'[store]\n{key} = "{value}"\n[limits]\nhosts_in = 0\nhosts_out = 0\n{hosts}')

    def guest(self, name: str = "web", memory_bytes: int = 50 * MIB) -> FakeGuest:
        disk = Disk("vda", "disk", "file", f"/srv/shared/{name}.img", "raw", "none")
        return self.world.add_guest(name, "alpha", disks=(disk,), memory_bytes=memory_bytes)

    def run(self, *arguments: str, cut: str | None = None) -> subprocess.Popen[str]:
        environment = {
            **os.environ,
            "VMFERRY_TEST_WORLD": str(self.server.path),
            "VMFERRY_CONFIG": str(self.config),
            "HOME": str(self.folder),
        }
        if cut:
            environment["VMFERRY_TEST_CUT"] = cut
        with (self.folder / f"said-{len(self.processes):02}").open("w") as said:
            process = subprocess.Popen(
                [sys.executable, str(PROGRAM), *arguments],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
            )
        self.processes.append(process)
        return process

    def worker(self, *options: str, cut: str | None = None) -> subprocess.Popen[str]:
        """Running, and taking jobs."""
        before = len(self.jobs.workers())
        process = self.run("worker", *options, cut=cut)
        until(lambda: len(self.jobs.workers()) > before or process.poll() is not None, "a worker begins")
        assert process.poll() is None, self.said()
        return process

    def queue(self, guest: FakeGuest, target: str = "beta") -> None:
        """As a command does that finds a worker."""
        plan = Plan(guest.uuid, False, True, guest.memory_bytes, wish=Wish(guest.name, target))
        result = MigrationResult(new_job(), guest.name, "alpha", None, None)
        self.jobs.queue(Job(result, plan, State.PLANNED), Entry(Kind.STATE, State.PLANNED, at="2026-01-01T00:00:00Z"))

    def said(self) -> str:
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("said-*")))

    def only_job(self) -> Job:
        (job,) = self.jobs.jobs()
        return job

    def end(self) -> None:
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
        self.server.close()
        assert "Traceback" not in self.said(), self.said()
        self.world.check()


@pytest.fixture(params=["embedded", "postgres"])
def fleet(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Fleet]:
    if request.param == "embedded":
        place = tmp_path / "store.db"
        EmbeddedStore(Place(place)).remember_guests("none", [("none", "none")])
        made = Fleet(tmp_path, place, EmbeddedJobs(Place(place)))
        yield made
        made.end()
    else:
        yield from shared(request.getfixturevalue("database_url"), tmp_path)


@pytest.fixture
def shared_fleet(database_url: str, tmp_path: Path) -> Iterator[Fleet]:
    yield from shared(database_url, tmp_path)


def shared(url: str, folder: Path) -> Iterator[Fleet]:
    database = PostgresDatabase(url)
    made = Fleet(folder, url, PostgresJobs(database))
    yield made
    made.end()
    database.close()


@pytest.fixture
def own_fleet(tmp_path: Path) -> Iterator[tuple[Fleet, Cluster]]:
    """With a database server that may be stopped."""
    cluster = Cluster()
    cluster.start()
    for fleet in shared(cluster.create(), tmp_path):
        yield fleet, cluster
    cluster.remove()
