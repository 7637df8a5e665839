"""What a transaction needs beside its hosts, and what it is told of a guest that has arrived."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass

from vmferry.errors import VmferryError
from vmferry.forecast.progress import Progress
from vmferry.model.migration import JobStats
from vmferry.ports import Clock, Jobs
from vmferry.service.record import Record


@dataclass(frozen=True, slots=True)
class Arrival:
    """What was seen of a guest that is on its target."""

    sure: bool
    """Exactly one copy runs, and its definitions were seen, by the word of both hosts."""
    error: str | None
    silent: bool = False
    """It did not answer on the network, where it should."""


@dataclass(frozen=True, slots=True)
class Guides:
    """What a transaction needs beside its hosts."""

    jobs: Jobs
    clock: Clock
    patience_s: float
    """For what libvirt may still change by itself."""
    verify: Callable[[Record, JobStats | None], Arrival]
    show: Callable[[Progress], None]
    settling: Callable[[VmferryError | None], None]
    cancel: threading.Event
    checked_s: float = math.inf
    """When the check let it pass, by the clock."""
    note: Callable[[str], None] = lambda text: None
    explain: Callable[[], str] = lambda: ""
    """What a check refuses now, after a copy that failed; empty: nothing. Libvirt itself loses the target's words
    about every other time, to a connection that it closes first.
    """
