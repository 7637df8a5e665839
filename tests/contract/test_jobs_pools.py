"""What stores of jobs owe to disks that are copied into one pool: no more is promised than there is room for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from vmferry.fakes import FakeTime, MemoryJobs
from vmferry.flow.journal import Entry, Kind
from vmferry.flow.states import CLAIMING, Event, State
from vmferry.model.holding import Room
from vmferry.model.job import Job, Lease, Plan
from vmferry.model.migration import MigrationResult
from vmferry.model.storage import DiskCopy
from vmferry.ports import Jobs
from vmferry.store import EmbeddedJobs, Place
from vmferry.store.postgres import PostgresDatabase, PostgresJobs

from .postgres_bench import PostgresTime

GIB = 1 << 30
FIRST = Entry(Kind.STATE, State.PLANNED, at="t0")
RESERVED = Entry(Kind.STATE, State.RESERVED, Event.GO, at="t1")


@dataclass
class Bench:
    jobs: Jobs
    time: FakeTime | PostgresTime

    def reserve(
        self, lease: Lease, *needs: tuple[str, int], target: str = "beta", to_come: int | None = None, **free: int
    ) -> str | None:
        """Its disks need so much of each pool, of which the target has so much free; of job a so much was to come."""
        known = {} if to_come is None else {"a": to_come}
        return self.jobs.reserve(
            lease, a_job(lease.job, State.RESERVED, *needs, target=target), RESERVED, Room(None, free, known)
        )

    def into(self, lease: Lease, state: State, *needs: tuple[str, int]) -> None:
        self.jobs.write(lease, a_job(lease.job, state, *needs), [Entry(Kind.STATE, state)])

    def open(self, name: str) -> Lease:
        return self.jobs.open(a_job(name, State.PLANNED), FIRST, f"worker of {name}")


def a_job(name: str, state: State, *needs: tuple[str, int], target: str = "beta") -> Job:
    copies = tuple(
        DiskCopy(f"vd{number}", "/a", f"/{pool}/{name}-{number}", pool, "raw", "raw", 8 * GIB, size)
        for number, (pool, size) in enumerate(needs)
    )
    result = MigrationResult(name, f"guest-{name}", "alpha", target, None)
    return Job(result, Plan(f"uuid-{name}", paused=False, persistent=True, memory_bytes=1, copies=copies), state)


@pytest.fixture(params=["memory", "embedded", "postgres"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    time = FakeTime()
    if request.param == "memory":
        yield Bench(MemoryJobs(time), time)
    elif request.param == "embedded":
        yield Bench(EmbeddedJobs(Place(tmp_path / "jobs.db"), time.now_s, lambda worker: False), time)
    else:
        with closing(PostgresDatabase(request.getfixturevalue("database_url"), settling_in_s=0)) as database:
            yield Bench(PostgresJobs(database), PostgresTime(database))


def test_two_that_do_not_fit_together(bench: Bench) -> None:
    first, second = bench.open("a"), bench.open("b")
    assert bench.reserve(first, ("fast", 3 * GIB), fast=5 * GIB) is None
    why_not = bench.reserve(second, ("fast", 3 * GIB), fast=5 * GIB)
    assert why_not is not None
    assert "the pool fast of beta has 5.00 GiB free, of which other migrations to it will take 3.00 GiB" in why_not
    assert "the disks of guest-b need 3.00 GiB" in why_not
    assert bench.jobs.job("b").state == State.PLANNED, "nothing was written"
    assert bench.reserve(second, ("fast", 2 * GIB), fast=5 * GIB) is None


def test_one_alone_is_the_check_s_to_judge(bench: Bench) -> None:
    assert bench.reserve(bench.open("a"), ("fast", 9 * GIB), fast=GIB) is None


def test_other_pools_and_other_targets_are_other_rooms(bench: Bench) -> None:
    first, second, third = (bench.open(name) for name in "abc")
    assert bench.reserve(first, ("fast", GIB), ("slow", GIB), fast=GIB, slow=GIB) is None
    assert bench.reserve(second, ("big", GIB), big=GIB) is None
    assert bench.reserve(third, ("fast", GIB), target="gamma", fast=GIB) is None
    assert "the pool slow" in (bench.reserve(bench.open("d"), ("slow", 1), slow=GIB) or "")


def test_a_pool_that_nobody_knows_is_no_reason(bench: Bench) -> None:
    assert bench.reserve(bench.open("a"), ("fast", GIB)) is None
    assert bench.reserve(bench.open("b"), ("fast", GIB)) is None


@pytest.mark.parametrize("seen", [True, False])
@pytest.mark.parametrize("state", sorted(CLAIMING - {State.RESERVED}))
def test_while_it_is_copied_only_what_is_still_to_come_counts(bench: Bench, state: State, seen: bool) -> None:
    """What is there already is not free any more; what has not been seen to come may all be to come."""
    need = ("fast", 3 * GIB)
    first = bench.open("a")
    assert bench.reserve(first, need, fast=4 * GIB) is None
    bench.into(first, state, need)
    bench.time.sleep(1)
    second, to_come = bench.open("b"), GIB if seen else None
    assert bench.reserve(second, ("fast", 2 * GIB), fast=int(2.5 * GIB), to_come=to_come) is not None
    fresh = state is State.PREPARED or not seen
    assert (bench.reserve(second, ("fast", 2 * GIB), fast=3 * GIB, to_come=to_come) is None) is not fresh


@pytest.mark.parametrize("state", sorted(set(State) - CLAIMING))
def test_a_claim_ends_with_the_states_that_need_it(bench: Bench, state: State) -> None:
    first, second = bench.open("a"), bench.open("b")
    assert bench.reserve(first, ("fast", GIB), fast=GIB) is None
    bench.into(first, state, ("fast", GIB))
    assert bench.reserve(second, ("fast", GIB), fast=GIB) is None
