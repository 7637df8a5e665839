"""How much distinct memory a guest writes to within a time: its dirty curve.

Theory of operation. A page that is written twice is sent once, so what counts for a round is how many distinct pages
are written within it. That grows more slowly than time, for guests write to few pages often and to many seldom; as a
power of time between any two points that were measured, by libvirt's dirty-rate calculation over several periods or by
the rounds of an earlier migration. Above the last point the power that fits all points best goes on: two neighbours
alone would say too much by chance. Below the first, one halfway between that and 1: within a time that is short enough
no page is written twice. Twice the time never more than doubles what is written, and never makes it less.
"""

from __future__ import annotations

import bisect
import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

TYPICAL = 0.75
"""Of time: the power of a guest of which only one point is known. Fits recorded database guests under load."""
LEAST, MOST = 0.05, 0.999
"""A guest that dirties one small set whatever the time, and one that never comes back to a page."""
TRUST = 0.3
"""How much TYPICAL weighs beside points: as much as two whose times differ by a factor of 2."""


@dataclass(frozen=True, slots=True)
class DirtyCurve:
    """`points`: (seconds, distinct bytes written within them), in any order; none: it writes nothing."""

    points: tuple[tuple[float, float], ...] = ()
    most_bytes: float = math.inf
    """All that it could write to."""
    _times: list[float] = field(init=False, repr=False, compare=False)
    _bytes: list[float] = field(init=False, repr=False, compare=False)
    _power: float = field(init=False, repr=False, compare=False)
    """Of all of them."""

    def __post_init__(self) -> None:
        """Measured points contradict each other by chance: they are drawn to the nearest curve that can be one."""
        by_time: dict[float, list[float]] = {}
        for at, size in self.points:
            if at > 0 and size > 0:
                by_time.setdefault(at, []).append(size)
        points = sorted((at, statistics.fmean(found)) for at, found in by_time.items())
        times: list[float] = []
        sizes: list[float] = []
        for at, size in points:
            if times:
                size = min(max(size, sizes[-1]), sizes[-1] * at / times[-1])
            times.append(at)
            sizes.append(size)
        object.__setattr__(self, "_times", times)
        object.__setattr__(self, "_bytes", sizes)
        object.__setattr__(self, "_power", power(points))

    def within(self, seconds: float) -> float:
        """Bytes."""
        times, sizes = self._times, self._bytes
        if not times or seconds <= 0:
            return 0.0
        place = bisect.bisect_left(times, seconds)
        if place < len(times) and times[place] == seconds:
            return min(sizes[place], self.most_bytes)
        between = 0 < place < len(times)
        nearest = min(max(place - 1, 0), len(times) - 1)
        grows = self._power if place else (1 + self._power) / 2
        if between:
            grows = math.log(sizes[place] / sizes[place - 1]) / math.log(times[place] / times[place - 1])
        size: float = sizes[nearest] * (seconds / times[nearest]) ** grows
        return min(size, self.most_bytes)


def of_rates(rates: Iterable[tuple[float, float]], most_bytes: float = math.inf) -> DirtyCurve:
    """`rates`: (period in seconds, bytes a second over it), as libvirt's calculation gives them."""
    return DirtyCurve(tuple((period_s, period_s * rate) for period_s, rate in rates), most_bytes)


def power(points: Sequence[tuple[float, float]]) -> float:
    """Of (seconds, bytes), all above 0: by the straight line through their logarithms, drawn towards TYPICAL where they
    say little.
    """
    if not points:
        return TYPICAL
    times = [math.log(at) for at, _ in points]
    sizes = [math.log(size) for _, size in points]
    mean_time, mean_size = statistics.fmean(times), statistics.fmean(sizes)
    apart = [each - mean_time for each in times]
    together = sum(each * (size - mean_size) for each, size in zip(apart, sizes, strict=True))
    slope = (together + TRUST * TYPICAL) / (sum(each**2 for each in apart) + TRUST)
    return min(MOST, max(LEAST, slope))
