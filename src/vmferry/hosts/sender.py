"""The line on which a host is told to migrate: a call that takes as long as the copy, while the other line asks."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

from vmferry.errors import HostUnreachable
from vmferry.hosts.line import Line


class Sender:
    def __init__(self, open_line: Callable[[], Line]) -> None:
        """`open_line` has a time limit of its own and raises HostUnreachable."""
        self._open = open_line
        self._lines: list[Line] = []
        self._closed = False
        self._lock = threading.Lock()  # held while one is opened: who needs it meanwhile waits

    def prepare(self) -> None:
        """Open one that will be needed, and wait for nothing. What goes wrong is told when it is needed."""
        threading.Thread(target=self._prepared, daemon=True).start()

    def _prepared(self) -> None:
        with contextlib.suppress(HostUnreachable):
            self.line()

    def line(self) -> Line:
        """One on which nothing runs. Raises HostUnreachable."""
        with self._lock:
            free = next((line for line in self._lines if not line.busy), None)
            if free is None:
                free = self._open()
                self._lines.append(free)
            if self._closed:
                free.close()
            return free

    def close(self) -> None:
        """As of a line; one that is just being opened is closed by whoever opens it."""
        self._closed = True
        if self._lock.acquire(blocking=False):
            try:
                for line in self._lines:
                    line.close()
            finally:
                self._lock.release()
