"""A running copy is steered, on hosts in memory: the right steps, written down, and the guest whole afterwards."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from vmferry.fakes.faults import CopyEffect, CopyFault
from vmferry.flow.effects import What
from vmferry.flow.journal import Entry, Kind
from vmferry.flow.states import State
from vmferry.model.guest import GuestState
from vmferry.model.job import Ask
from vmferry.model.migration import JobStats, MigrationResult, Mode, Outcome
from vmferry.model.tuning import Convergence, Tuning
from vmferry.service.recovery import MOST_TRIES, pause_s

from .test_migrate import Ground

MB = 1_000_000
LINK = 100 * MB
UNTAMED = 1000 * LINK
"""So fast that no throttling helps."""


class Steered(Ground):
    def __init__(self, dirty_bytes_s: int, memory_bytes: int = 1000 * MB, **settings: Any) -> None:  # noqa: ANN401
        super().__init__()
        self.guest = self.world.add_guest(
            "db", "alpha", memory_bytes=memory_bytes, dirty_rate_bytes_s=dirty_bytes_s, **settings
        )
        self.watched: list[JobStats] = []
        self.world.watch_copy = self.watched.append

    @property
    def journal(self) -> tuple[Entry, ...]:
        return self.jobs.journal("job-1")

    def made(self, what: What) -> list[Kind]:
        return [entry.kind for entry in self.journal if entry.effect is not None and entry.effect.what is what]

    def states(self) -> list[State]:
        return [entry.state for entry in self.journal if entry.state is not None]

    def whole_on(self, host: str) -> bool:
        self.world.check()
        return (
            self.world.active_on(self.guest) == self.running_on == self.world.defined_on(self.guest) == (host,)
            and not self.world.host(host).reasons
        )

    def limit_ms(self) -> int | None:
        return self.world.host("alpha").max_downtime_ms.get(self.guest.uuid)


DONE = [Kind.INTENT, Kind.DONE]


def test_what_ends_by_itself_is_let_alone() -> None:
    ground = Steered(10 * MB)
    assert ground.run("beta").outcome is Outcome.MIGRATED
    assert {entry.effect.what for entry in ground.journal if entry.effect} == {What.COPY}


def test_balanced_goes_to_post_copy_in_its_first_rounds() -> None:
    ground = Steered(UNTAMED)
    result = ground.run("beta")
    assert result.outcome is Outcome.MIGRATED
    assert result.error is None
    assert ground.made(What.TO_POST_COPY) == DONE
    assert State.POST_COPY in ground.states()
    assert max(each.round for each in ground.watched) <= 2
    assert ground.whole_on("beta")
    assert any("switch to post-copy" in line for line in ground.seen.told)


@pytest.mark.parametrize("broken", ["userfaultfd", "never", "careful"])
def test_without_post_copy_it_throttles_and_then_leaves_the_guest_where_it_was(broken: str) -> None:
    ground = Steered(UNTAMED)
    changes: dict[str, Any] = {}
    if broken == "userfaultfd":
        beta = ground.world.host("beta")
        beta.system = replace(beta.system, userfaultfd=0)
    elif broken == "never":
        changes["post_copy"] = False
    else:
        changes["convergence"] = Convergence.CAREFUL
    result = ground.run("beta", **changes)
    assert result.outcome is Outcome.ROLLED_BACK
    assert not result.cancelled
    assert "given up, the guest dirties" in (result.error or "")
    assert ground.made(What.TO_POST_COPY) == []
    assert ground.made(What.ABORT) == DONE
    assert max(each.throttle_percent or 0 for each in ground.watched) == 99
    assert ground.whole_on("alpha")


def test_throttling_alone_may_do() -> None:
    ground = Steered(3 * LINK)
    result = ground.run("beta", convergence=Convergence.CAREFUL)
    assert result.outcome is Outcome.MIGRATED
    assert ground.made(What.ABORT) == []
    assert ground.whole_on("beta")


def test_must_finish_stops_the_guest_for_the_rest() -> None:
    ground = Steered(UNTAMED)
    result = ground.run("beta", convergence=Convergence.MUST_FINISH, post_copy=False)
    assert result.outcome is Outcome.MIGRATED
    assert ground.made(What.SUSPEND) == DONE
    assert ground.whole_on("beta")


def test_downtime_is_raised_as_far_as_needed_and_no_further() -> None:
    ground = Steered(LINK * 6 // 10, memory_bytes=1000 * MB)
    ground.world.rate_bytes_s = LINK
    result = ground.run("beta", convergence=Convergence.CAREFUL, max_downtime_ms=5000)
    assert result.outcome is Outcome.MIGRATED
    limits = [each.effect.value for each in ground.journal if each.effect and each.effect.what is What.LIMIT_DOWNTIME]
    assert all(limit is not None and 300 < limit <= 5000 for limit in limits)


def test_a_small_budget_is_set_before_and_put_back_after_a_failure() -> None:
    ground = Steered(UNTAMED)
    result = ground.run("beta", convergence=Convergence.CAREFUL, max_downtime_ms=100)
    assert result.outcome is Outcome.ROLLED_BACK
    assert ground.limit_ms() == 300


def test_what_was_raised_in_the_middle_is_put_back_after_a_failure() -> None:
    ground = Steered(UNTAMED)
    result = ground.run("beta", convergence=Convergence.CAREFUL, max_downtime_ms=2000)
    assert result.outcome is Outcome.ROLLED_BACK
    assert ground.made(What.LIMIT_DOWNTIME) == DONE + DONE
    assert ground.limit_ms() == 300


def test_its_time_is_over() -> None:
    ground = Steered(0, memory_bytes=10_000 * MB)
    result = ground.run("beta", convergence=Convergence.CAREFUL, max_time_s=20)
    assert result.outcome is Outcome.ROLLED_BACK
    assert "20 s is over" in (result.error or "")
    assert ground.world.time.now_s() < 25


def test_a_step_that_the_host_refuses_is_written_down_and_another_taken() -> None:
    ground = Steered(UNTAMED)
    ground.world.host("alpha").faults.refuses["start_post_copy"] = "Postcopy is not supported"
    result = ground.run("beta", convergence=Convergence.MUST_FINISH)
    assert result.outcome is Outcome.MIGRATED
    assert ground.made(What.TO_POST_COPY) == [Kind.INTENT, Kind.FAILED]
    assert ground.made(What.SUSPEND) == DONE


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({}, What.TO_POST_COPY),
        ({"convergence": Convergence.CAREFUL}, What.SUSPEND),
        ({"post_copy": False}, What.SUSPEND),
        ({"convergence": Convergence.MUST_FINISH}, What.TO_POST_COPY),
    ],
)
def test_by_force(changes: dict[str, Any], what: What) -> None:
    ground = Steered(10 * MB)

    def ask(stats: JobStats) -> None:
        if stats.processed_bytes > 300 * MB:
            ground.jobs.ask("job-1", Ask.FORCE)

    ground.world.watch_copy = ask
    assert ground.run("beta", **changes).outcome is Outcome.MIGRATED
    assert ground.made(what) == DONE
    assert ground.whole_on("beta")


def test_the_guest_s_own_word() -> None:
    """A guest whose definition says careful is not taken further; the user's own word counts more."""
    ground = Steered(UNTAMED, convergence=Convergence.CAREFUL)
    assert ground.run("beta").outcome is Outcome.ROLLED_BACK
    ground = Steered(UNTAMED, convergence=Convergence.CAREFUL)
    assert ground.run("beta", convergence=Convergence.BALANCED).outcome is Outcome.MIGRATED


def test_the_usual_policy_is_for_those_that_say_nothing() -> None:
    assert Steered(UNTAMED).run("beta", usual=Convergence.CAREFUL).outcome is Outcome.ROLLED_BACK


def lost(for_s: float) -> tuple[Steered, MigrationResult]:
    ground = Steered(UNTAMED)
    ground.world.plan_fault(ground.guest, CopyFault(CopyEffect.LOSES_WAY, for_s=for_s))
    return ground, ground.run("beta")


@pytest.mark.parametrize("for_s", [0.0, 8.0, 40.0, 120.0])
def test_a_network_that_is_lost_in_post_copy_and_comes_back(for_s: float) -> None:
    ground, result = lost(for_s)
    assert result.outcome is Outcome.MIGRATED
    assert result.error is None
    tried = ground.made(What.RECOVER)
    assert tried[-1] is Kind.DONE
    assert set(tried[:-1]) <= {Kind.INTENT, Kind.FAILED}
    assert ground.whole_on("beta")
    assert any("is broken" in line for line in ground.seen.told)


def test_a_network_that_does_not_come_back_leaves_both_halves() -> None:
    ground, result = lost(1e9)
    assert result.outcome is Outcome.IN_DOUBT
    assert "both halves are kept" in (result.error or "")
    assert ground.made(What.RECOVER).count(Kind.INTENT) == MOST_TRIES
    assert set(ground.world.active_on(ground.guest)) == {"alpha", "beta"}
    assert ground.running_on == ("beta",)


def crashing(for_s: float) -> tuple[Steered, MigrationResult]:
    ground = Steered(UNTAMED)
    ground.world.host("beta").libvirt = "11.3.0"
    ground.world.plan_fault(ground.guest, CopyFault(CopyEffect.LOSES_WAY, for_s=for_s))
    return ground, ground.run("beta", post_copy=True)


def test_a_libvirt_that_ends_when_it_is_to_resume_is_not_told_to() -> None:
    ground, result = crashing(10.0)
    assert result.outcome is Outcome.IN_DOUBT
    assert "libvirt 11.3.0 on beta ends by a fault" in (result.error or "")
    assert ground.made(What.RECOVER) == []
    assert set(ground.world.active_on(ground.guest)) == {"alpha", "beta"}
    assert any("post-copy, as asked for, but libvirt 11.3.0" in line for line in ground.seen.told)


def test_post_copy_that_could_not_be_resumed_is_for_nobody_to_choose_but_the_user() -> None:
    ground = Steered(UNTAMED)
    ground.world.host("beta").libvirt = "11.3.0"
    assert ground.run("beta").outcome is Outcome.ROLLED_BACK
    assert ground.made(What.TO_POST_COPY) == []


def test_figures_of_a_post_copy() -> None:
    ground = Steered(UNTAMED)
    measured = ground.run("beta").measured
    assert measured is not None
    assert measured.transferred_bytes >= 1000 * MB
    assert measured.downtime_ms is not None


def test_of_a_long_copy_it_is_measured_before_and_told_in_its_first_round() -> None:
    ground = Steered(UNTAMED)
    assert ground.run("beta").outcome is Outcome.MIGRATED
    (job,) = ground.jobs.jobs()
    assert job.plan.dirty_rate_bytes_s == UNTAMED
    assert max(each.round for each in ground.watched) == 1
    assert ground.seen.told.index("chosen beta") > 0


def test_of_a_short_copy_it_is_not_measured() -> None:
    ground = Steered(MB, memory_bytes=300 * MB)
    ground.run("beta")
    assert ground.jobs.jobs()[0].plan.dirty_rate_bytes_s is None


def test_what_cannot_be_measured_stops_nothing() -> None:
    ground = Steered(10 * MB)
    ground.world.host("alpha").faults.unknown.add("dirty_rate")
    assert ground.run("beta").outcome is Outcome.MIGRATED


def test_a_call_of_libvirt_s_that_never_ends_is_not_waited_for() -> None:
    """As of a target whose QEMU waits for a page, and so says nothing any more."""
    ground = Steered(UNTAMED)
    ground.world.plan_fault(ground.guest, CopyFault(CopyEffect.LOSES_WAY, for_s=40.0, unheard=True))
    result = ground.run("beta")
    assert result.outcome is Outcome.IN_DOUBT
    assert ground.made(What.COPY) == [Kind.INTENT, Kind.LOST]
    assert set(ground.made(What.RECOVER)) == {Kind.INTENT, Kind.FAILED}
    assert set(ground.world.active_on(ground.guest)) == {"alpha", "beta"}


def test_pauses_grow_to_a_bound() -> None:
    pauses = [pause_s(tried) for tried in range(MOST_TRIES)]
    assert pauses == sorted(pauses)
    assert 300 < sum(pauses) < 900
    assert pause_s(10_000) == pauses[-1]


def test_a_target_that_dies_in_post_copy_is_in_doubt_and_the_source_is_not_resumed() -> None:
    ground = Steered(UNTAMED)

    def kill(stats: JobStats) -> None:
        if stats.mode is Mode.POST_COPY:
            ground.world.host("beta").end(ground.guest.uuid)

    ground.world.watch_copy = kill
    result = ground.run("beta")
    assert result.outcome is Outcome.IN_DOUBT
    assert ground.running_on == ()
    assert ground.world.host("alpha").active[ground.guest.uuid] is GuestState.PAUSED


def test_cancel_in_post_copy_is_refused_with_the_reason() -> None:
    ground = Steered(UNTAMED)

    def cancel(stats: JobStats) -> None:
        if stats.mode is Mode.POST_COPY:
            ground.cancel.set()

    ground.world.watch_copy = cancel
    result = ground.run("beta")
    assert result.outcome is Outcome.MIGRATED
    assert not result.cancelled
    assert ground.made(What.ABORT) == []
    assert [line for line in ground.seen.told if "not cancelled: it is in post-copy" in line]
    assert ground.whole_on("beta")


def test_a_cancel_while_the_guest_stands_still_lets_it_run_again() -> None:
    ground = Steered(UNTAMED)

    def cancel(stats: JobStats) -> None:
        if ground.world.host("alpha").active[ground.guest.uuid] is GuestState.PAUSED:
            ground.cancel.set()

    ground.world.watch_copy = cancel
    result = ground.run("beta", convergence=Convergence.MUST_FINISH, post_copy=False)
    assert (result.outcome, result.cancelled) == (Outcome.ROLLED_BACK, True)
    assert ground.whole_on("alpha")


def test_options_reach_libvirt_and_post_copy_keeps_the_limit() -> None:
    ground = Steered(0)
    tuning = Tuning(parallel=True, parallel_connections=4, compression=("zstd",))
    result = ground.run("beta", tuning=tuning, bandwidth_bytes_s=50 * MB)
    assert result.outcome is Outcome.MIGRATED
    (job,) = ground.jobs.jobs()
    assert job.plan.tuning.parallel_connections == 4
    assert job.plan.bandwidth_bytes_s == 50 * MB
