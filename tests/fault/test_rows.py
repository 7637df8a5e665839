"""The fault matrix, all 90 rows by their numbers, on hosts in memory. Its words say what must be true after.

A row that waits for another piece of work is in `PENDING` with a sign of it: once the sign is there, the test fails,
and the row is to be written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from vmferry.ports import HostPort

from .rows import Row
from .rows_after import AFTER
from .rows_before import BEFORE
from .rows_copying import COPYING
from .rows_drain import DRAIN
from .rows_storage import STORAGE
from .rows_switch import SWITCH

ROWS: dict[int, Callable[[], None]] = {**BEFORE, **COPYING, **STORAGE, **SWITCH, **AFTER, **DRAIN}


def no_change_of_hardware() -> bool:
    """Nothing of ours attaches or resizes; libvirt itself keeps others from it while it copies: seen on real hosts."""
    return not any(word in name for name in dir(HostPort) for word in ("attach", "detach", "resize", "hotplug"))


@dataclass(frozen=True, slots=True)
class Pending:
    issue: int
    absent: Callable[[], bool]


PENDING = {
    53: Pending(4, no_change_of_hardware),
}


def test_every_row_of_the_matrix_is_here_once() -> None:
    assert sorted([*ROWS, *PENDING]) == list(range(1, 91))


@pytest.mark.parametrize("number", sorted(ROWS))
def test_row(number: int) -> None:
    ROWS[number]()


@pytest.mark.parametrize("number", sorted(PENDING))
def test_what_a_pending_row_waits_for_is_not_there_yet(number: int) -> None:
    """Once it is, write the row."""
    assert PENDING[number].absent(), f"row {number} can be tested now: issue {PENDING[number].issue}"


def test_without_a_fault_it_goes_well() -> None:
    row = Row()
    row.run()
    row.on_target()
