"""The record of a migration while it runs and afterwards: a job."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from vmferry.model.migration import MigrationResult
from vmferry.model.storage import DiskCopy, SourceVolumes
from vmferry.model.tuning import PLAIN, Convergence, Tuning
from vmferry.model.wish import Wish


class Ask(enum.StrEnum):
    """What a person may ask of a running job, from any process."""

    CANCEL = "cancel"
    FORCE = "force"
    """Bring it to its end now, whatever downtime that takes."""


DIRTY_PERIOD_S = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """What a worker has to know to go on with a job that another one began."""

    guest_uuid: str
    paused: bool
    """Before the migration."""
    persistent: bool
    memory_bytes: int
    disks: tuple[tuple[str, str | None], ...] = ()
    """(target, source) as they are to be after the switch."""
    address: str | None = None
    """Where the guest answers on the network."""
    url: str | None = None
    bandwidth_bytes_s: int | None = None
    """Its limit, and a limit of its link: see `model.bandwidth`."""
    share_bytes_s: int | None = None
    """What it may send of it now, while others send too; 0 or None: it has no share yet."""
    max_downtime_ms: int | None = None
    """The guest may stand still for so long; None: for as long as its QEMU has it."""
    max_time_s: float | None = None
    """For the copy; None: no limit."""
    stall_timeout_s: float | None = None
    """A copy that sends nothing for so long is given up; None: never."""
    convergence: Convergence = Convergence.BALANCED
    post_copy: bool = False
    """Libvirt was told that it may be switched to post-copy, which was found safe."""
    user_paused: bool = False
    """Somebody has paused the guest during the copy: so it is to be on the target."""
    post_copy_sooner: bool = False
    """Also to save time: the user has asked for it."""
    tuning: Tuning = PLAIN
    dirty_rate_bytes_s: int | None = None
    """Measured right before the copy over `DIRTY_PERIOD_S`; None: it was not."""
    wish: Wish | None = None
    """Of a job that was handed to a worker: until it is reserved, whoever takes it over begins it anew."""
    copies: tuple[DiskCopy, ...] = ()
    """Disks that are copied with it."""
    incremental: bool = False
    """Only the top images of them."""
    synchronous_writes: bool = False
    detect_zeroes: bool = False
    disk_bandwidth_bytes_s: int | None = None
    source_volumes: SourceVolumes = SourceVolumes.KEEP
    offline: bool = False
    """The guest is off: its definition and disks are carried by us."""
    alone: bool = False
    """The one disk of `copies` moves, and the guest stays on its host."""
    kept: tuple[tuple[str, str | None], ...] | None = None
    """As `disks`, of the definition that is kept; None: not known."""


@dataclass(frozen=True, slots=True)
class Job:
    result: MigrationResult
    """As `job show` gives it; without an outcome while it runs."""
    plan: Plan
    state: str
    worker: str | None = None
    """Who holds it; None: nobody."""
    fence: int = 0
    """The number of the lease under which it was last written."""

    @property
    def id(self) -> str:
        return self.result.job


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to act on a job. A later one of the same guest has a higher number, and ends this one."""

    job: str
    guest_uuid: str
    worker: str
    fence: int
