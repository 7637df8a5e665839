"""What stores of jobs owe to workers that share them: turns, queues, and who is seen living. One suite for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from vmferry.errors import Fenced, Refused
from vmferry.fakes import FakeTime, MemoryJobs
from vmferry.flow.journal import Entry, Kind
from vmferry.flow.states import Event, State
from vmferry.model.holding import Room
from vmferry.model.job import Ask, Job, Lease, Plan
from vmferry.model.migration import MigrationResult, Outcome
from vmferry.model.slots import Slots, Wait
from vmferry.ports import Jobs
from vmferry.store import EmbeddedJobs, Place
from vmferry.store.postgres import PostgresDatabase, PostgresJobs

from .postgres_bench import PostgresTime

FIRST = Entry(Kind.STATE, State.PLANNED, at="t0")
RESERVED = Entry(Kind.STATE, State.RESERVED, Event.GO, at="t1")


@dataclass
class Bench:
    """A store, and the ways to make its workers die and its time pass."""

    jobs: Jobs
    kill: Callable[[str], None]
    pass_time: Callable[[float], None]


@pytest.fixture(params=["memory", "embedded", "postgres"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    if request.param == "memory":
        time = FakeTime()
        memory = MemoryJobs(time)
        yield Bench(memory, memory.dead.add, time.sleep)
    elif request.param == "embedded":
        time, dead = FakeTime(), set[str]()
        yield Bench(EmbeddedJobs(Place(tmp_path / "jobs.db"), time.now_s, dead.__contains__), dead.add, time.sleep)
    else:
        with closing(PostgresDatabase(request.getfixturevalue("database_url"), settling_in_s=0)) as database:
            yield Bench(PostgresJobs(database), database.leave, PostgresTime(database).sleep)


def a_job(name: str, source: str = "alpha", target: str | None = "beta", state: State = State.PLANNED) -> Job:
    result = MigrationResult(job=name, guest=f"guest-{name}", source=source, target=target, outcome=None)
    return Job(result, Plan(f"uuid-{name}", paused=False, persistent=True, memory_bytes=1 << 30), state)


def opened(jobs: Jobs, job: Job, worker: str = "one") -> Lease:
    return jobs.open(job, FIRST, worker)


def reserved(jobs: Jobs, lease: Lease, job: Job, slots: Slots) -> str | Wait | None:
    return jobs.reserve(lease, replace(job, state=State.RESERVED), RESERVED, Room(), slots)


def finish(jobs: Jobs, lease: Lease, job: Job) -> None:
    ended = replace(job, state=State.ROLLED_BACK, result=replace(job.result, outcome=Outcome.ROLLED_BACK))
    jobs.write(lease, ended, [Entry(Kind.STATE, State.ROLLED_BACK, Event.CANCEL, at="t2")])
    jobs.close(lease)


LIMITED = [
    (Slots(hosts_in=1), ("gamma", "beta"), "1 migration to beta"),
    (Slots(hosts_out=1), ("alpha", "gamma"), "1 migration from alpha"),
    (Slots(link=1), ("alpha", "beta"), "1 migration from alpha to beta"),
    (Slots(fleet=1), ("gamma", "delta"), "1 migration in the fleet"),
]


@pytest.mark.parametrize(("slots", "way", "reason"), LIMITED)
def test_a_second_one_waits_until_the_first_is_at_rest(
    bench: Bench, slots: Slots, way: tuple[str, str], reason: str
) -> None:
    jobs = bench.jobs
    first, second = a_job("1"), a_job("2", *way)
    mine, yours = opened(jobs, first), opened(jobs, second, "two")
    assert reserved(jobs, mine, first, slots) is None
    wait = reserved(jobs, yours, second, slots)
    assert isinstance(wait, Wait)
    assert reason in wait.reason
    assert jobs.job("2").state == State.PLANNED
    finish(jobs, mine, first)
    assert reserved(jobs, yours, second, slots) is None


@pytest.mark.parametrize(
    ("slots", "way"),
    [
        (Slots(hosts_in=1), ("alpha", "gamma")),
        (Slots(hosts_out=1), ("gamma", "beta")),
        (Slots(link=1), ("alpha", "gamma")),
        (Slots(fleet=2), ("alpha", "beta")),
        (Slots(), ("alpha", "beta")),
    ],
)
def test_others_do_not_wait(bench: Bench, slots: Slots, way: tuple[str, str]) -> None:
    jobs = bench.jobs
    first, second = a_job("1"), a_job("2", *way)
    assert reserved(jobs, opened(jobs, first), first, slots) is None
    assert reserved(jobs, opened(jobs, second), second, slots) is None


def test_whoever_waits_first_goes_first(bench: Bench) -> None:
    jobs, slots = bench.jobs, Slots(hosts_in=1)
    every = [a_job(str(number)) for number in range(3)]
    leases = [opened(jobs, job) for job in every]
    assert reserved(jobs, leases[0], every[0], slots) is None
    for number in (2, 1):
        assert isinstance(reserved(jobs, leases[number], every[number], slots), Wait)
        bench.pass_time(1.0)
    finish(jobs, leases[0], every[0])
    assert isinstance(reserved(jobs, leases[1], every[1], slots), Wait)
    assert reserved(jobs, leases[2], every[2], slots) is None


def test_the_dead_lose_their_place(bench: Bench) -> None:
    jobs, slots = bench.jobs, Slots(hosts_in=1)
    every = [a_job(str(number)) for number in range(3)]
    leases = [opened(jobs, job) for job in every]
    assert reserved(jobs, leases[0], every[0], slots) is None
    assert isinstance(reserved(jobs, leases[1], every[1], slots), Wait)
    bench.pass_time(20.0)
    finish(jobs, leases[0], every[0])
    assert reserved(jobs, leases[2], every[2], slots) is None


def test_one_that_gives_up_makes_way(bench: Bench) -> None:
    jobs, slots = bench.jobs, Slots(hosts_in=1)
    every = [a_job(str(number)) for number in range(3)]
    leases = [opened(jobs, job) for job in every]
    assert reserved(jobs, leases[0], every[0], slots) is None
    assert isinstance(reserved(jobs, leases[1], every[1], slots), Wait)
    finish(jobs, leases[1], every[1])
    finish(jobs, leases[0], every[0])
    assert reserved(jobs, leases[2], every[2], slots) is None


def test_limits_hold_however_many_come_at_once(bench: Bench) -> None:
    jobs, slots = bench.jobs, Slots(hosts_in=2)
    every = [a_job(str(number), source=f"source-{number}") for number in range(8)]
    leases = [opened(jobs, job) for job in every]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda both: reserved(jobs, *both, slots), zip(leases, every, strict=True)))
    assert answers.count(None) <= 2
    assert sum(job.state == State.RESERVED for job in jobs.jobs()) == answers.count(None)


def test_a_queued_job_is_held_by_the_first_that_takes_it(bench: Bench) -> None:
    jobs = bench.jobs
    jobs.queue(a_job("1"), FIRST)
    assert not jobs.held("1")
    assert jobs.job("1").worker is None
    assert jobs.journal("1") == (FIRST,)
    with ThreadPoolExecutor(4) as threads:
        taken = [lease for lease in threads.map(lambda name: jobs.take_over("1", name), ("a", "b", "c", "d")) if lease]
    assert [lease.worker for lease in taken] == [jobs.job("1").worker]


def test_a_queued_job_has_its_guest(bench: Bench) -> None:
    bench.jobs.queue(a_job("1"), FIRST)
    other = a_job("2")
    other = replace(other, plan=replace(other.plan, guest_uuid="uuid-1"))
    with pytest.raises(Refused, match="job 1"):
        bench.jobs.open(other, FIRST, "one")
    with pytest.raises(Refused, match="job 1"):
        bench.jobs.queue(other, FIRST)


def test_one_guest_is_opened_once_however_many_come_at_once(bench: Bench) -> None:
    def attempt(number: int) -> bool:
        job = a_job(f"job-{number}")
        job = replace(job, plan=replace(job.plan, guest_uuid="the one"))
        try:
            bench.jobs.open(job, FIRST, "one")
        except Refused:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(attempt, range(8))) == 1


def test_a_dead_workers_job_is_taken_at_once_and_its_lease_is_worth_nothing(bench: Bench) -> None:
    jobs, job = bench.jobs, a_job("1")
    lease = opened(jobs, job)
    assert jobs.take_over("1", "two") is None
    bench.kill("one")
    assert not jobs.held("1")
    later = jobs.take_over("1", "two")
    assert later is not None
    assert later.fence > lease.fence
    with pytest.raises(Fenced):
        jobs.write(lease, job, [RESERVED])
    with pytest.raises(Fenced):
        reserved(jobs, lease, job, Slots(fleet=1))
    assert jobs.journal("1") == (FIRST,)


def test_one_that_leaves_a_job_leaves_all_of_it(bench: Bench) -> None:
    jobs, job = bench.jobs, a_job("1")
    lease = opened(jobs, job)
    jobs.ask("1", Ask.CANCEL)
    jobs.release(lease)
    assert not jobs.held("1")
    assert jobs.job("1").worker is None
    with pytest.raises(Fenced):
        jobs.write(lease, job, [RESERVED])
    with pytest.raises(Refused):
        jobs.open(replace(a_job("2"), plan=job.plan), FIRST, "one")
    again = jobs.take_over("1", "one")
    assert again is not None
    assert jobs.asked("1") == {Ask.CANCEL}
    finish(jobs, again, job)
    assert jobs.asked("1") == frozenset()


def test_a_queued_job_can_be_asked_to_end(bench: Bench) -> None:
    bench.jobs.queue(a_job("1"), FIRST)
    bench.jobs.ask("1", Ask.CANCEL)
    assert bench.jobs.asked("1") == {Ask.CANCEL}


def test_workers_are_known_while_they_live(bench: Bench) -> None:
    jobs = bench.jobs
    assert jobs.workers() == ()
    for name in ("one", "two", "three"):
        jobs.announce(name)
    jobs.announce("one")
    assert jobs.workers() == ("one", "three", "two")
    jobs.retire("three")
    bench.kill("two")
    assert jobs.workers() == ("one",)
    bench.pass_time(20.0)
    assert jobs.workers() == ()
