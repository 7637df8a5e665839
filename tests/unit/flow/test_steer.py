"""The ladder: what is done with a copy, by what its rounds told, its budgets and its policy."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from vmferry.flow.effects import What
from vmferry.flow.steer import Done, Reins, steer
from vmferry.forecast.convergence import Evidence, Point
from vmferry.model.migration import JobStats, Mode
from vmferry.model.tuning import Convergence

MIB = 1 << 20
RATE = 100 * MIB
CAREFUL, BALANCED, MUST = Convergence.CAREFUL, Convergence.BALANCED, Convergence.MUST_FINISH


def evidence(
    *rounds: tuple[float, float],
    throttle: tuple[float, int] | None = None,
    now_s: float | None = None,
    mode: Mode = Mode.PRE_COPY,
    remaining: int = 100 * MIB,
) -> Evidence:
    """(length, share of the rate that is dirtied) of each round. `throttle`: (since, per cent)."""
    found, at_s = Evidence().seen(JobStats(0, 1 << 30, 0, 1 << 30, RATE, None, 1)), 0.0
    for number, (took_s, share) in enumerate(rounds, 2):
        at_s += took_s
        found = found.seen(_reading(at_s, share, number, remaining, mode))
    if throttle is not None:
        found = found.seen(_reading(throttle[0], rounds[-1][1], len(rounds) + 1, remaining, mode, throttle[1]))
    percent = throttle[1] if throttle is not None else None
    share = rounds[-1][1] if rounds else 0
    return found.seen(_reading(now_s or at_s, share, len(rounds) + 1, remaining, mode, percent))


def _reading(
    at_s: float, share: float, number: int, remaining: int, mode: Mode, percent: int | None = None
) -> JobStats:
    dirty = int(share * RATE) or None
    return JobStats(int(1000 * at_s), 1 << 30, 0, remaining, RATE, dirty, number, None, percent, mode)


ENDING = ((10.0, 0.1),)
NEVER = ((10.0, 1.2),)
"""In its first round already."""
NEAR = ((24.0, 0.35), (8.4, 0.48), (4.0, 0.57))
"""It needs about 700 ms."""
OPEN = ((24.0, 0.35),)


@pytest.mark.parametrize(
    ("rounds", "reins", "done", "expected"),
    [
        # What ends by itself is let alone, and so is what has told nothing.
        ((), Reins(), Done(300), None),
        (ENDING, Reins(post_copy=True), Done(300), None),
        (OPEN, Reins(post_copy=True), Done(300), None),
        # The budget first, as much of it as is needed.
        (NEAR, Reins(max_downtime_ms=5000, post_copy=True), Done(300), What.LIMIT_DOWNTIME),
        (NEVER, Reins(max_downtime_ms=2000, post_copy=True), Done(300), What.LIMIT_DOWNTIME),
        # Used up: post-copy where it may be, and where it is told to.
        (NEVER, Reins(max_downtime_ms=2000, post_copy=True), Done(2000), What.TO_POST_COPY),
        (NEVER, Reins(post_copy=True), Done(300), What.TO_POST_COPY),
        (NEVER, Reins(MUST, post_copy=True), Done(300), What.TO_POST_COPY),
        (NEVER, Reins(BALANCED), Done(300), What.ABORT),
        (NEVER, Reins(MUST), Done(300), What.SUSPEND),
        (NEVER, Reins(CAREFUL), Done(300), What.ABORT),
        (NEVER, Reins(CAREFUL, post_copy=True), Done(300), What.ABORT),
        # What a host did not take is not asked again.
        (NEVER, Reins(post_copy=True), Done(300, refused=frozenset({What.TO_POST_COPY})), What.ABORT),
        (NEVER, Reins(MUST, post_copy=True), Done(300, refused=frozenset({What.TO_POST_COPY})), What.SUSPEND),
        (NEAR, Reins(BALANCED, 5000), Done(300, refused=frozenset({What.LIMIT_DOWNTIME})), What.ABORT),
        # A guest that stands still dirties nothing: it ends.
        (NEVER, Reins(MUST), Done(300, suspended=True), None),
        # Throttling gets its time.
        (NEVER, Reins(CAREFUL, throttled=True), Done(300), None),
        (NEVER, Reins(BALANCED, throttled=True, post_copy=True), Done(300), None),
        # By force, whatever was told.
        ((), Reins(CAREFUL), Done(300, forced=True), What.SUSPEND),
        ((), Reins(BALANCED), Done(300, forced=True), What.SUSPEND),
        ((), Reins(BALANCED, post_copy=True), Done(300, forced=True), What.TO_POST_COPY),
        (ENDING, Reins(MUST, post_copy=True), Done(300, forced=True), What.TO_POST_COPY),
    ],
)
def test_the_next_step(
    rounds: tuple[tuple[float, float], ...], reins: Reins, done: Done, expected: What | None
) -> None:
    step = steer(evidence(*rounds), reins, done)
    assert (step.what if step else None) is expected


@pytest.mark.parametrize(("budget_ms", "low_ms", "high_ms"), [(5000, 700, 2000), (500, 500, 500)])
def test_no_more_downtime_than_is_needed_and_none_beyond_the_budget(budget_ms: int, low_ms: int, high_ms: int) -> None:
    step = steer(evidence(*NEAR), Reins(max_downtime_ms=budget_ms), Done(300))
    assert step is not None
    assert step.value is not None
    assert low_ms <= step.value <= high_ms


@pytest.mark.parametrize(
    ("throttle", "now_s", "expected"),
    [
        (None, 24.0, None),
        (None, 80.0, What.ABORT),
        ((30.0, 20), 60.0, None),
        ((30.0, 20), 80.0, What.ABORT),
        ((30.0, 99), 60.0, None),
        ((30.0, 99), 71.0, What.ABORT),
    ],
)
def test_throttling_has_done_what_it_can(
    throttle: tuple[float, int] | None, now_s: float, expected: What | None
) -> None:
    step = steer(evidence(*NEVER, throttle=throttle, now_s=now_s), Reins(CAREFUL, throttled=True), Done(300))
    assert (step.what if step else None) is expected


@pytest.mark.parametrize(
    ("rounds", "now_s", "reins", "expected"),
    [
        (ENDING, 11.0, Reins(max_time_s=60), None),
        # Over, whatever its rounds say.
        (ENDING, 60.0, Reins(max_time_s=60), What.ABORT),
        ((), 60.0, Reins(max_time_s=60), What.ABORT),
        (ENDING, 60.0, Reins(CAREFUL, max_time_s=60, post_copy=True), What.ABORT),
        (ENDING, 60.0, Reins(max_time_s=60, post_copy=True), What.TO_POST_COPY),
        (ENDING, 60.0, Reins(MUST, max_time_s=60), What.SUSPEND),
        (NEVER, 11.0, Reins(CAREFUL, max_time_s=12, throttled=True), None),
    ],
)
def test_its_time(rounds: tuple[tuple[float, float], ...], now_s: float, reins: Reins, expected: What | None) -> None:
    step = steer(evidence(*rounds, now_s=now_s), reins, Done(300))
    assert (step.what if step else None) is expected


@pytest.mark.parametrize(
    ("now_s", "policy", "expected"), [(28.0, CAREFUL, What.ABORT), (28.0, MUST, None), (39.0, MUST, What.SUSPEND)]
)
def test_where_it_would_be_over_it_is_waited_for_to_the_last_moment_that_another_step_leaves(
    now_s: float, policy: Convergence, expected: What | None
) -> None:
    shrinking = evidence((10.0, 0.9), (9.0, 0.9), (8.1, 0.9), now_s=now_s, remaining=640 * MIB)
    step = steer(shrinking, Reins(policy, max_time_s=40, throttled=True), Done(300))
    assert (step.what if step else None) is expected


SOONER = Reins(post_copy=True, sooner=True)
HALF = ((10.0, 0.5),)


@pytest.mark.parametrize(
    ("found", "reins", "expected"),
    [
        (evidence(*HALF, remaining=500 * MIB), SOONER, What.TO_POST_COPY),
        # Only by the user's word, where the policy goes so far, and where the host takes it.
        (evidence(*HALF, remaining=500 * MIB), Reins(post_copy=True), None),
        (evidence(*HALF, remaining=500 * MIB), Reins(CAREFUL, post_copy=True, sooner=True), None),
        (evidence(*HALF, remaining=500 * MIB), Reins(sooner=True), None),
        # Near its end, or without much to send again, nothing is gained.
        (evidence(*HALF, remaining=50 * MIB), SOONER, None),
        (evidence((10.0, 0.05), remaining=500 * MIB), SOONER, None),
        # Before the first round has ended, what was measured tells it.
        (replace(evidence(remaining=500 * MIB, now_s=1.5), measured=Point(1.0, 0.5 * RATE)), SOONER, What.TO_POST_COPY),
        (evidence(remaining=500 * MIB, now_s=1.5), SOONER, None),
    ],
)
def test_post_copy_to_save_time(found: Evidence, reins: Reins, expected: What | None) -> None:
    step = steer(found, reins, Done(300))
    assert (step.what if step else None) is expected


@pytest.mark.parametrize("mode", [Mode.POST_COPY, Mode.BROKEN])
def test_in_post_copy_there_is_nothing_to_steer(mode: Mode) -> None:
    for policy, forced in itertools.product(Convergence, (False, True)):
        reins = Reins(policy, max_time_s=5, post_copy=True)
        assert steer(evidence(*NEVER, mode=mode, now_s=60), reins, Done(300, forced=forced)) is None


def test_a_step_says_why() -> None:
    step = steer(evidence(*NEVER), Reins(CAREFUL), Done(300))
    assert step is not None
    assert "dirties 120 MiB/s of 100 MiB/s sent" in step.why
    assert "300 ms" in step.why
    assert "careful" in step.why
