"""One change of a lab at a time on this machine: two at once could take the same subnet."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from vmferry.errors import Failed
from vmferry.lab.layout import RUN

PATIENCE_S = 60.0
"""Longer than any lab command takes, but for the building of an image."""

LOOK_EVERY_S = 0.1


@contextmanager
def machine_lock() -> Iterator[None]:
    """Held on the run directory itself, which goes away with the last lab. Raises Failed where it is taken."""
    descriptor = _take()
    try:
        yield
    finally:
        if not any(RUN.iterdir()):
            RUN.rmdir()
        os.close(descriptor)


def _take() -> int:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        RUN.mkdir(mode=0o755, exist_ok=True)
        descriptor = os.open(RUN, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            if time.monotonic() < deadline:
                time.sleep(LOOK_EVERY_S)
                continue
            raise Failed("another lab command is at work on this machine; wait for it and try again") from None
        if RUN.exists() and os.path.samestat(os.fstat(descriptor), RUN.stat()):
            return descriptor
        os.close(descriptor)
