"""The readings that libvirt would give of a pre-copy migration, computed."""

from __future__ import annotations

from collections.abc import Iterator

from vmferry.model.migration import JobStats

READINGS_A_ROUND = 10
LAST_ROUND_S = 0.3
"""What can be sent in so long is sent while the guest stands still."""
MOST_ROUNDS = 30


def readings(memory_bytes: int, dirty_rate_bytes_s: int, rate_bytes_s: int) -> Iterator[JobStats]:
    """In order, times from the beginning; the last when the rest fits into the stop, or after 30 rounds."""
    elapsed_s, processed, left = 0.0, 0, memory_bytes
    for number in range(1, MOST_ROUNDS + 1):
        for part in range(READINGS_A_ROUND):
            sent = left * part // READINGS_A_ROUND
            at_ms = round((elapsed_s + sent / rate_bytes_s) * 1000)
            yield _reading(at_ms, memory_bytes, processed + sent, left - sent, number, rate_bytes_s, dirty_rate_bytes_s)
        took_s = left / rate_bytes_s
        elapsed_s, processed = elapsed_s + took_s, processed + left
        left = min(memory_bytes, round(dirty_rate_bytes_s * took_s))
        if left <= rate_bytes_s * LAST_ROUND_S:
            break
    yield _reading(round(elapsed_s * 1000), memory_bytes, processed, left, number, rate_bytes_s, dirty_rate_bytes_s)


def final(last: JobStats, rate_bytes_s: int) -> JobStats:
    """The completed statistics of a copy whose last reading was this one."""
    downtime_ms = max(1, last.remaining_bytes * 1000 // rate_bytes_s)
    sent = last.processed_bytes + last.remaining_bytes
    elapsed_ms = last.elapsed_ms + downtime_ms
    return JobStats(elapsed_ms, last.total_bytes, sent, 0, rate_bytes_s, 0, last.round, downtime_ms)


def percent(reading: JobStats) -> int:
    """How far the first round is; all later ones are at 99."""
    return 99 if reading.round > 1 else 100 * reading.processed_bytes // max(1, reading.total_bytes)


def _reading(
    elapsed_ms: int, total: int, processed: int, remaining: int, number: int, rate: int, dirty_rate: int
) -> JobStats:
    return JobStats(elapsed_ms, total, processed, remaining, rate, dirty_rate, number)
