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


@contextmanager
def cancelling(what: str) -> Iterator[threading.Event]:
    """Gives the event that the first interrupt (or termination) sets; a second one leaves the process at once.

    Libvirt goes on by itself in a peer-to-peer migration, so leaving harms nothing; it only stops being watched.
    """
    cancel = threading.Event()

    def interrupt(number: int, frame: FrameType | None) -> None:
        if cancel.is_set():
            say(f"vmferry: detached; {what} goes on or is being cancelled on the hosts: see vmferry guest list")
            _leave()
        cancel.set()
        say(f"vmferry: cancelling {what} if its copy still runs; once more to leave without waiting")

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield cancel
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave() -> NoReturn:
    """At once, whatever the threads wait for; what an end of the process tidies up (ssh, temporary files) is tidied."""
    with contextlib.suppress(Exception):
        atexit._run_exitfuncs()
    os._exit(INTERRUPTED)
