"""The one line that changes while a copy runs; without a terminal, a line every few seconds."""

from __future__ import annotations

import shutil
import sys
import threading
import time

from vmferry.cli.migration_view import progress_line
from vmferry.cli.output import say
from vmferry.forecast.progress import Phase, Progress

PLAIN_EVERY_S = 2.0


class ProgressLine:
    """Safe to call from several threads. `close` leaves the terminal at the beginning of an empty line."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # held while the terminal's line is being written
        self._terminal = sys.stderr.isatty()
        self._last_s = float("-inf")
        self._open = False
        self._closed = False

    def show(self, progress: Progress) -> None:
        with self._lock:
            if self._closed or progress.phase is Phase.STARTING:
                return
            if self._terminal:
                self._rewrite(progress_line(progress))
            elif time.monotonic() - self._last_s >= PLAIN_EVERY_S:
                self._last_s = time.monotonic()
                say(f"  {progress_line(progress)}")

    def close(self) -> None:
        with self._lock:
            if self._open:
                sys.stderr.write("\n")
            self._open, self._closed = False, True

    def _rewrite(self, text: str) -> None:
        """Cut to the terminal's width: a line that wraps cannot be taken back."""
        columns = shutil.get_terminal_size().columns
        sys.stderr.write(f"\r\x1b[K  {text}"[: columns + 3])
        sys.stderr.flush()
        self._open = True
