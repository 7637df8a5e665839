"""Who runs a lab guest, by the processor time of its virtual CPU: what neither libvirt nor vmferry have to tell."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque
from pathlib import Path

from vmferry.lab import cgroup
from vmferry.lab.layout import Layout

EVERY_S = 0.1
WINDOWS = 4
"""So many in a row in which the CPU moved on both hosts: in one alone it may have been handed over."""
LEAST_NS = 200_000
"""Of processor time in a window: the thread of a virtual CPU that stands still is woken now and then too."""


class Witness(threading.Thread):
    """Looks as long as it is not told to stop. A guest has to be busy for it to be seen."""

    def __init__(self, layout: Layout, hosts: tuple[str, str], guest: str) -> None:
        super().__init__(daemon=True)
        self._layout, self._hosts, self._name = layout, hosts, f"guest={guest},".encode()
        self._ended = threading.Event()
        self._spent_ns: dict[int, int] = {}
        self.twice: list[float] = []
        """When both ran, since the beginning; must stay empty."""
        self.looks = 0
        """At which it ran somewhere."""

    def run(self) -> None:
        began_s = time.monotonic()
        latest: deque[bool] = deque(maxlen=WINDOWS)
        while not self._ended.wait(EVERY_S):
            ran = [self._moved(host) for host in self._hosts]
            self.looks += any(ran)
            latest.append(all(ran))
            if len(latest) == WINDOWS and all(latest):
                self.twice.append(time.monotonic() - began_s)

    def stop(self) -> None:
        self._ended.set()
        self.join()

    def _moved(self, host: str) -> bool:
        """Since the last look, on that host."""
        found = False
        for pid in cgroup.processes(self._layout, host):
            with contextlib.suppress(OSError):
                if self._name in Path(f"/proc/{pid}/cmdline").read_bytes():
                    found |= self._cpu_moved(pid)
        return found

    def _cpu_moved(self, pid: int) -> bool:
        moved = False
        for thread in os.listdir(f"/proc/{pid}/task"):
            place = Path(f"/proc/{pid}/task/{thread}")
            if (place / "comm").read_text().startswith("CPU "):
                spent_ns = int((place / "schedstat").read_text().split()[0])
                moved |= spent_ns > self._spent_ns.get(int(thread), spent_ns) + LEAST_NS
                self._spent_ns[int(thread)] = spent_ns
        return moved
