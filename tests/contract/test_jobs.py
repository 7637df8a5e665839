"""One suite for everything that keeps running migrations."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from vmferry.errors import Fenced, Refused, UserError
from vmferry.fakes import FakeTime, MemoryJobs
from vmferry.flow.effects import Effect, Sighted, What
from vmferry.flow.journal import Entry, Kind
from vmferry.flow.sights import Sight
from vmferry.flow.states import AT_REST, CLAIMING, TERMINAL, Event, State
from vmferry.forecast.progress import Phase, Progress
from vmferry.model.holding import Room
from vmferry.model.job import Ask, Job, Lease, Plan
from vmferry.model.migration import MigrationResult, Outcome, Step
from vmferry.ports import Jobs
from vmferry.store import EmbeddedJobs, Place
from vmferry.store.postgres import PostgresDatabase, PostgresJobs

from .postgres_bench import PostgresDead, PostgresTime

GIB = 1 << 30
LEASE_S = 15.0
"""As both keep it; a holder renews every 5 s."""
SLACK_S = 5.0
"""For a database whose own time passes as well."""
WEB, DB = "11111111-0000-4000-8000-000000000000", "22222222-0000-4000-8000-000000000000"
FIRST = Entry(Kind.STATE, State.PLANNED, at="2026-01-01T00:00:00.000Z", worker="w1")
RESERVED = Entry(Kind.STATE, State.RESERVED, Event.GO)


@dataclass
class Bench:
    """One keeper of jobs, its clock and its dead workers."""

    jobs: Jobs
    time: FakeTime | PostgresTime
    dead: set[str] = field(default_factory=set)

    def open(self, id: str = "job-1", guest: str = WEB, worker: str = "w1") -> Lease:
        return self.jobs.open(job(id, guest), FIRST, worker)

    def into(self, lease: Lease, state: State, target: str | None = "beta", guest: str = WEB) -> None:
        self.jobs.write(lease, job(lease.job, guest, state, target), [Entry(Kind.STATE, state)])

    def limited(self, id: str, guest: str, most_bytes_s: int, target: str = "beta") -> tuple[Lease, Job]:
        """Reserved, with nothing of its link yet."""
        lease = self.open(id, guest)
        reserved = job(id, guest, State.RESERVED, target)
        reserved = replace(reserved, plan=replace(reserved.plan, bandwidth_bytes_s=most_bytes_s))
        assert self.jobs.reserve(lease, reserved, RESERVED, Room()) is None
        return lease, reserved

    def reserve(self, lease: Lease, guest: str, room_bytes: int | None, target: str = "beta") -> str | None:
        return self.jobs.reserve(lease, job(lease.job, guest, State.RESERVED, target), RESERVED, Room(room_bytes))


def job(id: str = "job-1", guest: str = WEB, state: State = State.PLANNED, target: str | None = None) -> Job:
    result = MigrationResult(id, {WEB: "web", DB: "db"}.get(guest, guest), "alpha", target, None)
    return Job(result, Plan(guest, paused=False, persistent=True, memory_bytes=4 * GIB), state)


def reading(percent: float) -> Progress:
    return Progress(Phase.COPYING, percent, 100, 1000, None, 1, 12.5)


@pytest.fixture(params=["memory", "embedded", "postgres"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    time = FakeTime()
    if request.param == "memory":
        memory = MemoryJobs(time)
        yield Bench(memory, time, memory.dead)
    elif request.param == "embedded":
        dead: set[str] = set()
        place = Place(tmp_path / "deep" / "vmferry.db")
        yield Bench(EmbeddedJobs(place, time.now_s, dead.__contains__), time, dead)
    else:
        with closing(PostgresDatabase(request.getfixturevalue("database_url"), settling_in_s=0)) as database:
            yield Bench(PostgresJobs(database), PostgresTime(database), PostgresDead(database))


def test_nothing_is_kept_at_first(bench: Bench) -> None:
    assert bench.jobs.jobs() == ()
    assert bench.jobs.jobs(unfinished=True, guest="web") == ()


def test_a_job_comes_back_whole(bench: Bench) -> None:
    plan = Plan(WEB, True, False, GIB, (("vda", "/a"), ("sda", None)), "10.0.0.1", "http://x/", 5, 6)
    result = MigrationResult(
        "job-1", "web", "alpha", "beta", Outcome.IN_DOUBT, "why", "Ünï\ncode", True, steps=(Step("copy", "done", "t"),)
    )
    effect = Effect(What.LIMIT_DOWNTIME, "alpha", 500, 300)
    saw = Sighted(Sight.HELD, Sight.ARRIVING, source_keeps=True)
    entries = [
        Entry(Kind.STATE, State.CHECKED, Event.GO, text="words", at="now", worker="w1"),
        Entry(Kind.SAW, saw=saw),
        Entry(Kind.INTENT, effect=effect),
        Entry(Kind.LOST, effect=effect, text="EOF"),
    ]
    lease = bench.open()
    bench.jobs.write(lease, Job(result, plan, State.CHECKED, "somebody", 99), entries)
    found = bench.jobs.job("job-1")
    assert found == Job(result, plan, State.CHECKED, "w1", lease.fence), "who holds it is told by its lease"
    assert bench.jobs.journal("job-1") == (FIRST, *entries)
    assert bench.jobs.jobs() == (found,)


def test_a_guest_has_one_migration_at_a_time(bench: Bench) -> None:
    bench.open()
    with pytest.raises(Refused, match=r"web.*job-1"):
        bench.open("job-2", worker="w2")
    assert [each.id for each in bench.jobs.jobs()] == ["job-1"]
    bench.open("job-3", DB)


@pytest.mark.parametrize("state", sorted(set(State) - TERMINAL))
def test_only_the_end_of_one_lets_the_next_begin(bench: Bench, state: State) -> None:
    """Also one in doubt keeps its guest, held by nobody."""
    lease = bench.open()
    bench.into(lease, state)
    if state in AT_REST:
        bench.jobs.close(lease)
    with pytest.raises(Refused, match="job-1"):
        bench.open("job-2")


@pytest.mark.parametrize("state", sorted(TERMINAL))
def test_after_its_end_the_next_begins_with_a_higher_number(bench: Bench, state: State) -> None:
    first = bench.open()
    bench.into(first, state)
    bench.jobs.close(first)
    second = bench.open("job-2")
    assert second.fence > first.fence
    assert bench.jobs.take_over("job-1", "w2") is None
    assert bench.jobs.held("job-2")
    assert not bench.jobs.held("job-1")


def test_many_threads_begin_one_migration(bench: Bench) -> None:
    barrier = threading.Barrier(8)

    def begin(number: int) -> Lease | str:
        barrier.wait()
        try:
            return bench.open(f"job-{number}", worker=f"w{number}")
        except Refused as refusal:
            return refusal.message

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(begin, range(8)))
    (lease,) = [each for each in answers if isinstance(each, Lease)]
    assert [each.id for each in bench.jobs.jobs()] == [lease.job]
    assert all(lease.job in each for each in answers if isinstance(each, str))


def test_many_threads_take_over_one_migration(bench: Bench) -> None:
    bench.open()
    bench.dead.add("w1")
    barrier = threading.Barrier(8)

    def take(number: int) -> Lease | None:
        barrier.wait()
        return bench.jobs.take_over("job-1", f"taker-{number}")

    with ThreadPoolExecutor(8) as threads:
        taken = [each for each in threads.map(take, range(8)) if each is not None]
    assert len(taken) == 1
    bench.jobs.renew(taken[0])


def test_a_holder_that_lives_is_left_alone(bench: Bench) -> None:
    lease = bench.open()
    assert bench.jobs.held("job-1")
    assert bench.jobs.take_over("job-1", "w2") is None
    bench.time.sleep(LEASE_S - SLACK_S)
    assert bench.jobs.held("job-1")
    assert bench.jobs.take_over("job-1", "w2") is None
    bench.jobs.renew(lease)


def test_a_dead_one_is_taken_over_at_once(bench: Bench) -> None:
    old = bench.open()
    bench.dead.add("w1")
    assert not bench.jobs.held("job-1")
    new = bench.jobs.take_over("job-1", "w2")
    assert new == Lease("job-1", WEB, "w2", old.fence + 1)
    assert bench.jobs.held("job-1")
    assert (bench.jobs.job("job-1").worker, bench.jobs.job("job-1").fence) == ("w2", new.fence)


@pytest.mark.parametrize("past_s", [LEASE_S, LEASE_S + 1])
def test_a_frozen_one_is_taken_over_when_its_time_is_over(bench: Bench, past_s: float) -> None:
    bench.open()
    bench.time.sleep(past_s)
    assert not bench.jobs.held("job-1")
    assert bench.jobs.take_over("job-1", "w2") is not None


@pytest.mark.parametrize("how", ["renew", "write", "reserve"])
def test_what_a_holder_does_keeps_its_lease(bench: Bench, how: str) -> None:
    lease = bench.open()
    bench.time.sleep(LEASE_S - SLACK_S)
    match how:
        case "renew":
            bench.jobs.renew(lease)
        case "write":
            bench.into(lease, State.CHECKED)
        case _:
            assert bench.reserve(lease, WEB, None) is None
    bench.time.sleep(LEASE_S - SLACK_S)
    assert bench.jobs.held("job-1")


def test_one_that_was_late_but_not_overtaken_goes_on(bench: Bench) -> None:
    lease = bench.open()
    bench.time.sleep(10 * LEASE_S)
    bench.into(lease, State.CHECKED)
    assert bench.jobs.held("job-1")
    assert bench.jobs.take_over("job-1", "w2") is None


@pytest.mark.parametrize("how", ["renew", "write", "reserve", "close"])
def test_an_overtaken_one_is_fenced_and_writes_nothing(bench: Bench, how: str) -> None:
    old = bench.open()
    bench.time.sleep(LEASE_S)
    new = bench.jobs.take_over("job-1", "w2")
    assert new is not None
    bench.jobs.show("job-1", reading(1))
    bench.jobs.ask("job-1", Ask.CANCEL)

    def seen() -> object:
        jobs = bench.jobs
        return jobs.job("job-1"), jobs.journal("job-1"), jobs.held("job-1"), jobs.shown("job-1"), jobs.asked("job-1")

    before = seen()
    acts: dict[str, Callable[[], object]] = {
        "renew": lambda: bench.jobs.renew(old),
        "write": lambda: bench.into(old, State.FINISHED),
        "reserve": lambda: bench.reserve(old, WEB, None),
        "close": lambda: bench.jobs.close(old),
    }
    with pytest.raises(Fenced, match="job-1"):
        acts[how]()
    assert seen() == before
    bench.into(new, State.CHECKED)


def test_the_same_worker_is_fenced_from_its_own_older_lease(bench: Bench) -> None:
    old = bench.open()
    bench.time.sleep(LEASE_S)
    assert bench.jobs.take_over("job-1", "w1") is not None
    with pytest.raises(Fenced):
        bench.jobs.renew(old)


def test_who_has_closed_it_holds_nothing_any_more(bench: Bench) -> None:
    lease = bench.open()
    bench.into(lease, State.IN_DOUBT)
    bench.jobs.close(lease)
    assert not bench.jobs.held("job-1")
    assert bench.jobs.job("job-1").worker is None
    for act in (lambda: bench.jobs.renew(lease), lambda: bench.into(lease, State.SETTLING)):
        with pytest.raises(Fenced):
            act()
    again = bench.jobs.take_over("job-1", "w2")
    assert again is not None
    assert again.fence > lease.fence


def test_a_former_job_s_holder_is_fenced_from_the_guest_s_next_one(bench: Bench) -> None:
    first = bench.open()
    bench.into(first, State.FINISHED)
    bench.jobs.close(first)
    bench.open("job-2", worker="w1")
    with pytest.raises(Fenced):
        bench.into(first, State.FAILED)
    assert bench.jobs.job("job-2").state == State.PLANNED


def test_one_that_died_after_its_last_word_is_at_its_end(bench: Bench) -> None:
    """It had no time left to close it."""
    first = bench.open()
    bench.jobs.show("job-1", reading(1))
    bench.jobs.ask("job-1", Ask.CANCEL)
    bench.into(first, State.FINISHED)
    bench.dead.add("w1")
    assert bench.jobs.take_over("job-1", "w2") is None
    assert not bench.jobs.held("job-1")
    assert bench.jobs.job("job-1").worker is None
    assert bench.jobs.shown("job-1") is None
    assert bench.jobs.asked("job-1") == frozenset()
    assert bench.open("job-2", worker="w2").fence > first.fence


@pytest.mark.parametrize("others", [False, True])
def test_what_is_not_there_is_held_by_nobody_and_keeps_nothing(bench: Bench, others: bool) -> None:
    if others:
        bench.open()
    bench.jobs.show("job-9", reading(1))
    bench.jobs.ask("job-9", Ask.CANCEL)
    assert not bench.jobs.held("job-9")
    assert bench.jobs.take_over("job-9", "w1") is None
    assert bench.jobs.journal("job-9") == ()
    assert bench.jobs.shown("job-9") is None
    assert bench.jobs.asked("job-9") == frozenset()


def test_of_a_job_that_nobody_has_any_more_nothing_is_shown_or_asked(bench: Bench) -> None:
    """As by a worker that was frozen in the middle, or a person who was too late."""
    lease = bench.open()
    bench.into(lease, State.FINISHED)
    bench.jobs.close(lease)
    bench.jobs.show("job-1", reading(1))
    bench.jobs.ask("job-1", Ask.CANCEL)
    assert bench.jobs.shown("job-1") is None
    assert bench.jobs.asked("job-1") == frozenset()


def test_a_job_is_found_by_its_beginning(bench: Bench) -> None:
    bench.open("20260101-abc")
    bench.open("20260102-abd", DB)
    assert bench.jobs.job("20260102").plan.guest_uuid == DB
    assert bench.jobs.job("20260101-abc").plan.guest_uuid == WEB
    for unknown in ("2026010_", "20260101-abcd", "%", "", "job", "20260102-ABD"):
        with pytest.raises(UserError, match="no job"):
            bench.jobs.job(unknown)
    with pytest.raises(UserError, match="several"):
        bench.jobs.job("202601")


def test_a_whole_id_is_not_ambiguous(bench: Bench) -> None:
    for number, id in enumerate(["job-1", "job-10", "job-11", "job-12"]):
        bench.open(id, f"guest-{number}")
    assert bench.jobs.job("job-1").id == "job-1"


def test_jobs_are_listed_newest_first_and_filtered(bench: Bench) -> None:
    first = bench.open()
    bench.into(first, State.FINISHED)
    bench.jobs.close(first)
    bench.open("job-2", DB)
    bench.open("job-3")

    def ids(**which: object) -> list[str]:
        return [each.id for each in bench.jobs.jobs(**which)]  # type: ignore[arg-type]

    assert ids() == ["job-3", "job-2", "job-1"]
    assert ids(most=2) == ["job-3", "job-2"]
    assert ids(before="job-3") == ["job-2", "job-1"]
    assert ids(before="job-3", guest="web") == ["job-1"]
    assert ids(before="job-1") == ids(before="none of them") == []
    assert ids(unfinished=True) == ["job-3", "job-2"]
    assert ids(guest="web") == ids(guest=WEB) == ["job-3", "job-1"]
    assert ids(guest="web", unfinished=True) == ["job-3"]
    assert ids(guest="nobody") == []


def test_progress_is_the_last_one_and_gone_with_the_holder(bench: Bench) -> None:
    lease = bench.open()
    assert bench.jobs.shown("job-1") is None
    for done in (1, 2):
        bench.jobs.show("job-1", reading(done))
    assert bench.jobs.shown("job-1") == reading(2)
    bench.into(lease, State.FINISHED)
    bench.jobs.close(lease)
    assert bench.jobs.shown("job-1") is None


def test_what_is_asked_stays_asked_until_it_is_closed(bench: Bench) -> None:
    lease = bench.open()
    bench.jobs.ask("job-1", Ask.CANCEL)
    bench.jobs.ask("job-1", Ask.CANCEL)
    assert bench.jobs.asked("job-1") == {Ask.CANCEL}
    bench.jobs.ask("job-1", Ask.FORCE)
    bench.dead.add("w1")
    second = bench.jobs.take_over("job-1", "w2")
    assert second is not None
    assert bench.jobs.asked("job-1") == {Ask.CANCEL, Ask.FORCE}, "whoever goes on with it is asked the same"
    with pytest.raises(Fenced):
        bench.jobs.close(lease)
    bench.jobs.close(second)
    assert bench.jobs.asked("job-1") == frozenset()


def test_the_first_has_all_the_room_that_the_host_says_it_has(bench: Bench) -> None:
    """Whether one guest fits is the check's to say: here only others' claims count."""
    assert bench.reserve(bench.open(), WEB, 1 * GIB) is None
    assert bench.jobs.job("job-1").state == State.RESERVED
    assert bench.jobs.journal("job-1")[-1] == RESERVED


def test_two_that_do_not_fit_together(bench: Bench) -> None:
    first, second = bench.open(), bench.open("job-2", DB, "w2")
    assert bench.reserve(first, WEB, 7 * GIB) is None
    why_not = bench.reserve(second, DB, 7 * GIB)
    assert why_not is not None
    assert "7168 MiB free" in why_not
    assert "db needs 4096" in why_not
    assert bench.jobs.job("job-2").state == State.PLANNED, "nothing was written"
    assert bench.jobs.journal("job-2") == (FIRST,)
    assert bench.reserve(second, DB, 8 * GIB) is None


def test_another_target_is_another_room(bench: Bench) -> None:
    first, second = bench.open(), bench.open("job-2", DB, "w2")
    assert bench.reserve(first, WEB, 4 * GIB) is None
    assert bench.reserve(second, DB, 4 * GIB, "gamma") is None


def test_room_that_nobody_knows_is_no_reason(bench: Bench) -> None:
    first, second = bench.open(), bench.open("job-2", DB, "w2")
    assert bench.reserve(first, WEB, None) is None
    assert bench.reserve(second, DB, None) is None


@pytest.mark.parametrize("state", sorted(set(State) - CLAIMING))
def test_a_claim_ends_with_the_states_that_need_it(bench: Bench, state: State) -> None:
    first, second = bench.open(), bench.open("job-2", DB, "w2")
    assert bench.reserve(first, WEB, 4 * GIB) is None
    bench.into(first, state)
    assert bench.reserve(second, DB, 4 * GIB) is None


@pytest.mark.parametrize("state", sorted(CLAIMING))
def test_a_claim_that_came_after_the_question_for_room_counts(bench: Bench, state: State) -> None:
    """The room was asked for after the job was opened: what was claimed since is not in the answer."""
    first, second = bench.open(), bench.open("job-2", DB, "w2")
    assert bench.reserve(first, WEB, 4 * GIB) is None
    bench.into(first, state)
    assert bench.reserve(second, DB, 4 * GIB) is not None


@pytest.mark.parametrize(("state", "counts"), [(State.RESERVED, True), (State.PREPARED, True), (State.COPYING, False)])
def test_an_old_claim_counts_until_the_host_has_the_guest_s_memory(bench: Bench, state: State, counts: bool) -> None:
    first = bench.open()
    assert bench.reserve(first, WEB, 4 * GIB) is None
    bench.into(first, state)
    bench.time.sleep(1)
    second = bench.open("job-2", DB, "w2")
    assert (bench.reserve(second, DB, 4 * GIB) is not None) is counts


def test_a_claim_is_as_old_as_its_first_state(bench: Bench) -> None:
    first = bench.open()
    assert bench.reserve(first, WEB, 4 * GIB) is None
    bench.time.sleep(1)
    second = bench.open("job-2", DB, "w2")
    bench.time.sleep(1)
    bench.into(first, State.COPYING)
    bench.into(first, State.SETTLING)
    assert bench.reserve(second, DB, 4 * GIB) is None


def test_of_many_that_claim_at_once_only_those_that_fit_are_let_in(bench: Bench) -> None:
    leases = [bench.open(f"job-{number}", f"guest-{number}", f"w{number}") for number in range(6)]
    barrier = threading.Barrier(len(leases))

    def claim(lease: Lease) -> str | None:
        barrier.wait()
        return bench.reserve(lease, lease.guest_uuid, 12 * GIB)

    with ThreadPoolExecutor(len(leases)) as threads:
        refusals = [each for each in threads.map(claim, leases) if each is not None]
    assert len(refusals) == 3
    assert sorted(each.state for each in bench.jobs.jobs()) == [State.PLANNED] * 3 + [State.RESERVED] * 3


MIB = 1 << 20


def holding(held: Job, share_bytes_s: int) -> Job:
    return replace(held, plan=replace(held.plan, share_bytes_s=share_bytes_s))


def test_a_link_is_shared_and_never_more_of_it_than_there_is(bench: Bench) -> None:
    first, one = bench.limited("job-1", WEB, 100 * MIB)
    assert bench.jobs.share(first, one) == 100 * MIB
    assert bench.jobs.job("job-1").plan.share_bytes_s == 100 * MIB
    second, two = bench.limited("job-2", DB, 100 * MIB)
    assert bench.jobs.share(second, two) == 0
    one = holding(one, 100 * MIB)
    assert bench.jobs.share(first, one) == 50 * MIB
    assert bench.jobs.job("job-1").plan.share_bytes_s == 100 * MIB, "it is the source that has to keep to it first"
    assert bench.jobs.share(second, two) == 0
    one = holding(one, 50 * MIB)
    bench.jobs.write(first, one, [RESERVED])
    assert bench.jobs.share(second, two) == 50 * MIB
    two = holding(two, 50 * MIB)
    bench.jobs.write(first, replace(one, state=State.SWITCHED), [Entry(Kind.STATE, State.SWITCHED)])
    assert bench.jobs.share(second, two) == 100 * MIB


def test_another_link_is_not_shared(bench: Bench) -> None:
    first, one = bench.limited("job-1", WEB, 100 * MIB)
    second, two = bench.limited("job-2", DB, 100 * MIB, target="gamma")
    assert [bench.jobs.share(first, one), bench.jobs.share(second, two)] == [100 * MIB] * 2


def test_who_was_overtaken_gets_no_share(bench: Bench) -> None:
    lease, one = bench.limited("job-1", WEB, 100 * MIB)
    bench.dead.add("w1")
    assert bench.jobs.take_over("job-1", "w2") is not None
    with pytest.raises(Fenced):
        bench.jobs.share(lease, one)
