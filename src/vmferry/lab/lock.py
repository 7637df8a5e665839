"""One change of a lab at a time on this machine: two at once could take the same subnet."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from vmferry.lab.layout import RUN


@contextmanager
def machine_lock(say: Callable[[str], None]) -> Iterator[None]:
    """Held on the run directory itself, which goes away with the last lab. Where it is taken, says so and waits."""
    descriptor = _take(say)
    try:
        yield
    finally:
        if not any(RUN.iterdir()):
            RUN.rmdir()
        os.close(descriptor)


def _take(say: Callable[[str], None]) -> int:
    while True:
        RUN.mkdir(mode=0o755, exist_ok=True)
        descriptor = os.open(RUN, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another lab command on this machine")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if RUN.exists() and os.path.samestat(os.fstat(descriptor), RUN.stat()):
            return descriptor
        os.close(descriptor)
