"""The time of a fake world."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Time(Protocol):
    """As `ports.Clock`."""

    def now_s(self) -> float: ...

    def sleep(self, duration_s: float) -> None: ...


class FakeTime:
    """Passes when it is slept through, and at no other time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # held to move the time on
        self._now_s = 0.0

    def now_s(self) -> float:
        return self._now_s

    def sleep(self, duration_s: float) -> None:
        with self._lock:
            self._now_s += duration_s


class RealTime:
    """For a demonstration at the pace of real hosts."""

    def now_s(self) -> float:
        return time.monotonic()

    def sleep(self, duration_s: float) -> None:
        time.sleep(duration_s)
