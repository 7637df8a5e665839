"""As many migrations at a time as the limits allow; the others wait, say so, and can be told to give up."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from vmferry.fakes import FakeConnector, FakeProber, FakeWorld, MemoryJobs, MemoryStore
from vmferry.flow.journal import Entry, Kind
from vmferry.flow.states import Event, State
from vmferry.model.guest import Disk
from vmferry.model.holding import Room
from vmferry.model.job import Ask, Job, Lease, Plan
from vmferry.model.migration import JobStats, MigrationResult, Outcome
from vmferry.model.slots import Slots
from vmferry.service.migrate import Migration, Tools
from vmferry.service.parallel import all_at_once
from vmferry.service.request import Request

from .test_migrate import Seen

ONE = Slots(hosts_in=1)


@dataclass
class Waiting(Seen):
    """Does something when it is told that the migration waits."""

    then: Callable[[], None] = lambda: None

    def note(self, message: str) -> None:
        super().note(message)
        if message.startswith("waiting"):
            self.then()


@dataclass
class Place:
    world: FakeWorld = field(default_factory=FakeWorld)
    seen: Waiting = field(default_factory=Waiting)
    cancel: threading.Event = field(default_factory=threading.Event)
    number: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        for name in ("alpha", "beta"):
            self.world.add_host(name)
        self.jobs = MemoryJobs(self.world.time)

    def guest(self, name: str = "web") -> None:
        disk = Disk("vda", "disk", "file", f"/srv/shared/{name}.img", "raw", "none")
        self.world.add_guest(name, "alpha", disks=(disk,))

    def run(self, name: str = "web", slots: Slots = ONE) -> MigrationResult:
        connector = FakeConnector(self.world)
        source, target = (connector.connect(self.world.host(host).entry, 5) for host in ("alpha", "beta"))
        guest = next(each for each in source.guests() if each.name == name)
        tools = Tools(
            store=MemoryStore(),
            jobs=self.jobs,
            clock=self.world.time,
            together=all_at_once,
            worker="worker-1",
            prober=FakeProber(self.world),
            now=lambda: datetime(2026, 1, 1, tzinfo=UTC),
            new_job=lambda: f"job-{next(self.number)}",
        )
        request = Request(guest, source, [target], slots=slots)
        return Migration(request, tools, self.seen, self.cancel).run()

    def other(self) -> tuple[Lease, Job]:
        """One that runs already."""
        result = MigrationResult("other", "db", "alpha", "beta", None)
        job = Job(result, Plan("uuid-db", False, True, 1 << 20), State.RESERVED)
        lease = self.jobs.open(job, Entry(Kind.STATE, State.PLANNED), "worker-2")
        assert self.jobs.reserve(lease, job, Entry(Kind.STATE, State.RESERVED, Event.GO), Room()) is None
        return lease, job


@pytest.fixture
def place() -> Place:
    return Place()


def test_it_waits_its_turn_and_says_so_once(place: Place) -> None:
    place.guest()
    lease, job = place.other()
    rounds = itertools.count()

    def finish_later(duration_s: float, sleep: Callable[[float], None] = place.world.time.sleep) -> None:
        sleep(duration_s)
        if next(rounds) == 3:
            place.jobs.write(lease, replace(job, state=State.FINISHED), [Entry(Kind.STATE, State.FINISHED)])

    place.world.time.sleep = finish_later  # type: ignore[method-assign]
    result = place.run()
    assert result.outcome is Outcome.MIGRATED
    waits = [told for told in place.seen.told if "waiting" in told]
    assert waits == ["note waiting for its turn: 1 migration to beta runs or waits before it, and at most 1 may run"]


def test_ctrl_c_ends_the_waiting(place: Place) -> None:
    place.guest()
    place.other()
    place.seen.then = place.cancel.set
    result = place.run()
    assert (result.outcome, result.cancelled) == (Outcome.ROLLED_BACK, True)
    assert "nothing was changed" in (result.error or "")
    assert place.jobs.job("job-1").worker is None


def test_another_process_may_end_the_waiting(place: Place) -> None:
    place.guest()
    place.other()
    place.seen.then = lambda: place.jobs.ask("job-1", Ask.CANCEL)
    assert place.run().outcome is Outcome.ROLLED_BACK


@pytest.mark.parametrize("most", [1, 2, 3])
def test_never_more_than_allowed_run_at_the_same_time(place: Place, most: int) -> None:
    names = [f"guest-{number}" for number in range(6)]
    for name in names:
        place.guest(name)
    running: list[int] = []

    def count(stats: JobStats) -> None:
        running.append(len(place.world.copies))

    place.world.watch_copy = count
    with ThreadPoolExecutor(len(names)) as threads:
        results = list(threads.map(lambda name: place.run(name, Slots(hosts_out=most)), names))
    assert [result.error for result in results] == [None] * len(names)
    assert 1 <= max(running) <= most
    place.world.check()


@pytest.mark.parametrize(("waits_s", "outcome"), [(3.0, Outcome.MIGRATED), (30.0, Outcome.ROLLED_BACK)])
def test_what_has_changed_while_it_waited_is_found_before_the_copy(
    place: Place, waits_s: float, outcome: Outcome
) -> None:
    place.guest()
    lease, job = place.other()
    sleep = place.world.time.sleep

    def change() -> None:
        sleep(waits_s)
        place.jobs.renew(lease)
        place.world.host("beta").memory_bytes = 1 << 20
        place.jobs.write(lease, replace(job, state=State.FINISHED), [Entry(Kind.STATE, State.FINISHED)])

    place.seen.then = change
    result = place.run()
    assert result.outcome is outcome
    place.world.check()
    if outcome is Outcome.ROLLED_BACK:
        assert "it had to wait, and the check now refuses beta" in (result.error or "")
        assert place.world.copies == {}
