"""What earlier migrations tell: of a path a fixed time and a rate, of a guest a factor."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmferry.forecast.learned import FARTHEST, Past, correction, path

MIB = 1 << 20


def past(mib: float, rate_mib_s: float = 100, fixed_s: float = 2) -> Past:
    return Past(mib * MIB, fixed_s + mib / rate_mib_s)


def test_a_fixed_time_and_a_rate() -> None:
    found = path([past(size) for size in (512, 1024, 4096, 8192)])
    assert found is not None
    assert found.fixed_s == pytest.approx(2)
    assert found.rate_bytes_s.p50 == pytest.approx(100 * MIB)
    assert found.count == 4


def test_one_that_was_disturbed_does_not_count() -> None:
    found = path([*(past(size) for size in (512, 1024, 2048, 4096, 8192)), past(3000, rate_mib_s=7)])
    assert found is not None
    assert found.fixed_s == pytest.approx(2, rel=0.2)
    assert found.rate_bytes_s.p50 == pytest.approx(100 * MIB, rel=0.05)
    assert found.rate_bytes_s.p10 < 70 * MIB


def test_of_about_one_size_all_of_the_time_is_for_the_bytes() -> None:
    found = path([past(size) for size in (1000, 1010, 1020)])
    assert found is not None
    assert found.fixed_s == 0
    assert found.rate_bytes_s.p50 == pytest.approx(1010 * MIB / 12.1, rel=0.01)


def test_two_or_fewer() -> None:
    assert path([]) is None
    assert path([past(512)]) is None
    assert path([past(512), Past(0, 1), Past(5, 0)]) is None
    two = path([past(512), past(4096)])
    assert two is not None
    assert two.rate_bytes_s.p10 < two.rate_bytes_s.p50 < two.rate_bytes_s.p90


def test_a_correction_is_the_smaller_the_fewer_there_are() -> None:
    assert correction([]) == correction([0.0, float("inf")]) == 1
    assert 1 < correction([1.5]) < correction([1.5] * 3) < 1.5
    assert correction([0.5] * 20) == pytest.approx(0.5, rel=0.05)
    assert correction([1.0, 1.02, 40.0]) < 1.05
    assert correction([40.0] * 5) == FARTHEST


@given(st.lists(st.builds(Past, st.floats(1, 1e13) | st.just(0.0), st.floats(1e-3, 1e6) | st.just(0.0)), max_size=12))
def test_whatever_was_seen_what_is_learned_can_be(pasts: list[Past]) -> None:
    found = path(pasts)
    if found is not None:
        assert found.fixed_s >= 0
        assert 0 < found.rate_bytes_s.p10 <= found.rate_bytes_s.p50 <= found.rate_bytes_s.p90
