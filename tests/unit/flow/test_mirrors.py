"""What is done with disks whose copies do not catch up, by their readings."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from vmferry.flow.effects import What
from vmferry.flow.mirrors import Mirrors, steer_mirrors
from vmferry.flow.steer import Reins, Step
from vmferry.model.migration import JobStats, Mode

GIB = 1 << 30
Reading = tuple[int, int]
"""Milliseconds, and bytes of disks that are left."""


def reading(elapsed_ms: int, left: int, memory: int = 0) -> JobStats:
    return JobStats(elapsed_ms, memory, 0, memory, disk_total_bytes=GIB, disk_remaining_bytes=left)


def after(readings: Sequence[Reading], mirrors: Mirrors | None = None, memory: int = 0, **reins: float) -> Step | None:
    mirrors = mirrors or Mirrors()
    for elapsed_ms, left in readings:
        mirrors = mirrors.seen(reading(elapsed_ms, left, memory))
    return steer_mirrors(mirrors, reading(*readings[-1], memory), Reins(**reins))  # type: ignore[arg-type]


CLOSER = [(1000 * second, GIB - second * (20 << 20)) for second in range(40)]
NEVER = [(1000 * second, GIB // 2) for second in range(11)]
NEVER_LEVEL = [(1000 * second, 0) for second in range(11)]


@pytest.mark.parametrize(
    ("readings", "what"),
    [
        (CLOSER, None),
        (NEVER[:-1], None),
        (NEVER, What.SYNCHRONOUS_WRITES),
        ([(1000 * second, GIB - second) for second in range(11)], What.SYNCHRONOUS_WRITES),
        (NEVER_LEVEL, What.SYNCHRONOUS_WRITES),
    ],
    ids=["closer", "not for long", "no closer", "by less than counts", "nothing left and never level"],
)
def test_before_memory(readings: Sequence[Reading], what: What | None) -> None:
    step = after(readings)
    assert (step.what if step else None) is what


@pytest.mark.parametrize("mirrors", [Mirrors(synchronous=True), Mirrors(refused=True)])
def test_where_writes_already_wait_or_cannot_the_copy_is_given_up(mirrors: Mirrors) -> None:
    step = after(NEVER, mirrors)
    assert step is not None
    assert step.what is What.ABORT
    assert after(CLOSER, mirrors) is None


def test_writes_that_wait_get_a_time_of_their_own() -> None:
    mirrors = Mirrors().seen(reading(0, GIB)).slowed(reading(9000, GIB))
    assert after([(15_000, GIB)], mirrors) is None
    step = after([(19_000, GIB)], mirrors)
    assert step is not None
    assert "also with writes that wait" in step.why


def test_a_limit_explains_a_part_of_it() -> None:
    slow = Mirrors(limit_bytes_s=1 << 20)
    assert after(NEVER, slow) is None
    assert after([*NEVER, (25_900, GIB // 2)], slow) is None
    assert after([*NEVER, (26_000, GIB // 2)], slow) is not None


def test_with_memory_they_are_level_at_first_and_are_never_given_up() -> None:
    before = Mirrors().seen(reading(0, 0)).seen(reading(9000, 0))
    assert after([(11_000, 1 << 20)], before, memory=GIB) is None
    assert after([(11_000, 1 << 20), (19_000, 0), (25_000, 0)], before, memory=GIB) is None
    step = after([(11_000, 1 << 20), (21_000, 1 << 20)], before, memory=GIB)
    assert step is not None
    assert step.what is What.SYNCHRONOUS_WRITES
    assert after([(11_000, 1 << 20), (99_000, 1 << 20)], Mirrors(synchronous=True), memory=GIB) is None


def test_a_time_that_is_over_ends_it_before_memory() -> None:
    step = after(CLOSER, max_time_s=39.0)
    assert step is not None
    assert (step.what, "its time of 39 s is over" in step.why) == (What.ABORT, True)
    assert after(CLOSER, max_time_s=39.5) is None
    assert after(CLOSER, memory=GIB, max_time_s=1.0) is None


def test_no_disks_or_post_copy() -> None:
    assert steer_mirrors(Mirrors(), JobStats(99_000, GIB, 0, GIB), Reins()) is None
    stats = JobStats(99_000, GIB, 0, GIB, mode=Mode.POST_COPY, disk_total_bytes=GIB, disk_remaining_bytes=9)
    assert steer_mirrors(Mirrors(), stats, Reins()) is None
