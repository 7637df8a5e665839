"""What earlier migrations tell of a path, and of a guest.

Theory of operation. A migration takes a time that is the same for all of a path (connecting, preparing, the switch),
and beside it a time for each byte. Both are read off the migrations of that path by the line through them whose slope
is the median of the slopes of all pairs, so that a few that were disturbed do not count. Where all were of about the
same size there is no slope to be seen: then the time for each byte is all of it.

What the model leaves out of a guest (pages that are compressed, memory that grows meanwhile) makes what it sends more
or less than predicted by about the same factor each time: that is learned as the median of the factors, drawn towards 1
the more the fewer there are.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from vmferry.model.migration import Range

APART = 1.3
"""Two sizes that differ by less tell nothing of a slope."""
LEAST_PAIRS, FEWEST = 3, 2
MOST = 50
"""Migrations that are looked at."""
FARTHEST = 2.0
"""No correction is larger, nor smaller than its inverse: what is off by more is of another guest than it was."""


@dataclass(frozen=True, slots=True)
class Past:
    """One migration that came to its end."""

    sent_bytes: float
    took_s: float


@dataclass(frozen=True, slots=True)
class Path:
    """`rate_bytes_s.p10` is the slow end."""

    fixed_s: float
    rate_bytes_s: Range
    count: int


def path(pasts: Sequence[Past]) -> Path | None:
    """None: there are not two of them."""
    seen = [each for each in pasts if each.sent_bytes > 0 and each.took_s > 0][:MOST]
    if len(seen) < FEWEST:
        return None
    fixed_s, slope = _line(seen)
    rates = sorted(each.sent_bytes / max(each.took_s - fixed_s, 0.1 * each.took_s) for each in seen)
    middle = 1 / slope if slope else statistics.median(rates)
    if len(rates) == 2:
        low, high = min(*rates, 0.8 * middle), max(*rates, 1.2 * middle)
    else:
        deciles = statistics.quantiles(rates, n=10, method="inclusive")
        low, high = min(deciles[0], middle), max(deciles[8], middle)
    return Path(fixed_s, Range(low, middle, high), len(seen))


def fixed_s(late: Sequence[float]) -> float:
    """`late`: by how many seconds migrations took longer than predicted without any fixed time."""
    return max(0.0, statistics.median(late)) if len(late) >= FEWEST else 0.0


def _line(seen: Sequence[Past]) -> tuple[float, float]:
    """(seconds, seconds for each byte); a slope of 0: none is to be seen."""
    pairs = [
        (small, large)
        for small, large in (sorted(pair, key=lambda each: each.sent_bytes) for pair in combinations(seen, 2))
        if large.sent_bytes >= APART * small.sent_bytes
    ]
    if len(pairs) < LEAST_PAIRS:
        return 0.0, 0.0
    slope = statistics.median(
        (large.took_s - small.took_s) / (large.sent_bytes - small.sent_bytes) for small, large in pairs
    )
    fixed_s = statistics.median(each.took_s - slope * each.sent_bytes for each in seen)
    if slope <= 0 or fixed_s <= 0:
        return 0.0, 0.0
    return fixed_s, slope


def correction(factors: Sequence[float]) -> float:
    """`factors`: of earlier migrations, what each took by what had been predicted."""
    usable = [each for each in factors if 0 < each < math.inf]
    if not usable:
        return 1.0
    mean = statistics.median(map(math.log, usable)) * len(usable) / (len(usable) + 1)
    return min(FARTHEST, max(1 / FARTHEST, math.exp(mean)))
