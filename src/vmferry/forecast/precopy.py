"""The course of a migration, round by round, as QEMU makes it.

Theory of operation. The first round sends all memory in use; each one after it what the guest has written to during the
one before (`dirty.py`). QEMU does not wait for the end of a round: as soon as less is left than the link sends within
the downtime limit it looks which pages were written meanwhile, and stops the guest if there is still less than that
with them. It looks at intervals of 50 to 100 ms. So a copy comes to its end where a guest writes, within that time,
less than the link sends; and what is left then is sent at the link's full rate, whatever the limit before was.
(Clark et al., NSDI 2005, for the rounds; QEMU's documentation of migration for the rest.)

Throttling: where more than half as much was written in a round as was sent, twice in turn, QEMU takes a share of its
CPU time from the guest, and a larger one each time that happens again. Post-copy: the guest goes over at once, and what
is left follows at full rate; nothing is sent twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vmferry.forecast.dirty import DirtyCurve
from vmferry.model.migration import Alternative, Forecast, Range

DOWNTIME_LIMIT_S = 0.3
"""QEMU's default downtime-limit."""

FIXED_DOWNTIME_S = 0.03
"""Stopping, the device state and starting on the other side: 20 to 40 ms on an unloaded lab host."""

LOOK_S = 0.1
MOST_ROUNDS = 1000
STUCK_ROUNDS, STUCK_S = 5, 3.0
"""So many without a smaller rest than before: it does not end. Throttled, for so long: that takes its time."""
THROTTLE_ABOVE, THROTTLE_AFTER = 0.5, 2
THROTTLE_EVERY_S = 1.0
POST_COPY_DOWNTIME_S = 0.05
"""More than a switch: pages that were sent and written since are named to the target first."""


def limit_s(max_downtime_ms: int | None) -> float:
    """None: QEMU's own."""
    return DOWNTIME_LIMIT_S if max_downtime_ms is None else max_downtime_ms / 1000


@dataclass(frozen=True, slots=True)
class Throttle:
    """QEMU's auto-converge, in percent of CPU time."""

    initial: int = 20
    increment: int = 10
    most: int = 99


@dataclass(frozen=True, slots=True)
class Course:
    """What the arithmetic says for one set of figures."""

    duration_s: float
    downtime_s: float
    transferred_bytes: float
    rounds: int
    converges: bool


@dataclass(frozen=True, slots=True)
class Link:
    """What carries a migration, in bytes a second. `last`: without its limit."""

    rate: float
    last: float


def course(
    memory_bytes: float,
    link: Link,
    curve: DirtyCurve,
    downtime_limit_s: float = DOWNTIME_LIMIT_S,
    throttle: Throttle | None = None,
    unused_bytes: float = 0,
) -> Course:
    """Follow the rounds; of one that does not converge, until they do not become shorter any more.

    `unused_bytes`: memory of the guest that is not in use. It is looked at beside what is sent, and counts as
    left until then.
    """
    rest, sent, at_s = _Rest(memory_bytes, curve), 0.0, 0.0
    left, enough = memory_bytes, link.rate * downtime_limit_s
    slowed, least, stuck, since_s = _Slowed(throttle), left, 0, 0.0
    for number in range(1, MOST_ROUNDS + 1):
        may_stay = max(0.0, enough - unused_bytes) if number == 1 else enough
        took_s = max(LOOK_S, (left - may_stay) / link.rate)
        sends = min(left, took_s * link.rate)
        dirtied = curve.within(took_s) * slowed.goes
        began_s, at_s, sent = at_s, at_s + took_s * min(1.0, left / (took_s * link.rate)), sent + sends
        left = rest.after(sends, dirtied, began_s, at_s)
        if left <= enough:
            downtime_s = left / link.last + FIXED_DOWNTIME_S
            return Course(at_s + downtime_s, downtime_s, sent + left, number + 1, converges=True)
        if slowed.after(took_s, dirtied, sends) or left < 0.995 * least:
            least, stuck, since_s = left, 0, at_s
        stuck += 1
        if stuck > STUCK_ROUNDS and (throttle is None or at_s - since_s > STUCK_S):
            break
    return Course(at_s, left / link.last + FIXED_DOWNTIME_S, sent, number, converges=False)


class _Rest:
    """What is still to be sent, the oldest first; a page that was written to in two rounds counts once."""

    def __init__(self, memory_bytes: float, curve: DirtyCurve) -> None:
        self._curve, self._unsent, self._all = curve, memory_bytes, memory_bytes
        self._written: list[tuple[float, float]] = []
        """(since when, bytes)"""

    def after(self, sent: float, dirtied: float, began_s: float, now_s: float) -> float:
        """A round; all that is left."""
        from_unsent = min(sent, self._unsent)
        self._unsent -= from_unsent
        sent -= from_unsent
        while self._written and sent >= self._written[0][1]:
            sent -= self._written.pop(0)[1]
        if self._written:
            self._written[0] = self._written[0][0], self._written[0][1] - sent
        self._written.append((began_s, dirtied))
        since_s = self._written[0][0]
        together = sum(size for _, size in self._written)
        most = self._curve.within(now_s - since_s)
        if together > most:
            self._written = [(since_s, most)]
        return min(self._unsent + min(together, most), self._all)


class _Slowed:
    """By how much the guest is throttled, as rounds go by."""

    def __init__(self, throttle: Throttle | None) -> None:
        self._throttle, self._percent, self._high = throttle, 0, 0
        self._since_s = self._dirtied = self._sent = 0.0

    @property
    def goes(self) -> float:
        """The share of its writes that is left."""
        return 1 - self._percent / 100

    def after(self, took_s: float, dirtied: float, sent: float) -> bool:
        """Whether it is slowed down more now."""
        if self._throttle is None or self._percent >= self._throttle.most:
            return False
        self._since_s, self._dirtied, self._sent = self._since_s + took_s, self._dirtied + dirtied, self._sent + sent
        if self._since_s < THROTTLE_EVERY_S:
            return False
        high = self._dirtied > THROTTLE_ABOVE * self._sent
        self._since_s = self._dirtied = self._sent = 0.0
        if not high:
            return False
        self._high += 1
        if self._high < THROTTLE_AFTER:
            return False
        self._high = 0
        step = self._throttle.increment if self._percent else self._throttle.initial
        self._percent = min(self._throttle.most, self._percent + step)
        return True


def post_copy(memory_bytes: float, link: Link, curve: DirtyCurve, after_s: float) -> Course:
    """The guest goes over `after_s` seconds after the beginning."""
    left, at_s, sent, rounds = memory_bytes, 0.0, 0.0, 1
    while at_s + left / link.rate < after_s and left > 0:
        took_s = max(LOOK_S, left / link.rate)
        sent, at_s, rounds = sent + left, at_s + took_s, rounds + 1
        left = curve.within(took_s)
    took_s = max(0.0, after_s - at_s)
    sends = min(left, took_s * link.rate)
    again = curve.within(took_s) * (sends / left if left else 0.0)  # written of what had been sent
    rest = left - sends + again
    duration_s = max(at_s, after_s) + POST_COPY_DOWNTIME_S + rest / link.last
    return Course(duration_s, POST_COPY_DOWNTIME_S, sent + sends + rest, rounds + 1, converges=True)


def forecast(
    memory_bytes: int,
    rate_bytes_s: Range,
    curve: DirtyCurve,
    basis: str,
    downtime_limit_s: float = DOWNTIME_LIMIT_S,
    limit_bytes_s: int | None = None,
    unused_bytes: int = 0,
) -> Forecast:
    """The forecast with its spread: the spread of the path's rate is what decides it.

    `rate_bytes_s.p10` is the slow end, without the limit that the copy has. `unused_bytes`: as of `course`.
    """

    def of(follow: Callable[[Link], Course]) -> tuple[Course, Course, Course]:
        rates = (rate_bytes_s.p90, rate_bytes_s.p50, rate_bytes_s.p10)
        fast, middle, slow = (follow(Link(min(rate, limit_bytes_s or rate), rate)) for rate in rates)
        return fast, middle, slow

    plain = of(lambda link: course(memory_bytes, link, curve, downtime_limit_s, None, unused_bytes))
    throttled = of(lambda link: course(memory_bytes, link, curve, downtime_limit_s, Throttle(), unused_bytes))
    after_s = memory_bytes / min(rate_bytes_s.p50, limit_bytes_s or rate_bytes_s.p50)
    over = of(lambda link: post_copy(memory_bytes, link, curve, after_s))
    return Forecast(
        duration_s=_range(plain, lambda each: each.duration_s),
        downtime_ms=_range(plain, lambda each: each.downtime_s * 1000),
        transferred_bytes=_range(plain, lambda each: each.transferred_bytes),
        converges=plain[1].converges,
        rounds=plain[1].rounds,
        basis=basis,
        instead=(
            _alternative("auto-converge", throttled),
            _alternative("post-copy after the first round", over),
        ),
    )


def _range(courses: tuple[Course, Course, Course], figure: Callable[[Course], float]) -> Range:
    low, middle, high = sorted(map(figure, courses))
    return Range(low, middle, high)


def _alternative(way: str, courses: tuple[Course, Course, Course]) -> Alternative:
    duration = _range(courses, lambda each: each.duration_s)
    return Alternative(way, duration, _range(courses, lambda each: each.downtime_s * 1000), courses[1].converges)
