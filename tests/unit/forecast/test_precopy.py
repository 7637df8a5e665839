from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmferry.forecast.dirty import DirtyCurve, of_rates
from vmferry.forecast.precopy import (
    FIXED_DOWNTIME_S,
    POST_COPY_DOWNTIME_S,
    Link,
    Throttle,
    course,
    forecast,
    post_copy,
)
from vmferry.model.migration import Range

MIB = 1 << 20
HUNDRED = Link(100 * MIB, 100 * MIB)
IDLE = DirtyCurve()


def test_an_idle_guest_is_sent_once() -> None:
    run = course(512 * MIB, Link(64 * MIB, 64 * MIB), IDLE)
    assert run.converges
    assert run.transferred_bytes == 512 * MIB
    assert run.duration_s == pytest.approx(8 + FIXED_DOWNTIME_S)
    assert run.downtime_s <= 0.3 + FIXED_DOWNTIME_S


def test_what_is_left_is_sent_at_the_rate_without_the_limit() -> None:
    slow, fast = (course(512 * MIB, Link(64 * MIB, last), IDLE) for last in (64 * MIB, 640 * MIB))
    assert fast.downtime_s - FIXED_DOWNTIME_S == pytest.approx((slow.downtime_s - FIXED_DOWNTIME_S) / 10)


def test_each_round_is_what_the_one_before_dirtied() -> None:
    """330 MiB at 100 MiB/s: 3 s until 30 MiB are left, meanwhile 60 MiB are dirtied; 90, of which 60 are sent in 0.6 s,
    and 12 dirtied; of these 42, 12 are sent within 0.12 s, and 2.4 dirtied; 10 within 0.1 s, and 2 dirtied.
    """
    curve = DirtyCurve(((0.01, 0.2 * MIB), (0.1, 2 * MIB), (3.0, 60 * MIB), (10.0, 200 * MIB)))
    run = course(330 * MIB, HUNDRED, curve)
    assert run.converges
    assert run.transferred_bytes == pytest.approx((330 + 60 + 12 + 2.4 + 2) * MIB, rel=0.001)


def test_a_working_set_that_fits_converges_however_fast_it_is_dirtied() -> None:
    assert course(512 * MIB, HUNDRED, of_rates([(1, 400 * MIB)], 20 * MIB)).converges
    assert not course(512 * MIB, HUNDRED, of_rates([(1, 400 * MIB)], 200 * MIB)).converges


def test_a_guest_that_dirties_little_in_long_times_may_still_dirty_too_much_in_short_ones() -> None:
    """As recorded of a database: 44 MiB/s over 24 s, 107 over 1.4 s; the link carries 129, and it did not end."""
    rates = [(24.3, 44 * MIB), (8.2, 57 * MIB), (3.4, 78 * MIB), (2.2, 95 * MIB), (1.4, 107 * MIB)]
    link = Link(129 * MIB, 1300 * MIB)
    assert not course(3100 * MIB, link, of_rates(rates)).converges
    assert course(3100 * MIB, link, of_rates(rates), throttle=Throttle()).duration_s == pytest.approx(44.5, rel=0.08)
    assert course(3100 * MIB, Link(258 * MIB, 1300 * MIB), of_rates(rates)).converges


def test_throttling_lets_it_end_only_as_far_as_it_goes() -> None:
    curve = of_rates([(0.1, 150 * MIB), (1, 150 * MIB), (10, 150 * MIB)])
    assert not course(512 * MIB, HUNDRED, curve).converges
    throttled = course(512 * MIB, HUNDRED, curve, throttle=Throttle())
    assert throttled.converges
    assert not course(512 * MIB, HUNDRED, curve, throttle=Throttle(most=20)).converges


def test_post_copy_sends_nothing_twice_but_what_was_sent_before_it() -> None:
    busy = of_rates([(1, 300 * MIB)])
    at_once = post_copy(512 * MIB, HUNDRED, busy, 0.0)
    assert at_once.transferred_bytes == 512 * MIB
    assert at_once.duration_s == pytest.approx(5.12 + POST_COPY_DOWNTIME_S)
    later = post_copy(512 * MIB, HUNDRED, busy, 3.0)
    assert later.transferred_bytes > 512 * MIB
    assert later.duration_s > at_once.duration_s


RATES = st.lists(st.tuples(st.floats(0.1, 60), st.integers(0, 1 << 34)), max_size=4)


@given(
    memory=st.integers(MIB, 1 << 40),
    rate=st.integers(MIB, 1 << 34),
    rates=RATES,
    limit=st.floats(0.001, 2),
    throttled=st.booleans(),
)
def test_what_always_holds(
    memory: int, rate: int, rates: list[tuple[float, int]], limit: float, throttled: bool
) -> None:
    run = course(memory, Link(rate, rate), of_rates(rates, memory), limit, Throttle() if throttled else None)
    if run.converges:
        assert run.transferred_bytes >= memory * (1 - 1e-9)
        assert run.duration_s >= memory / rate * (1 - 1e-9)
        assert run.downtime_s <= limit + FIXED_DOWNTIME_S + 1e-9
    if not rates:
        assert run.converges


@given(st.integers(MIB, 1 << 40), st.integers(MIB, 1 << 34), st.integers(MIB, 1 << 34))
def test_a_faster_link_is_never_slower_for_an_idle_guest(memory: int, one: int, other: int) -> None:
    slow, fast = (course(memory, Link(rate, rate), IDLE).duration_s for rate in sorted((one, other)))
    assert fast <= slow + 1e-9


def test_a_slower_path_takes_longer() -> None:
    curve = of_rates([(1, 20 * MIB)])
    told = forecast(512 * MIB, Range(50 * MIB, 100 * MIB, 200 * MIB), curve, "measured")
    assert told.duration_s.p10 < told.duration_s.p50 < told.duration_s.p90
    assert told.transferred_bytes.p10 <= told.transferred_bytes.p50 <= told.transferred_bytes.p90
    assert told.converges
    assert told.basis == "measured"
    assert [each.way for each in told.instead] == ["auto-converge", "post-copy after the first round"]
    assert all(each.converges for each in told.instead)


def test_a_limit_makes_it_longer_but_not_the_stop() -> None:
    free, capped = (
        forecast(512 * MIB, Range(90 * MIB, 100 * MIB, 110 * MIB), IDLE, "", limit_bytes_s=limit)
        for limit in (None, 10 * MIB)
    )
    assert capped.duration_s.p50 > 9 * free.duration_s.p50
    assert capped.downtime_ms.p50 < free.downtime_ms.p50
