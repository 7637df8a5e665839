"""Whether a running pre-copy will come to its end, told from its rounds.

Theory of operation. In a round of t seconds the guest dirties x(t) * R * t bytes of distinct memory, where R is the
rate of the copy and x the share of it that the guest undoes. The next round has to send them, and so takes t * x(t).
Rounds become shorter as long as x < 1. But x is no constant: guests write to a few pages often and to many seldom, so
the shorter a round, the larger the share; as t ** (a - 1) with one `a` for one load. (Every distinct page of a long
round is counted once, of many short ones once each.) So rounds do not shrink below

    floor = t * x(t) ** (1 / (1 - a))

which is where x = 1. A guest with a ratio of 0.35 in a first round of 24 s, far below 1, does not come below rounds of
0.3 s. From two rounds on `a` is taken from them; after the first, TYPICAL stands for it. What is left at the floor has
to fit into the stop, beside what QEMU had left to send when it looked: the floor may be half of the limit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from vmferry.forecast.dirty import TYPICAL, power
from vmferry.model.migration import JobStats

SHARE = 0.5
"""Of the downtime limit that the floor may have."""
KEPT = 4
"""So many of the latest rounds count: loads change."""
SETTLED_MS = 1000
"""Libvirt's first rates are of empty pages."""
MOST_ROUNDS = 100
LONG_S = 1.0
"""QEMU counts what is dirtied anew after rounds that took so long together."""
MOST_DIRTIED = 12


@dataclass(frozen=True, slots=True)
class Point:
    """What one round told."""

    took_s: float
    dirty_bytes_s: float
    """Distinct memory, for each second of the round."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the readings of one copy have told so far. Each `seen` gives a new one."""

    points: tuple[Point, ...] = ()
    rate_bytes_s: float | None = None
    measured: Point | None = None
    """What the guest dirtied before the copy began, where that was measured right before."""
    last: JobStats | None = None
    began_ms: int = 0
    """The round that runs now, as far as readings can tell."""
    news_ms: int = 0
    """When the first round had ended, or throttling last changed."""
    dirtied: tuple[tuple[float, float], ...] = ()
    """(seconds, distinct bytes) of its first rounds that are long enough for QEMU's figure; none of a slowed guest."""

    @property
    def known(self) -> list[Point]:
        """All that was told of what the guest dirties, the newest last."""
        return [*([self.measured] if self.measured else []), *self.points]

    @property
    def rounds(self) -> int:
        """That have ended and told something."""
        return len(self.points)

    def seen(self, stats: JobStats) -> Evidence:
        """`stats` as libvirt gives them, oldest first. A round that came and went between two counts with its mean."""
        rate = self.rate_bytes_s
        if stats.elapsed_ms >= SETTLED_MS and stats.rate_bytes_s:
            rate = stats.rate_bytes_s
        former = self.last.round if self.last is not None else 0
        throttled = self.last is not None and stats.throttle_percent != self.last.throttle_percent
        news_ms = stats.elapsed_ms if throttled else self.news_ms
        if stats.round <= former:
            return replace(self, rate_bytes_s=rate, last=stats, news_ms=news_ms)
        points, dirtied = self.points, self.dirtied
        if former >= 1 and stats.elapsed_ms > self.began_ms:
            took_s = (stats.elapsed_ms - self.began_ms) / 1000 / (stats.round - former)
            dirty = stats.dirty_rate_bytes_s or stats.remaining_bytes / took_s
            points = (*points, Point(took_s, dirty))[-KEPT:]
            news_ms = news_ms or stats.elapsed_ms
            if stats.round == former + 1 and took_s >= LONG_S and not stats.throttle_percent:
                dirtied = (*dirtied, (took_s, dirty * took_s))[:MOST_DIRTIED]
        return Evidence(points, rate, self.measured, stats, stats.elapsed_ms, news_ms, dirtied)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is to be expected of a copy that goes on as it does."""

    floor_s: float
    """Rounds do not become shorter; infinite where they grow."""
    to_go_s: float
    """Until its rounds have come down to the stop, or to where they become no shorter."""
    left_s: float
    """What would have to be sent in a stop now, in time."""
    sure: bool
    """From more than one round, or so plain that no other round would change it."""

    def fits(self, limit_ms: float) -> bool:
        """It ends by itself with this limit of downtime."""
        return self.floor_s <= SHARE * limit_ms / 1000

    @property
    def needed_ms(self) -> float:
        """The limit with which it ends."""
        return 1000 * self.floor_s / SHARE


PLAIN = 8.0
"""Times another floor than would fit: no second round is waited for."""


def outlook(evidence: Evidence, limit_ms: float) -> Outlook | None:
    """None before the first round has told anything. `limit_ms`: of downtime, as QEMU has it now."""
    known, rate, last = evidence.known, evidence.rate_bytes_s, evidence.last
    if not known or not rate or last is None:
        return None
    now = known[-1]
    share, exponent = now.dirty_bytes_s / rate, _exponent(known)
    floor_s = _floor(now.took_s, share, exponent)
    fitting_s = SHARE * limit_ms / 1000
    plain = floor_s > PLAIN * fitting_s or floor_s < fitting_s / PLAIN
    left_s = last.remaining_bytes / rate
    running_s = (last.elapsed_ms - evidence.began_ms) / 1000 + left_s
    return Outlook(
        floor_s=floor_s,
        to_go_s=left_s + _more_rounds(now.took_s, share, exponent, running_s, fitting_s),
        left_s=left_s,
        sure=len(known) > 1 or (plain and evidence.rounds > 0) or share >= 1,
    )


def _exponent(points: list[Point]) -> float:
    """`a`, of all that is known."""
    if any(point.dirty_bytes_s <= 0 for point in points):
        return TYPICAL
    return power([(point.took_s, point.took_s * point.dirty_bytes_s) for point in points])


def _floor(took_s: float, share: float, exponent: float) -> float:
    if share <= 0:
        return 0.0
    power = math.log(share) / (1 - exponent)
    return took_s * math.exp(power) if power < math.log(1e9) else math.inf


def _more_rounds(took_s: float, share: float, exponent: float, running_s: float, until_s: float) -> float:
    """The time of the rounds after the one that runs: down to `until_s`, or to where they stop becoming shorter."""
    total_s, length_s = 0.0, running_s
    for _ in range(MOST_ROUNDS):
        if length_s <= until_s:
            break
        following_s = length_s * share * (length_s / took_s) ** (exponent - 1)
        if following_s >= 0.99 * length_s:
            break
        total_s += following_s
        length_s = following_s
    return total_s
