"""What was asked for, as a worker on another machine can act on it."""

from __future__ import annotations

from dataclasses import dataclass, field

from vmferry.model.storage import UNSAID, StorageWish
from vmferry.model.tuning import PLAIN, Convergence, Tuning


@dataclass(frozen=True, slots=True)
class Copying:
    """How the copy is to be made; None: as the configuration, the guest or libvirt has it."""

    bandwidth_bytes_s: int | None = None
    max_downtime_ms: int | None = None
    max_time_s: float | None = None
    convergence: Convergence | None = None
    post_copy: bool | None = None
    tuning: Tuning = PLAIN
    storage: StorageWish = UNSAID


@dataclass(frozen=True, slots=True)
class Wish:
    """One migration."""

    guest: str
    to: str | None = None
    """None: the best target."""
    copying: Copying = field(default_factory=Copying)
    accept_unknown: bool = False
    definition: str | None = None
    """Of the guest on its target; XML."""
