"""What to do with disks that are copied with a guest: whether their copies catch up with what it writes.

QEMU sends what the guest writes meanwhile after the rest. A guest that writes faster than the link carries keeps its
mirrors from ever being level, and libvirt does not begin with memory before they are. Then its writes are made to wait
for the target's, which slows down nothing but its writing; where that is not to be had or does not help, the copy is
given up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from vmferry.flow.effects import What
from vmferry.flow.steer import Reins, Step
from vmferry.model.migration import JobStats, Mode
from vmferry.model.units import format_bytes

LAG_S = 10.0
"""A mirror that has come no closer for so long, and for what its limit explains, does not catch up by itself."""
BUFFER_BYTES = 16 << 20
"""QEMU sends so much at once, and then waits for as long as the limit has it take."""
STEP = 0.01
"""Of what is left: less than that is no progress."""


@dataclass(frozen=True, slots=True)
class Mirrors:
    """How close they have come."""

    low_bytes: int | None = None
    since_ms: int = 0
    """When they were as close for the first time, on the job's own clock."""
    synchronous: bool = False
    """The guest's writes wait for the target's."""
    refused: bool = False
    """They cannot be made to."""
    limit_bytes_s: int | None = None
    """Of each disk's copy; None: none."""
    level: bool = False
    """QEMU has found all of them so, and libvirt has begun with memory."""

    def seen(self, stats: JobStats) -> Mirrors:
        """With nothing left they need not be level: what the guest writes while the copy keeps to its limit is counted
        only when the copy goes on (tried: 0 left for minutes).
        """
        left, level = stats.disk_remaining_bytes, not in_disks(stats)
        closer = self.low_bytes is None or left < self.low_bytes - STEP * self.low_bytes
        if closer or level is not self.level or (level and not left):
            return replace(self, low_bytes=left, since_ms=stats.elapsed_ms, level=level)
        return self

    @property
    def lag_s(self) -> float:
        """What has come no closer for so long is behind."""
        return LAG_S + (BUFFER_BYTES / self.limit_bytes_s if self.limit_bytes_s else 0.0)

    def slowed(self, stats: JobStats) -> Mirrors:
        """From now on it is another race."""
        return replace(self, low_bytes=stats.disk_remaining_bytes, since_ms=stats.elapsed_ms, synchronous=True)


def in_disks(stats: JobStats) -> bool:
    """Only the disks are being copied yet: the guest's memory comes after them."""
    return bool(stats.disk_total_bytes) and not stats.total_bytes


def steer_mirrors(mirrors: Mirrors, stats: JobStats, reins: Reins) -> Step | None:
    """The next step; None: let it go on as it does. Before memory, nothing else can be done with a copy than to end it:
    the guest cannot be stopped to end it sooner, nor run on the target.
    """
    if stats.mode is not Mode.PRE_COPY or not stats.disk_total_bytes:
        return None
    late = reins.max_time_s is not None and stats.elapsed_ms / 1000 >= reins.max_time_s
    if late and in_disks(stats):
        return Step(What.ABORT, f"its time of {reins.max_time_s:g} s is over, and its disks are not copied yet")
    still_s = (stats.elapsed_ms - mirrors.since_ms) / 1000
    if still_s < mirrors.lag_s or (mirrors.level and not stats.disk_remaining_bytes):
        return None
    left = format_bytes(stats.disk_remaining_bytes)
    why = f"the guest writes as fast as its disks are copied: {left} left, no less in {still_s:.0f} s"
    if not mirrors.synchronous and not mirrors.refused:
        return Step(What.SYNCHRONOUS_WRITES, why)
    if not in_disks(stats):
        return None
    how = "also with writes that wait for the target's" if mirrors.synchronous else "and QEMU cannot make it wait"
    return Step(What.ABORT, f"{why}, {how}")
