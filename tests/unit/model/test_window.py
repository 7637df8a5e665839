from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmferry.errors import UserError
from vmferry.model.window import WEEK_S, Window, read_window

MONDAY = datetime(2026, 11, 30)
HOUR = 3600


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return MONDAY + timedelta(days=day, hours=hour, minutes=minute)


@pytest.mark.parametrize(
    ("text", "now", "closes", "opens"),
    [
        ("Sat 02:00-05:00", at(5, 2), 3 * HOUR, 0),
        ("Sat 02:00-05:00", at(5, 4, 59), 60, 0),
        ("Sat 02:00-05:00", at(5, 5), None, WEEK_S - 3 * HOUR),
        ("Sat 02:00-05:00", at(4, 2), None, 24 * HOUR),
        ("Sun 22:00-04:00", at(0, 3), HOUR, 0),
        ("Mon-Fri 22:00-04:00", at(5, 3), HOUR, 0),
        ("Mon-Fri 22:00-04:00", at(5, 5), None, 2 * 24 * HOUR + 17 * HOUR),
        ("Fri-Mon 01:00-02:00", at(6, 1, 30), HOUR / 2, 0),
        ("03:00-04:00", at(2, 3), HOUR, 0),
        ("sat,SUN 00:00-24:00", at(6, 12), 12 * HOUR, 0),
        ("00:00-00:00", at(3, 7), 17 * HOUR, 0),
    ],
)
def test_open_and_closed(text: str, now: datetime, closes: float | None, opens: float) -> None:
    window = read_window(text)
    assert (window.closes_in_s(now), window.opens_in_s(now)) == (closes, opens)


@pytest.mark.parametrize("text", ["", "Sat", "Sat 2-5", "Sat 02:00", "Xyz 02:00-05:00", "25:00-26:00", "02:60-03:00"])
def test_what_is_no_window(text: str) -> None:
    with pytest.raises(UserError):
        read_window(text)


@given(
    st.sets(st.integers(0, 6), min_size=1),
    st.integers(0, 86_399),
    st.integers(1, 86_400),
    st.integers(0, WEEK_S - 1),
)
def test_it_opens_when_it_says(days: set[int], from_s: int, length_s: int, now_s: int) -> None:
    window, now = Window(tuple(sorted(days)), from_s, length_s), MONDAY + timedelta(seconds=now_s)
    opens_s = window.opens_in_s(now)
    closes_s = window.closes_in_s(now + timedelta(seconds=opens_s))
    assert closes_s is not None
    assert 0 < closes_s <= length_s
    if opens_s > 0:
        assert window.closes_in_s(now) is None
        assert window.closes_in_s(now + timedelta(seconds=opens_s - 0.5)) is None
