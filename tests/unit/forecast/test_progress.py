from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vmferry.forecast.convergence import Point
from vmferry.forecast.progress import ALMOST, Phase, Progression
from vmferry.model.migration import JobStats

MIB = 1 << 20


def reading(elapsed_ms: int, remaining: int, rate: int | None, dirty: int = 0, round: int = 1) -> JobStats:
    return JobStats(elapsed_ms, 512 * MIB, 512 * MIB - remaining, remaining, rate, dirty, round)


def test_an_even_copy() -> None:
    shown = Progression().read(reading(2000, 256 * MIB, 128 * MIB))
    assert shown.eta_s == 2
    assert shown.percent == 50
    assert shown.phase is Phase.COPYING


def test_dirtying_makes_the_end_later() -> None:
    assert Progression().read(reading(2000, 256 * MIB, 128 * MIB, dirty=64 * MIB)).eta_s == 4


def test_no_end_is_promised_while_the_guest_dirties_as_fast_as_the_link() -> None:
    assert Progression().read(reading(2000, 256 * MIB, 128 * MIB, dirty=128 * MIB)).eta_s is None


def test_rounds_to_come_are_those_of_the_forecast() -> None:
    """The first took 4 s; the second has 64 MiB left, and what is dirtied within the 1.5 s that it takes is to come."""
    progression = Progression()
    progression.read(reading(2000, 256 * MIB, 128 * MIB))
    progression.read(reading(4000, 128 * MIB, 128 * MIB, dirty=32 * MIB, round=2))
    shown = progression.read(reading(5000, 64 * MIB, 128 * MIB, dirty=32 * MIB, round=2))
    assert shown.eta_s is not None
    assert 0.5 + 0.2 < shown.eta_s < 0.5 + 1.0


def test_a_guest_that_dirties_too_much_in_short_times_has_no_end_in_sight() -> None:
    progression = Progression(measured=Point(1.0, 120 * MIB))
    assert progression.read(reading(2000, 256 * MIB, 128 * MIB)).eta_s is None
    assert Progression(measured=Point(1.0, 12 * MIB)).read(reading(2000, 256 * MIB, 128 * MIB)).eta_s is not None


def test_pages_that_were_never_used_are_no_time_to_go() -> None:
    """Of 512 MiB, 128 were foretold to be sent: 64 of them have been, and the rest of what is left is empty."""
    progression = Progression(foretold_bytes=128 * MIB)
    shown = progression.read(JobStats(4000, 512 * MIB, 64 * MIB, 400 * MIB, 16 * MIB, 0, 1))
    assert shown.eta_s == 4
    more = progression.read(JobStats(12_000, 512 * MIB, 160 * MIB, 200 * MIB, 16 * MIB, 0, 1))
    assert more.eta_s is not None
    assert 0 < more.eta_s < 1
    assert Progression(foretold_bytes=900 * MIB).read(reading(2000, 256 * MIB, 128 * MIB)).eta_s == 2


def test_nothing_is_said_from_the_first_empty_pages() -> None:
    assert Progression().read(reading(100, 500 * MIB, 4000 * MIB)).eta_s is None


def test_without_a_rate_the_mean_so_far_serves() -> None:
    assert Progression().read(reading(2000, 256 * MIB, None)).rate_bytes_s == 128 * MIB


def test_later_rounds_converge() -> None:
    assert Progression().read(reading(2000, MIB, 128 * MIB, round=2)).phase is Phase.CONVERGING
    assert Progression().read(JobStats(10, 0, 0, 0)).phase is Phase.STARTING


@given(
    st.lists(
        st.tuples(st.integers(0, 512 * MIB), st.none() | st.integers(1, 1 << 32), st.integers(0, 1 << 32)),
        max_size=30,
    )
)
def test_neither_percent_nor_eta_ever_runs_backwards(readings: list[tuple[int, int | None, int]]) -> None:
    progression = Progression()
    shown = [
        progression.read(reading(300 * number, remaining, rate, dirty, number))
        for number, (remaining, rate, dirty) in enumerate(readings)
    ]
    percents = [each.percent for each in shown]
    etas = [each.eta_s for each in shown if each.eta_s is not None]
    assert percents == sorted(percents)
    assert etas == sorted(etas, reverse=True)
    assert all(0 <= percent <= ALMOST for percent in percents)
