"""How the migrations of a link share its bandwidth.

Each one's limit is the most that it and all with the same limit or a smaller one may take together. So it holds also
at the instant at which another one ends, and one with a small limit does not slow down those with larger ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from vmferry.model.job import Plan

MIB = 1 << 20
"""Libvirt counts whole ones a second, and at least one."""
UNLIMITED_BYTES_S = (1 << 63) - MIB
"""What libvirt takes for no limit."""


@dataclass(frozen=True, slots=True)
class Part:
    """One migration's, bytes a second."""

    most: int
    """Its limit."""
    held: int = 0
    """What it may send now; 0: it has not begun."""


def part(plan: Plan) -> Part | None:
    """None of one without a limit, which shares nothing."""
    if plan.bandwidth_bytes_s is None:
        return None
    post_copy = plan.tuning.post_copy_bandwidth_bytes_s or 0
    most = max(plan.bandwidth_bytes_s, post_copy if plan.post_copy else 0)
    return Part(max(MIB, most), plan.share_bytes_s or 0)


def each_disk(plan: Plan) -> int | None:
    """What each of the disks that are copied with the guest may send; None: there is no limit."""
    limits = [each for each in (plan.disk_bandwidth_bytes_s, plan.bandwidth_bytes_s, plan.share_bytes_s) if each]
    return max(MIB, min(limits) // len(plan.copies)) if limits and plan.copies else None


def claim(plan: Plan, others: Sequence[Plan]) -> tuple[Plan | None, int]:
    """(with a larger share, if it gets one; what it may send): by what the link's others hold."""
    mine = part(plan)
    if mine is None:
        raise ValueError("it has no limit to share")
    may = grant(mine, [each for each in map(part, others) if each is not None])
    return (replace(plan, share_bytes_s=may) if may > mine.held else None), may


def shares(limits: Sequence[int]) -> list[int]:
    """Max-min fair, one a limit, in order: nobody can have more but from one who has no more than he."""
    given: dict[int, int] = {}
    while len(given) < len(limits):
        open_ends = {limits[each] for each in range(len(limits)) if each not in given}
        level, end = min((_level(limits, given, end), end) for end in open_ends)
        given |= {each: level for each, limit in enumerate(limits) if limit <= end and each not in given}
    return [given[each] for each in range(len(limits))]


def _level(limits: Sequence[int], given: dict[int, int], end: int) -> int:
    """How far all that have nothing yet can go until those with limits up to `end` are at it."""
    inside = [each for each, limit in enumerate(limits) if limit <= end]
    taken = sum(given.get(each, 0) for each in inside)
    return (end - taken) // sum(each not in given for each in inside)


def grant(mine: Part, others: Sequence[Part]) -> int:
    """What it may send from now on, in whole MiB/s; 0: it has to wait until others have made room.

    More than it holds only as far as it is free now, less where others are to have it.
    """
    share = max(MIB, shares([mine.most, *(other.most for other in others)])[0] // MIB * MIB)
    if share <= mine.held:
        return share
    free = min(_free(end, others) for end in {mine.most, *(other.most for other in others)} if end >= mine.most)
    return max(mine.held, min(share, free // MIB * MIB))


def _free(end: int, others: Sequence[Part]) -> int:
    return end - sum(other.held for other in others if other.most <= end)
