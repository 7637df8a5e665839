"""A world of two hosts and a guest on the first, and workers that migrate it or go on where another one died.

The check before a migration only reads, and has its own tests: here its answer for a healthy world is made once.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, TypeVar

from vmferry.errors import HostUnreachable, VmferryError
from vmferry.facts.move import MoveFacts
from vmferry.facts.wish import MoveWish
from vmferry.fakes import FakeConnector, FakeGuest, FakeProber, FakeWorld, MemoryJobs, MemoryStore
from vmferry.fakes.state import IMAGES
from vmferry.forecast.progress import Progress
from vmferry.model.guest import Disk, GuestState, Nic, Probe
from vmferry.model.job import Job
from vmferry.model.migration import Forecast, MigrationResult, Verified
from vmferry.ports import HostPort, Jobs
from vmferry.service.check import CheckReport, check
from vmferry.service.migrate import Migration, Tools
from vmferry.service.reconcile import Reconciler
from vmferry.service.request import Request

SOURCE, TARGET = "alpha", "beta"
ADDRESS = "10.0.0.101"
OWN_DOWNTIME_MS = 300
"""QEMU's own limit: what there is before anybody sets another."""
DISK = Disk("vda", "disk", "file", "/srv/shared/web.img", "raw", "none")
DISK_BYTES = 20_000_000
ANOTHERS = f"{IMAGES}another.img"
"""An image on the target that no migration has to do with."""
NIC = Nic("52:54:00:00:00:01", "network", "lab", "virtio")
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)

T = TypeVar("T")
Wrap = Callable[[str, HostPort], HostPort]
"""Of a worker's connection to a host: worker, connection."""


class Killed(BaseException):
    """The worker's process is gone: nothing of it may catch this."""


def own_disks(number: int) -> tuple[Disk, ...]:
    names = [f"vd{chr(ord('b') + each)}" for each in range(number)]
    return tuple(Disk(name, "disk", "file", f"{IMAGES}web-{name}.img", "raw", "none") for name in names)


def one_by_one(calls: Sequence[Callable[[], T]], timeout_s: float) -> list[T | Exception]:
    """As `service.parallel.all_at_once`, without a thread."""
    answers: list[T | Exception] = []
    for call in calls:
        try:
            answers.append(call())
        except Exception as error:
            answers.append(error)
    return answers


class Quiet:
    """A listener that keeps what went wrong."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def checked(self, report: CheckReport) -> None: ...

    def chosen(self, target: str, forecast: Forecast | None) -> None: ...

    def progress(self, progress: Progress) -> None: ...

    def settling(self, problem: VmferryError | None) -> None: ...

    def verified(self, checks: Sequence[Verified]) -> None: ...

    def note(self, message: str) -> None:
        self.notes.append(message)


class Ground:
    def __init__(
        self,
        *,
        paused: bool = False,
        persistent: bool = True,
        limit_ms: int | None = None,
        memory_bytes: int = 200_000_000,
        dirty_bytes_s: int = 0,
        patience_s: float = 3.0,
        copied: int = 0,
        disk_writes_bytes_s: int = 0,
    ) -> None:
        """`copied`: so many of its disks are its host's own, beside one that both hosts share."""
        self.world = FakeWorld()
        for name in (SOURCE, TARGET):
            self.world.add_host(name)
        state = GuestState.PAUSED if paused else GuestState.RUNNING
        about: dict[str, Any] = {
            "memory_bytes": memory_bytes,
            "dirty_rate_bytes_s": dirty_bytes_s,
            "disks": (DISK, *own_disks(copied)),
            "disk_bytes": DISK_BYTES,
            "disk_writes_bytes_s": disk_writes_bytes_s,
            "nics": (NIC,),
        }
        self.guest: FakeGuest = self.world.add_guest(
            "web", SOURCE, state, persistent=persistent, probe=Probe(ADDRESS), **about
        )
        self.uuid = self.guest.uuid
        self.copied = copied
        self.target.images[ANOTHERS] = 1
        self.paused, self.persistent, self.limit_ms, self.patience_s = paused, persistent, limit_ms, patience_s
        self.jobs = MemoryJobs(self.world.time)
        self.store = MemoryStore()
        self.listener = Quiet()
        self.connector = FakeConnector(self.world)
        self.workers = itertools.count(1)
        self.numbers = itertools.count(1)
        self.together = one_by_one
        self.wrap: Wrap = lambda worker, port: port

    @property
    def source(self) -> Any:  # noqa: ANN401 - FakeHost
        return self.world.hosts[SOURCE]

    @property
    def target(self) -> Any:  # noqa: ANN401 - FakeHost
        return self.world.hosts[TARGET]

    def tools(self, worker: str, jobs: Jobs | None = None) -> Tools:
        return Tools(
            store=self.store,
            jobs=jobs or self.jobs,
            prober=FakeProber(self.world),
            clock=self.world.time,
            together=self.together,
            worker=worker,
            now=lambda: BEGINNING + timedelta(seconds=self.world.time.now_s()),
            new_job=lambda: f"job-{next(self.numbers)}",
        )

    def worker(self) -> str:
        return f"w{next(self.workers)}"

    def port(self, worker: str, name: str) -> HostPort | None:
        """None where there is no connection."""
        if name not in self.world.hosts:
            return None
        try:
            connection = self.connector.connect(self.world.hosts[name].entry, 5)
        except HostUnreachable:
            return None
        return self.wrap(worker, connection)

    def migration(
        self,
        worker: str,
        jobs: Jobs | None = None,
        cancel: threading.Event | None = None,
        *,
        real_check: bool = False,
        **changes: Any,  # noqa: ANN401 - fields of Request
    ) -> Migration:
        ports = {name: self.port(worker, name) for name in (SOURCE, TARGET)}
        source, target = ports[SOURCE], ports[TARGET]
        assert source is not None
        assert target is not None
        seen = self.source.active.get(self.uuid, GuestState.SHUT_OFF)
        request = Request(
            guest=self.guest.seen(SOURCE, seen, self.uuid in self.source.defined),
            source=source,
            targets=[target],
            max_downtime_ms=self.limit_ms,
            settle_limit_s=self.patience_s,
        )
        about = (replace(request, **changes), self.tools(worker, jobs), self.listener, cancel or threading.Event())
        if real_check:
            return Migration(*about)
        made = Known(*about)
        made.free = lambda: self.uuid in self.source.active and not self.world.hosts[TARGET].state(self.uuid)
        return made

    def reconciler(self, worker: str, jobs: Jobs | None = None, cancel: threading.Event | None = None) -> Reconciler:
        def others() -> list[HostPort]:
            found = (self.port(worker, name) for name in self.world.hosts)
            return [port for port in found if port is not None]

        return Reconciler(
            tools=self.tools(worker, jobs),
            find=lambda name: self.port(worker, name),
            others=others,
            cancel=cancel or threading.Event(),
            patience_s=self.patience_s,
        )

    def go_on(
        self, worker: str, job: Job, jobs: Jobs | None = None, cancel: threading.Event | None = None
    ) -> MigrationResult | None:
        """None where it cannot be taken over."""
        lease = (jobs or self.jobs).take_over(job.id, worker)
        return None if lease is None else self.reconciler(worker, jobs, cancel).go_on(job, lease)

    def unfinished(self) -> tuple[Job, ...]:
        return self.jobs.jobs(unfinished=True)

    def last(self) -> Job:
        return self.jobs.jobs(most=1)[0]

    def told(self) -> list[str]:
        """Every journal, for people."""
        told = []
        for job in self.jobs.jobs():
            for each in self.jobs.journal(job.id):
                what = (each.worker, each.kind, each.event, each.state, each.saw, each.effect, each.text)
                told.append(" ".join([job.id, *(str(part) for part in what if part)]))
        return told

    def heal(self) -> None:
        """Every host answers, nothing is refused, and no fault is to come."""
        self.world.faults.clear()
        self.world.watch_copy = None
        for host in self.world.hosts.values():
            host.faults.unreachable = None
            host.faults.refuses.clear()
            host.faults.unknown.clear()
            host.faults.full.clear()
            host.faults.stuck.clear()
            host.faults.slow_s = 0.0


class Known(Migration):
    """One whose check has been made: the same answer for every healthy world, but for where the guest is."""

    free: Callable[[], bool]

    def _choose(self) -> tuple[tuple[MoveFacts, HostPort] | None, str]:
        if not self.free():
            return None, "guest.running: it does not run there"
        target = self.request.targets[0]
        self.result = replace(self.result, target=target.entry.name)
        copied = len(self.request.guest.disks) - 1
        return (_healthy(self.plan.paused, self.plan.persistent, self.plan.memory_bytes, copied), target), ""

    def _refused_now(self, target: HostPort) -> str:
        """It takes a while, and asks."""
        try:
            self.tools.clock.sleep(2.0)
            target.facts()
            self.request.source.facts()
        except VmferryError:
            return ""
        return "the check refuses nothing"


@cache
def _healthy(paused: bool, persistent: bool, memory_bytes: int, copied: int) -> MoveFacts:
    ground = Ground(paused=paused, persistent=persistent, memory_bytes=memory_bytes, copied=copied)
    source, target = ground.port("check", SOURCE), ground.port("check", TARGET)
    assert source is not None
    assert target is not None
    (guest,) = source.guests()
    return check(source, guest, [target], wish=MoveWish(storage="auto")).move(TARGET)
