"""Migrations of one link share its bandwidth while they run, on hosts in memory."""

from __future__ import annotations

from dataclasses import replace

from vmferry.fakes.faults import CopyEffect
from vmferry.flow.effects import What
from vmferry.flow.journal import Entry, Kind
from vmferry.flow.states import Event, State
from vmferry.model.holding import Room
from vmferry.model.job import Ask, Job, Lease, Plan
from vmferry.model.migration import JobStats, MigrationResult, Outcome

from .test_migrate import Ground

MIB = 1 << 20
CAP = 60 * MIB


class Shared(Ground):
    """With another migration that another worker runs on the same link."""

    def __init__(self) -> None:
        super().__init__()
        self.world.guests[self.guest.uuid] = self.guest = replace(self.guest, memory_bytes=600 * MIB)
        self.rates: list[int | None] = []
        self.readings = 0
        self.world.watch_copy = self.watch

    def watch(self, stats: JobStats) -> None:
        self.rates.append(stats.rate_bytes_s)
        self.readings += 1
        if self.readings == 3:
            self.at_third()

    def at_third(self) -> None: ...

    def other(self, held_bytes_s: int | None) -> tuple[Lease, Job]:
        result = MigrationResult("other", "db", "alpha", "beta", None)
        plan = Plan("uuid-db", False, True, 1 << 20, bandwidth_bytes_s=CAP, share_bytes_s=held_bytes_s)
        job = Job(result, plan, State.RESERVED)
        lease = self.jobs.open(job, Entry(Kind.STATE, State.PLANNED), "worker-2")
        assert self.jobs.reserve(lease, job, Entry(Kind.STATE, State.RESERVED, Event.GO), Room()) is None
        return lease, job

    def limits(self) -> list[int | None]:
        entries = self.jobs.journal("job-1")
        return [
            each.effect.value
            for each in entries
            if each.kind is Kind.DONE and each.effect and each.effect.what is What.LIMIT_BANDWIDTH
        ]


def test_alone_it_has_the_whole_of_it_and_nothing_is_set() -> None:
    ground = Shared()
    assert ground.run("beta", bandwidth_bytes_s=CAP).outcome is Outcome.MIGRATED
    assert set(ground.rates) == {CAP}
    assert ground.limits() == []


def test_it_makes_room_for_a_newcomer() -> None:
    ground = Shared()
    ground.at_third = lambda: ground.other(None) and None  # type: ignore[method-assign]
    assert ground.run("beta", bandwidth_bytes_s=CAP).outcome is Outcome.MIGRATED
    assert ground.limits() == [CAP // 2]
    assert ground.rates[-1] == CAP // 2


def test_it_begins_with_what_is_free_and_takes_what_is_left() -> None:
    ground = Shared()
    lease, job = ground.other(CAP // 2)
    ended = [Entry(Kind.STATE, State.SWITCHED)]
    ground.at_third = lambda: ground.jobs.write(lease, replace(job, state=State.SWITCHED), ended)  # type: ignore[method-assign]
    assert ground.run("beta", bandwidth_bytes_s=CAP).outcome is Outcome.MIGRATED
    assert ground.rates[0] == CAP // 2
    assert ground.limits() == [CAP]


def test_what_it_set_is_put_back_where_the_copy_fails() -> None:
    ground = Shared()
    ground.world.host("alpha").max_bandwidth_bytes_s[ground.guest.uuid] = 7 * MIB
    ground.at_third = lambda: ground.other(None) and None  # type: ignore[method-assign]
    ground.fault(CopyEffect.FAILS, at_percent=90)
    result = ground.run("beta", bandwidth_bytes_s=CAP)
    assert result.outcome is Outcome.ROLLED_BACK
    assert ground.limits() == [CAP // 2, 7 * MIB]
    assert ground.world.host("alpha").max_bandwidth_bytes_s[ground.guest.uuid] == 7 * MIB


def test_it_waits_while_there_is_no_room_and_another_process_may_end_that() -> None:
    ground = Shared()
    ground.other(CAP)
    tell = ground.seen.note

    def ask(message: str) -> None:
        tell(message)
        ground.jobs.ask("job-1", Ask.CANCEL)

    ground.seen.note = ask  # type: ignore[method-assign]
    result = ground.run("beta", bandwidth_bytes_s=CAP)
    assert (result.outcome, result.cancelled) == (Outcome.ROLLED_BACK, True)
    assert "note waiting for its share of the bandwidth from alpha to beta" in ground.seen.told
    assert ground.rates == []
    assert ground.running_on == ("alpha",)


def test_one_without_a_limit_waits_for_nobody() -> None:
    ground = Shared()
    ground.other(CAP)
    assert ground.run("beta").outcome is Outcome.MIGRATED
    assert ground.limits() == []
