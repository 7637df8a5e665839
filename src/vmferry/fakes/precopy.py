"""The readings that libvirt would give of a migration, computed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vmferry.model.migration import JobStats, Mode

READINGS_A_ROUND = 10
OWN_DOWNTIME_MS = 300
"""QEMU's own limit. What can be sent in so long is sent while the guest stands still."""
OWN_BANDWIDTH_BYTES_S = (1 << 63) - (1 << 20)
"""Libvirt's own limit, in whole MiB: none."""
MOST_ROUNDS = 1000
FREE_ROUNDS = 2
"""Of a guest that dirties too fast, before auto-converge slows it down."""
FIRST_THROTTLE, MORE_THROTTLE, MOST_THROTTLE = 20, 10, 99


@dataclass(slots=True)
class Load:
    """What decides the course of a copy, as it is at the moment; may change at any time."""

    memory_bytes: int
    rate_bytes_s: int
    dirty_rate_bytes_s: int
    limit_ms: int = OWN_DOWNTIME_MS
    throttled: bool = False
    """Auto-converge was chosen."""
    throttle_percent: int | None = None
    stopped: bool = False
    """The guest stands still."""

    @property
    def dirtied_bytes_s(self) -> int:
        return 0 if self.stopped else self.dirty_rate_bytes_s * (100 - (self.throttle_percent or 0)) // 100

    def slow_down(self, round: int) -> None:
        """As QEMU does, from round to round."""
        if self.throttled and round > FREE_ROUNDS and 2 * self.dirtied_bytes_s > self.rate_bytes_s:
            more = FIRST_THROTTLE if self.throttle_percent is None else self.throttle_percent + MORE_THROTTLE
            self.throttle_percent = min(MOST_THROTTLE, more)


def readings(load: Load) -> Iterator[JobStats]:
    """In order, times from the beginning; the last when the rest fits into the stop, or after many rounds."""
    elapsed_s, processed, left = 0.0, 0, load.memory_bytes
    for number in range(1, MOST_ROUNDS + 1):
        rate = load.rate_bytes_s
        for part in range(READINGS_A_ROUND):
            sent = left * part // READINGS_A_ROUND
            yield _reading(load, elapsed_s + sent / rate, processed + sent, left - sent, number)
        took_s = left / rate
        elapsed_s, processed = elapsed_s + took_s, processed + left
        left = min(load.memory_bytes, round(load.dirtied_bytes_s * took_s))
        if left <= rate * load.limit_ms / 1000:
            break
        load.slow_down(number)
    yield _reading(load, elapsed_s, processed, left, number)


def post_copy_readings(last: JobStats, load: Load) -> Iterator[JobStats]:
    """After the last reading of pre-copy: what is left, once."""
    for part in range(READINGS_A_ROUND + 1):
        sent = last.remaining_bytes * part // READINGS_A_ROUND
        at_ms = last.elapsed_ms + round(sent * 1000 / load.rate_bytes_s)
        left = last.remaining_bytes - sent
        yield JobStats(
            at_ms,
            last.total_bytes,
            last.processed_bytes + sent,
            left,
            load.rate_bytes_s,
            0,
            last.round,
            mode=Mode.POST_COPY,
        )


def final(last: JobStats, rate_bytes_s: int) -> JobStats:
    """The completed statistics of a copy whose last reading was this one."""
    downtime_ms = max(1, last.remaining_bytes * 1000 // rate_bytes_s)
    sent = last.processed_bytes + last.remaining_bytes
    elapsed_ms = last.elapsed_ms + downtime_ms
    return JobStats(elapsed_ms, last.total_bytes, sent, 0, rate_bytes_s, 0, last.round, downtime_ms)


def percent(reading: JobStats) -> int:
    """How far the first round is; all later ones are at 99."""
    return 99 if reading.round > 1 else 100 * reading.processed_bytes // max(1, reading.total_bytes)


def _reading(load: Load, elapsed_s: float, processed: int, remaining: int, number: int) -> JobStats:
    """As of QEMU: the dirty rate is that of the rounds that have ended."""
    dirty = load.dirtied_bytes_s
    at_ms, rate = round(elapsed_s * 1000), load.rate_bytes_s
    return JobStats(
        at_ms, load.memory_bytes, processed, remaining, rate, dirty, number, throttle_percent=load.throttle_percent
    )
