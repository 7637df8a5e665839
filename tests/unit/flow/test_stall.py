"""When a copy stands still, by its readings."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from vmferry.flow.stall import Still, stalled
from vmferry.model.migration import JobStats, Mode


def still_after(readings: Sequence[tuple[int, int]], mode: Mode = Mode.PRE_COPY) -> Still:
    """Readings of (milliseconds, bytes sent)."""
    still = Still()
    for elapsed_ms, sent_bytes in readings:
        still = still.seen(JobStats(elapsed_ms, 1000, sent_bytes, 1000 - sent_bytes, mode=mode))
    return still


@pytest.mark.parametrize(
    ("readings", "for_s"),
    [
        ([], 0.0),
        ([(500, 1), (1000, 2), (40_000, 3)], 0.0),
        ([(500, 1), (30_000, 1)], 29.5),
        ([(500, 1), (30_000, 1), (31_000, 2)], 0.0),
        ([(500, 0), (30_000, 0)], 30.0),
        ([(500, 1), (100_000, 1)], 99.5),  # the controller was away: bytes are cumulative
    ],
)
def test_how_long_nothing_was_sent(readings: Sequence[tuple[int, int]], for_s: float) -> None:
    assert still_after(readings).for_s == for_s


def test_a_slow_copy_is_none_that_stands_still() -> None:
    assert stalled(still_after([(20_000 * number, number) for number in range(10)]), 30.0) is None


def test_it_is_given_up_at_its_limit_and_never_without_one() -> None:
    still = still_after([(0, 7), (30_000, 7)])
    assert stalled(still, 30.1) is None
    assert stalled(still, None) is None
    why = stalled(still, 30.0)
    assert why is not None
    assert "nothing was sent for 30 s" in why


def test_one_that_never_began_says_so() -> None:
    why = stalled(still_after([(0, 0), (30_000, 0)]), 30.0)
    assert why is not None
    assert "does not get through to the target" in why


@pytest.mark.parametrize("mode", [Mode.POST_COPY, Mode.BROKEN])
def test_post_copy_is_never_given_up_for_it(mode: Mode) -> None:
    assert still_after([(0, 7), (900_000, 7)], mode).for_s == 0.0
