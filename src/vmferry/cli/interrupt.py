"""Ctrl-C: the first cancels cleanly, the second detaches."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from vmferry.cli.errors import INTERRUPTED
from vmferry.cli.output import say

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def cancelling(what: str) -> Iterator[threading.Event]:
    """Gives the event that the first interrupt (or termination) sets; a second one leaves the process at once.

    Libvirt goes on by itself in a peer-to-peer migration, so leaving harms nothing; it only stops being watched.

    What a signal leads to is done by a thread of its own, which reads the signals' numbers from a pipe: a handler runs
    between any two steps of the main thread, so one that writes a line or sets an event may interrupt itself doing so,
    or wait for a lock that the main thread holds.
    """
    cancel = threading.Event()
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    watcher = threading.Thread(target=_watch, args=(reading, cancel, what), name="interrupts", daemon=True)
    watcher.start()
    before_fd = signal.set_wakeup_fd(writing)
    before = {number: signal.signal(number, _left_to_the_watcher) for number in SIGNALS}
    try:
        yield cancel
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(before_fd)
        os.close(writing)
        watcher.join()
        os.close(reading)


def _left_to_the_watcher(number: int, frame: FrameType | None) -> None:
    """A signal without a handler in Python would not be written into the pipe."""


def _watch(reading: int, cancel: threading.Event, what: str) -> None:
    while received := os.read(reading, 1):
        if received[0] not in SIGNALS:
            continue
        if cancel.is_set():
            say(f"vmferry: detached; {what} goes on or is being cancelled on the hosts: see vmferry guest list")
            _leave()
        cancel.set()
        say(f"vmferry: cancelling {what} if its copy still runs; once more to leave without waiting")


def _leave() -> NoReturn:
    """At once, whatever the threads wait for; what an end of the process tidies up (ssh, temporary files) is tidied."""
    with contextlib.suppress(Exception):
        atexit._run_exitfuncs()
    os._exit(INTERRUPTED)
