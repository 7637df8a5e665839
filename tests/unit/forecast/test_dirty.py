"""Dirty curves: through what was measured, and possible beyond it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmferry.forecast.dirty import LEAST, MOST, TYPICAL, DirtyCurve, of_rates, power


def test_through_its_points() -> None:
    curve = of_rates([(1, 100), (4, 50)])
    assert [curve.within(each) for each in (1, 4)] == [100, 200]
    assert curve.within(2) == pytest.approx(math.sqrt(100 * 200))


def test_one_point_goes_on_as_is_typical() -> None:
    curve = of_rates([(1, 100)])
    assert curve.within(16) == pytest.approx(100 * 16**TYPICAL)
    assert curve.within(0.1) > 10


def test_no_more_than_all() -> None:
    assert of_rates([(1, 100)], 120).within(60) == 120


def test_nothing() -> None:
    for curve in (DirtyCurve(), of_rates([(1, 0)]), DirtyCurve(((0, 5), (-1, 5)))):
        assert curve.within(10) == 0
    assert of_rates([(1, 100)]).within(0) == 0


def test_points_that_contradict_each_other() -> None:
    """Less in a longer time, and more than in proportion: neither can be."""
    assert DirtyCurve(((1, 100), (2, 80))).within(2) == 100
    assert DirtyCurve(((1, 100), (2, 500))).within(2) == 200
    assert DirtyCurve(((1, 100), (1, 200))).within(1) == 150


def test_the_power_of_points() -> None:
    exact = [(at, at**0.4) for at in (0.1, 1, 10, 100)]
    assert power(exact) == pytest.approx(0.4, abs=0.01)
    assert power([]) == power([(1, 5)]) == TYPICAL


@given(
    st.lists(st.tuples(st.floats(0.001, 1e3), st.floats(1, 1e12) | st.just(0.0)), max_size=8),
    st.floats(1e-3, 1e4),
    st.floats(1, 100),
)
def test_longer_is_never_less_and_never_more_than_in_proportion(
    points: list[tuple[float, float]], seconds: float, times: float
) -> None:
    curve = DirtyCurve(tuple(points))
    short, long = curve.within(seconds), curve.within(seconds * times)
    assert long >= short * (1 - 1e-6)
    assert long <= short * times * (1 + 1e-6) or not short
    assert LEAST <= power([each for each in points if min(each) > 0]) <= MOST
