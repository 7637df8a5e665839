"""The readings that libvirt would give of a migration, computed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from vmferry.model.migration import JobStats, Mode

READINGS_A_ROUND = 10
DISK_STEP_S = 0.1
"""Between two readings of disks."""
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
    disk_bytes: int = 0
    """Of all disks that are copied with it."""
    disk_writes_bytes_s: int = 0
    disk_rate_bytes_s: int | None = None
    """Of all of them together; None: that of memory."""
    synchronous: bool = False
    """Its writes wait for the target's."""

    @property
    def dirtied_bytes_s(self) -> int:
        return 0 if self.stopped else self.dirty_rate_bytes_s * (100 - (self.throttle_percent or 0)) // 100

    def slow_down(self, round: int) -> None:
        """As QEMU does, from round to round."""
        if self.throttled and round > FREE_ROUNDS and 2 * self.dirtied_bytes_s > self.rate_bytes_s:
            more = FIRST_THROTTLE if self.throttle_percent is None else self.throttle_percent + MORE_THROTTLE
            self.throttle_percent = min(MOST_THROTTLE, more)


def readings(load: Load) -> Iterator[JobStats]:
    """In order, times from the beginning: first of its disks, then of its memory."""
    before = JobStats(0, load.memory_bytes, 0, load.memory_bytes)
    for before in disk_readings(load):
        yield before
    for after in memory_readings(load):
        yield replace(
            after,
            elapsed_ms=before.elapsed_ms + after.elapsed_ms,
            disk_total_bytes=before.disk_total_bytes,
            disk_done_bytes=before.disk_total_bytes,
        )


def disk_readings(load: Load) -> Iterator[JobStats]:
    """None where there are none. While the guest writes faster than they are sent, they never come to their end."""
    elapsed_s, done, left = 0.0, 0, load.disk_bytes
    while left > 0:
        yield JobStats(
            round(elapsed_s * 1000), 0, 0, 0, None,
            disk_total_bytes=done + left, disk_done_bytes=done, disk_remaining_bytes=left,
        )  # fmt: skip
        rate = load.disk_rate_bytes_s or load.rate_bytes_s
        writes = min(load.disk_writes_bytes_s, rate // 2) if load.synchronous else load.disk_writes_bytes_s
        took_s = max(0.01, min(DISK_STEP_S, left / rate))
        sent = min(left, round(rate * took_s))
        elapsed_s, done, left = elapsed_s + took_s, done + sent, left - sent + round(writes * took_s)
        if left <= writes * took_s < rate * took_s:
            left = 0
    if load.disk_bytes:
        yield JobStats(round(elapsed_s * 1000), 0, 0, 0, None, disk_total_bytes=done, disk_done_bytes=done)


def memory_readings(load: Load) -> Iterator[JobStats]:
    """The last when the rest fits into the stop, or after many rounds."""
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
    stats = JobStats(elapsed_ms, last.total_bytes, sent, 0, rate_bytes_s, 0, last.round, downtime_ms)
    return replace(stats, disk_total_bytes=last.disk_total_bytes, disk_done_bytes=last.disk_done_bytes)


def percent(reading: JobStats) -> int:
    """How far the first round is; all later ones are at 99."""
    return 99 if reading.round > 1 else 100 * reading.processed_bytes // max(1, reading.total_bytes)


def disk_percent(reading: JobStats) -> int:
    """100 where there are none any more."""
    return 100 if reading.total_bytes else 100 * reading.disk_done_bytes // max(1, reading.disk_total_bytes)


def _reading(load: Load, elapsed_s: float, processed: int, remaining: int, number: int) -> JobStats:
    """As of QEMU: the dirty rate is that of the rounds that have ended."""
    dirty = load.dirtied_bytes_s
    at_ms, rate = round(elapsed_s * 1000), load.rate_bytes_s
    return JobStats(
        at_ms, load.memory_bytes, processed, remaining, rate, dirty, number, throttle_percent=load.throttle_percent
    )
