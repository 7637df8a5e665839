"""What a running migration's figures mean: percent that never falls, and a time to go that never runs backwards."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

from vmferry.forecast.convergence import Evidence, Point
from vmferry.forecast.dirty import of_rates
from vmferry.forecast.precopy import DOWNTIME_LIMIT_S, Link, course
from vmferry.model.migration import DiskProgress, JobStats

ALMOST = 99.0
"""Percent that copying can reach; the rest is the switch and its verification."""


SETTLED_MS = 500
"""Libvirt's first rates are of empty pages; no estimate rests on them."""
SURELY_LEFT = 0.02
"""Of what a first round has not looked at, so much is to be sent, whatever was foretold."""


class Phase(enum.StrEnum):
    """Where a migration is, as the progress line names it."""

    STARTING = "starting"
    DISKS = "disks"
    COPYING = "copying"
    CONVERGING = "converging"


@dataclass(frozen=True, slots=True)
class Progress:
    """One reading, ready to be shown."""

    phase: Phase
    percent: float
    rate_bytes_s: int | None
    remaining_bytes: int
    dirty_rate_bytes_s: int | None
    round: int
    eta_s: float | None
    """Seconds to go; None while they are not known or the guest dirties as fast as the link carries."""
    disk_remaining_bytes: int = 0
    disks: tuple[DiskProgress, ...] = ()
    """Of those that are copied with it."""


def to_come_bytes(progress: Progress | None, disks: int) -> int | None:
    """Of so many disks that are copied; None: not known, as before all of their copies have begun."""
    if progress is None or len(progress.disks) < disks:
        return None
    return progress.disk_remaining_bytes


class Progression:
    """Turns readings into progress. Remembers the last one shown, for neither percent nor ETA may run backwards."""

    def __init__(
        self,
        memory_bytes: int = 0,
        measured: Point | None = None,
        downtime_limit_s: float = DOWNTIME_LIMIT_S,
        foretold_bytes: int | None = None,
    ) -> None:
        """`memory_bytes`: the guest's, which is still to come while its disks are copied. `measured`: what it dirtied
        before the copy, where that is known. `foretold_bytes`: that a copy without disks is to send in all.
        """
        self._memory_bytes, self._limit_s, self._foretold_bytes = memory_bytes, downtime_limit_s, foretold_bytes
        self._evidence = Evidence(measured=measured)
        self._percent = 0.0
        self._eta_s: float | None = None

    def read(self, stats: JobStats, disks: tuple[DiskProgress, ...] = ()) -> Progress:
        """`stats` as libvirt gives them, oldest first.

        Where a new estimate is later than the one shown, the time to go stands still until it is true again.
        """
        self._evidence = self._evidence.seen(stats)
        rate = stats.rate_bytes_s or _mean_rate(stats)
        memory_bytes = stats.remaining_bytes if stats.total_bytes else self._memory_bytes
        left_bytes = memory_bytes + stats.disk_remaining_bytes if stats.disk_total_bytes else stats.remaining_bytes
        estimate_s = self._to_go(stats, left_bytes, rate)
        if stats.elapsed_ms < SETTLED_MS:
            estimate_s = None
        if estimate_s is not None:
            share = stats.elapsed_ms / (stats.elapsed_ms + 1000 * estimate_s)
            self._percent = max(self._percent, min(ALMOST, 100 * share))
            self._eta_s = estimate_s if self._eta_s is None else min(self._eta_s, estimate_s)
        return Progress(
            phase=_phase(stats),
            percent=self._percent,
            rate_bytes_s=rate,
            remaining_bytes=left_bytes,
            dirty_rate_bytes_s=stats.dirty_rate_bytes_s,
            round=stats.round,
            eta_s=None if estimate_s is None else self._eta_s,
            disk_remaining_bytes=stats.disk_remaining_bytes,
            disks=disks,
        )

    def _to_go(self, stats: JobStats, left_bytes: int, rate_bytes_s: int | None) -> float | None:
        """As the forecast has it: the rest of this round, and those that follow from what the guest was seen to dirty.

        Before any of that was seen, the sum of all rounds to come at one dirty rate: b / (R - D).
        """
        seen = self._evidence.known
        if not rate_bytes_s:
            return None
        if self._foretold_bytes is not None and stats.round <= 1 and not stats.disk_total_bytes:
            # Most of what the first round has before it may be pages that were never used: they go in no time.
            foretold_bytes = max(self._foretold_bytes - stats.processed_bytes, round(SURELY_LEFT * left_bytes))
            return min(left_bytes, foretold_bytes) / rate_bytes_s
        if not seen or stats.disk_total_bytes:
            spare = rate_bytes_s - (stats.dirty_rate_bytes_s or 0)
            return left_bytes / spare if spare > 0 else None
        curve = of_rates([(each.took_s, each.dirty_bytes_s) for each in seen], self._memory_bytes or math.inf)
        running_s = left_bytes / rate_bytes_s
        so_far_s = (stats.elapsed_ms - self._evidence.began_ms) / 1000
        after = course(curve.within(so_far_s + running_s), Link(rate_bytes_s, rate_bytes_s), curve, self._limit_s)
        return running_s + after.duration_s if after.converges else None


def _mean_rate(stats: JobStats) -> int | None:
    sent_bytes = stats.processed_bytes + stats.disk_done_bytes
    return sent_bytes * 1000 // stats.elapsed_ms if stats.elapsed_ms and sent_bytes else None


def _phase(stats: JobStats) -> Phase:
    if stats.total_bytes == 0:
        return Phase.DISKS if stats.disk_total_bytes else Phase.STARTING
    return Phase.COPYING if stats.round <= 1 else Phase.CONVERGING
