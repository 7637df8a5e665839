"""The course of a pre-copy migration, round by round.

Theory of operation. The first round sends all memory in use. While a round of b bytes is sent at rate R, the guest
dirties pages at rate D, but never more than its working set W: the next round has min(D * b / R, W) bytes. The copy
ends when what is left can be sent within the downtime limit L, that is when b <= R * L. With D >= R the rounds do not
shrink below min(W, ...), and it converges only if W itself fits. (Clark et al., NSDI 2005; QEMU's own rule is the same:
remaining bytes below bandwidth times downtime-limit.)
"""

from __future__ import annotations

from dataclasses import dataclass

from vmferry.model.migration import Forecast, Range

DOWNTIME_LIMIT_S = 0.3
"""QEMU's default downtime-limit."""

FIXED_DOWNTIME_S = 0.03
"""Stopping, the device state and starting on the other side: 20 to 40 ms on an unloaded lab host."""

MOST_ROUNDS = 100


@dataclass(frozen=True, slots=True)
class Course:
    """What the arithmetic says for one set of figures."""

    duration_s: float
    downtime_s: float
    transferred_bytes: float
    rounds: int
    converges: bool


def course(
    memory_bytes: float,
    rate_bytes_s: float,
    dirty_rate_bytes_s: float,
    working_set_bytes: float,
    downtime_limit_s: float = DOWNTIME_LIMIT_S,
) -> Course:
    """Follow the rounds; `duration_s` and the rest of one that does not converge are those of the first MOST_ROUNDS."""
    left = memory_bytes
    sent = 0.0
    for number in range(1, MOST_ROUNDS + 1):
        sent += left
        dirtied = min(dirty_rate_bytes_s * left / rate_bytes_s, working_set_bytes)
        if dirtied <= rate_bytes_s * downtime_limit_s:
            sent += dirtied
            downtime_s = dirtied / rate_bytes_s + FIXED_DOWNTIME_S
            return Course(sent / rate_bytes_s + FIXED_DOWNTIME_S, downtime_s, sent, number + 1, converges=True)
        left = dirtied
    return Course(sent / rate_bytes_s, left / rate_bytes_s, sent, MOST_ROUNDS, converges=False)


def forecast(
    memory_bytes: int,
    rate_bytes_s: Range,
    dirty_rate_bytes_s: int,
    basis: str,
    downtime_limit_s: float = DOWNTIME_LIMIT_S,
) -> Forecast:
    """The forecast with its spread: the spread of the path's rate is what decides it.

    `rate_bytes_s.p10` is the slow end. The working set is not measured here, so all memory in use stands for it.
    """
    slow, middle, fast = (
        course(memory_bytes, rate, dirty_rate_bytes_s, memory_bytes, downtime_limit_s)
        for rate in (rate_bytes_s.p10, rate_bytes_s.p50, rate_bytes_s.p90)
    )
    return Forecast(
        duration_s=Range(fast.duration_s, middle.duration_s, slow.duration_s),
        downtime_ms=Range(fast.downtime_s * 1000, middle.downtime_s * 1000, slow.downtime_s * 1000),
        transferred_bytes=Range(fast.transferred_bytes, middle.transferred_bytes, slow.transferred_bytes),
        converges=middle.converges,
        rounds=middle.rounds,
        basis=basis,
    )
