"""Red Hat's table of releases between which guests may move, as data."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vmferry.facts.system import SystemFacts

CLONES = frozenset({"rhel", "centos", "rocky", "almalinux", "ol", "scientific", "eurolinux", "circle", "virtuozzo"})
"""What counts as the RHEL release of its number. Relatives with numbers of their own, as Fedora and Amazon, do not."""

Release = tuple[int, int | None]
"""(major, minor); None: not told."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a move from one major release to another."""

    source: int
    target: int
    forward: bool
    """To the same or a later release; of one major release both directions have a row."""
    supported: bool
    from_minor: int = 0
    """Only from this minor release on."""
    note: str = ""


TABLE_15_1 = "guide 15.2, Table 15.1"
TABLE_4_1 = "RHEL 6 guide, Table 4.1"
ISSUES = "issues should be reported"

ROWS = (
    Row(5, 6, forward=True, supported=False, note=TABLE_4_1),
    Row(6, 5, forward=False, supported=False, note=TABLE_4_1),
    Row(5, 5, forward=True, supported=True, from_minor=4, note=TABLE_4_1),
    Row(5, 5, forward=False, supported=True, note=f"{TABLE_4_1}: with known issues"),
    Row(6, 6, forward=True, supported=True, note=TABLE_4_1),
    Row(6, 6, forward=False, supported=True, note=f"{TABLE_4_1}: with known issues; if it fails once, repeat it"),
    Row(6, 7, forward=True, supported=True, from_minor=5, note=f"{TABLE_15_1}: {ISSUES}"),
    Row(7, 6, forward=False, supported=False, note=TABLE_15_1),
    Row(7, 7, forward=True, supported=True, note=f"{TABLE_15_1}: {ISSUES}"),
    Row(7, 7, forward=False, supported=True, note=f"{TABLE_15_1}: {ISSUES}"),
)


def rhel(system: SystemFacts | None) -> Release | None:
    """None: it is none, or not known."""
    if system is None or system.os_id not in CLONES:
        return None
    found = re.match(r"(\d+)(?:\.(\d+))?", system.os_version or "")
    return (int(found[1]), int(found[2]) if found[2] else None) if found else None


def row(source: Release, target: Release) -> Row | None:
    """The line of the table for this move; None: the table does not say. An untold minor release is no later one."""
    forward = (target[0], target[1] or 0) >= (source[0], source[1] or 0)
    found = (each for each in ROWS if (each.source, each.target, each.forward) == (source[0], target[0], forward))
    return next(found, None)


def is_early(row: Row, source: Release) -> bool:
    """The source is of a minor release from which the table does not go."""
    return source[1] is not None and source[1] < row.from_minor


def named(release: Release) -> str:
    return f"RHEL {release[0]}" + ("" if release[1] is None else f".{release[1]}")
