from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmferry.forecast.precopy import FIXED_DOWNTIME_S, course, forecast
from vmferry.model.migration import Range

MIB = 1 << 20


def test_an_idle_guest_is_sent_once() -> None:
    run = course(512 * MIB, 64 * MIB, 0, 512 * MIB)
    assert run.converges
    assert run.transferred_bytes == 512 * MIB
    assert run.duration_s == pytest.approx(8 + FIXED_DOWNTIME_S)
    assert run.downtime_s == pytest.approx(FIXED_DOWNTIME_S)


def test_each_round_is_what_the_one_before_dirtied() -> None:
    """100 MiB at 100 MiB/s with 50 MiB/s dirtied: rounds of 100, 50 and then 25 MiB, which fit into 0.3 s."""
    run = course(100 * MIB, 100 * MIB, 50 * MIB, 100 * MIB)
    assert run.transferred_bytes == 175 * MIB
    assert run.rounds == 3
    assert run.downtime_s == pytest.approx(0.25 + FIXED_DOWNTIME_S)


def test_a_working_set_that_fits_converges_however_fast_it_is_dirtied() -> None:
    assert course(512 * MIB, 100 * MIB, 400 * MIB, 20 * MIB).converges
    assert not course(512 * MIB, 100 * MIB, 400 * MIB, 200 * MIB).converges


@given(
    memory=st.integers(MIB, 1 << 40),
    rate=st.integers(MIB, 1 << 34),
    dirty=st.integers(0, 1 << 34),
    limit=st.floats(0.001, 2),
)
def test_what_always_holds(memory: int, rate: int, dirty: int, limit: float) -> None:
    run = course(memory, rate, dirty, memory, limit)
    assert run.transferred_bytes >= memory
    assert run.duration_s >= memory / rate
    if run.converges:
        assert run.downtime_s <= limit + FIXED_DOWNTIME_S + 1e-9
    if dirty < rate * 0.9:
        assert run.converges


def test_a_slower_path_takes_longer() -> None:
    told = forecast(512 * MIB, Range(50 * MIB, 100 * MIB, 200 * MIB), 20 * MIB, "measured")
    assert told.duration_s.p10 < told.duration_s.p50 < told.duration_s.p90
    assert told.transferred_bytes.p10 <= told.transferred_bytes.p50 <= told.transferred_bytes.p90
    assert told.converges
    assert told.basis == "measured"
