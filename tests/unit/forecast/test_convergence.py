"""Whether a copy will end, told from its rounds."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmferry.forecast.convergence import Evidence, Outlook, Point, outlook
from vmferry.model.migration import JobStats

MIB = 1 << 20
RATE = 100 * MIB
LIMIT_MS = 300


def reading(round: int, elapsed_s: float, dirty: int = 0, remaining: int = 50 * MIB, throttle: int = 0) -> JobStats:
    """With throttle 0: without auto-converge."""
    return JobStats(
        int(1000 * elapsed_s), 1 << 30, 0, remaining, RATE, dirty or None, round, throttle_percent=throttle or None
    )


def seen(*readings: JobStats) -> Evidence:
    evidence = Evidence()
    for each in readings:
        evidence = evidence.seen(each)
    return evidence


def rounds(*told: tuple[float, float]) -> Evidence:
    """(length, share of the rate that is dirtied) of each round."""
    at_s, readings = 0.0, [reading(1, 0)]
    for number, (took_s, share) in enumerate(told, 2):
        at_s += took_s
        readings.append(reading(number, at_s, int(share * RATE)))
    return seen(*readings)


def judged(evidence: Evidence) -> Outlook:
    view = outlook(evidence, LIMIT_MS)
    assert view is not None
    return view


def test_a_first_round_that_runs_tells_nothing() -> None:
    assert outlook(seen(), LIMIT_MS) is None
    assert outlook(seen(reading(1, 0), reading(1, 8)), LIMIT_MS) is None


@pytest.mark.parametrize(
    ("told", "fits", "sure"),
    [
        ([(10, 0.0)], True, True),
        ([(10, 0.1)], True, True),
        # Below the rate, and yet rounds do not become short enough.
        ([(24, 0.35)], False, False),
        # Faster than the link: no second round is needed to see it.
        ([(10, 1.2)], False, True),
        ([(10, 1.0)], False, True),
        # A database's load: the shorter the round, the larger the share.
        ([(24, 0.35), (8.4, 0.48), (4.0, 0.57)], False, True),
        # A load that comes to no page twice within a round: shares do not grow, rounds shrink to nothing.
        ([(10, 0.5), (5, 0.5), (2.5, 0.5)], True, True),
        # A small set, dirtied over and over: after a long first round it looks harmless.
        ([(10, 0.2), (2.0, 0.95)], False, True),
        # Rounds of one length that do not shrink.
        ([(0.4, 1.0), (0.4, 1.02), (0.4, 0.98)], False, True),
    ],
)
def test_the_verdict(told: list[tuple[float, float]], fits: bool, sure: bool) -> None:
    view = judged(rounds(*told))
    assert (view.fits(LIMIT_MS), view.sure) == (fits, sure)


def test_with_the_downtime_that_is_needed_it_ends() -> None:
    view = judged(rounds((24, 0.35), (8.4, 0.48), (4.0, 0.57)))
    assert not view.fits(view.needed_ms * 0.9)
    assert view.fits(view.needed_ms * 1.001)


def test_what_is_to_go_is_the_round_that_runs_and_those_after_it() -> None:
    """Of which each is half of the one before, down to 0.15 s."""
    halving = rounds((10, 0.5), (5, 0.5), (2.5, 0.5)).seen(reading(4, 17.5, RATE // 2, remaining=125 * MIB))
    assert judged(halving).to_go_s == pytest.approx(1.25 + 0.625 + 0.3125 + 0.15625 + 0.078125, rel=0.1)
    assert judged(halving).left_s == 1.25


def test_rounds_that_came_and_went_between_two_readings_count_with_their_mean() -> None:
    evidence = seen(reading(1, 0), reading(1, 9), reading(2, 10, MIB), reading(5, 13, MIB))
    assert [point.took_s for point in evidence.points] == [10, 1]


def test_without_a_dirty_rate_what_is_left_tells_it() -> None:
    evidence = seen(reading(1, 0), reading(2, 10, 0, remaining=200 * MIB))
    assert evidence.points == (Point(10.0, 20 * MIB),)


def test_what_was_measured_before_counts_as_a_round_and_lets_nothing_wait() -> None:
    evidence = Evidence(measured=Point(1.0, 1.5 * RATE)).seen(reading(1, 0)).seen(reading(1, 2))
    view = outlook(evidence, LIMIT_MS)
    assert view is not None
    assert view.sure
    assert not view.fits(LIMIT_MS)


def test_a_harmless_measurement_alone_settles_nothing() -> None:
    evidence = Evidence(measured=Point(1.0, 0.001 * RATE)).seen(reading(1, 0)).seen(reading(1, 2))
    assert outlook(evidence, LIMIT_MS) is not None
    assert not judged(evidence).sure


def test_the_rate_of_empty_pages_is_not_taken() -> None:
    assert seen(reading(1, 0.3)).rate_bytes_s is None


def test_a_change_of_throttling_is_news() -> None:
    evidence = seen(
        reading(1, 0), reading(2, 10, RATE), reading(2, 11, RATE, throttle=20), reading(2, 12, RATE, throttle=20)
    )
    assert evidence.news_ms == 11_000


@given(st.lists(st.tuples(st.floats(1, 1000), st.floats(0, 10)), min_size=1, max_size=8))
def test_any_rounds_give_a_finite_time_and_no_negative_floor(told: list[tuple[float, float]]) -> None:
    view = judged(rounds(*told))
    assert view.floor_s >= 0
    assert math.isfinite(view.to_go_s)
    assert view.to_go_s >= 0


@given(st.floats(1, 100), st.floats(0.01, 3), st.floats(0.01, 3))
def test_who_dirties_more_has_no_lower_floor(took_s: float, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert judged(rounds((took_s, low))).floor_s <= judged(rounds((took_s, high))).floor_s * 1.0001


def test_long_runs_are_read_in_constant_space() -> None:
    evidence = Evidence()
    for number, at_s in zip(range(1, 500), itertools.count(0, 2)):
        evidence = evidence.seen(reading(number, at_s, MIB))
    assert len(evidence.points) < 10


def test_rounds_that_tell_of_the_guest_are_kept_until_it_is_slowed_down() -> None:
    """Not those that are too short for QEMU's figure, nor such that were not seen one by one."""
    evidence = Evidence()
    for elapsed_ms, number, throttle in (
        (0, 1, None),
        (8000, 2, None),  # 8 s
        (8400, 3, None),  # 0.4 s
        (12_400, 5, None),  # two in one
        (15_400, 6, None),  # 3 s
        (17_400, 7, 20),
    ):
        evidence = evidence.seen(JobStats(elapsed_ms, 1 << 30, 0, 1 << 20, 100 << 20, 10 << 20, number, None, throttle))
    assert evidence.dirtied == ((8.0, 8.0 * (10 << 20)), (3.0, 3.0 * (10 << 20)))
