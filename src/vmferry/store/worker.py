"""Who a worker is, so that others can see whether it lives: this boot of this machine, a process, and when it began."""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path

_STARTED = 19
"""Of `/proc/PID/stat`, after the name: when the process began, in ticks since boot (proc(5), field 22)."""


@cache
def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def this_worker() -> str:
    """`host/boot/pid/start`. Another one after a restart, also where the process number comes again."""
    return f"{socket.gethostname()}/{_boot()}/{os.getpid()}/{_started(os.getpid())}"


def is_dead(worker: str) -> bool:
    """True only where that is certain. Of another machine nothing is known from here: its lease runs out instead."""
    host, _, rest = worker.partition("/")
    boot, _, process = rest.partition("/")
    pid, _, started = process.partition("/")
    if boot != _boot():
        return host == socket.gethostname() and bool(boot)  # this machine, before its last start
    return not pid.isdigit() or _started(int(pid)) != started


def _started(pid: int) -> str | None:
    """None where there is no such process, or only what its parent has not yet looked at."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    fields = told.rpartition(")")[2].split()
    return None if fields[0] in ("Z", "X") else fields[_STARTED]
