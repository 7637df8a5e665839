"""Whether a copy stands still: nothing of it is sent any more, though the job goes on.

By the source's own account of bytes and of time, so that a controller that was away counts nothing that it did not see:
bytes are cumulative, and the same number twice means that nothing was sent between the two readings.
"""

from __future__ import annotations

from dataclasses import dataclass

from vmferry.model.migration import JobStats, Mode


@dataclass(frozen=True, slots=True)
class Still:
    """Since when, on the job's own clock, how many bytes have been sent."""

    sent_bytes: int = 0
    since_ms: int = 0
    for_s: float = 0.0

    def seen(self, stats: JobStats) -> Still:
        """With one more reading. Of a post-copy it says nothing: one that is broken is resumed, never given up."""
        sent_bytes = stats.processed_bytes + stats.disk_done_bytes
        if stats.mode is not Mode.PRE_COPY or sent_bytes != self.sent_bytes:
            return Still(sent_bytes, stats.elapsed_ms)
        return Still(self.sent_bytes, self.since_ms, max(0, stats.elapsed_ms - self.since_ms) / 1000)


def stalled(still: Still, limit_s: float | None) -> str | None:
    """Why it is to be given up, unless it stands still for its switch; None: it is not. `limit_s` None: never."""
    if limit_s is None or still.for_s < limit_s:
        return None
    if not still.sent_bytes:
        return f"nothing was sent in {still.for_s:.0f} s: the source does not get through to the target"
    return f"nothing was sent for {still.for_s:.0f} s: the target does not take any more of the guest"
