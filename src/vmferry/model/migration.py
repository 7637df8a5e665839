"""A migration: what was asked, what was measured, how it ended."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from vmferry.model.edits import Edit
from vmferry.model.storage import CopiedDisk, DiskCopy
from vmferry.model.tuning import PLAIN, Tuning


class Outcome(enum.StrEnum):
    MIGRATED = "migrated"
    ROLLED_BACK = "rolled_back"
    REFUSED = "refused"
    IN_DOUBT = "in_doubt"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class MigrationOrder:
    """What the source host is told to do. Live, peer-to-peer, beginning with pre-copy."""

    guest_uuid: str
    peer_uri: str
    """The target's libvirt as the source host reaches it."""
    data_uri: str | None
    """Where the memory goes, as `tcp://ADDRESS`; None leaves it to libvirt."""
    persistent: bool
    """The definition moves along: made on the target, removed from the source, both by libvirt itself."""
    bandwidth_bytes_s: int | None = None
    edits: tuple[Edit, ...] = ()
    """What the definitions have to say differently on the target, the running one and the one that is kept."""
    target_xml: str | None = None
    """The user's own definition for the running guest, which has the edits in it; None: libvirt's, edited."""
    tuning: Tuning = PLAIN
    post_copy: bool = False
    """It may be switched to post-copy while it runs; without this, libvirt refuses that later."""
    copies: tuple[DiskCopy, ...] = ()
    """Disks that are copied with it."""
    incremental: bool = False
    """Only the top images of them."""
    synchronous_writes: bool = False
    detect_zeroes: bool = False
    """Both libvirts know how to keep the holes of raw images."""
    disk_bandwidth_bytes_s: int | None = None
    """Of each of them; None: as for memory."""
    resume: bool = False
    """Go on with a post-copy that is broken; all else is as it was for the first call."""


class Mode(enum.StrEnum):
    """What a running copy is in."""

    PRE_COPY = "pre-copy"
    POST_COPY = "post-copy"
    """The guest runs on the target, and the source sends what is left of its memory."""
    BROKEN = "broken post-copy"
    """The same, and the way between them is lost."""


@dataclass(frozen=True, slots=True)
class DiskProgress:
    """One disk that is being copied."""

    disk: str
    done_bytes: int
    total_bytes: int
    """Grows with what the guest writes meanwhile."""


@dataclass(frozen=True, slots=True)
class JobStats:
    """One reading of libvirt's job statistics. A figure that libvirt did not give is None."""

    elapsed_ms: int
    total_bytes: int
    """Of memory; 0 while disks are copied before it."""
    processed_bytes: int
    """Bytes sent, headers and repeated pages included."""
    remaining_bytes: int
    rate_bytes_s: int | None = None
    dirty_rate_bytes_s: int | None = None
    round: int = 0
    """The pre-copy pass over memory, counted from 1 (libvirt: memory iteration); 0 before the first."""
    downtime_ms: int | None = None
    """Expected while the job runs, real once it is completed."""
    throttle_percent: int | None = None
    """By how much auto-converge slows the guest down now."""
    mode: Mode = Mode.PRE_COPY
    held: bool = False
    """The guest stands still, as for its switch; or since somebody has paused it, which libvirt calls the same."""
    disk_total_bytes: int = 0
    """Of the disks that are copied with it, holes included; all other figures are of memory alone."""
    disk_done_bytes: int = 0
    disk_remaining_bytes: int = 0


@dataclass(frozen=True, slots=True)
class DirtyRate:
    """What a guest was seen to write to: distinct memory, each page once however often."""

    period_s: float
    bytes_s: int
    """Over that period; over a longer one it is less."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a migration really took."""

    duration_s: float
    """Libvirt's own job time."""
    downtime_ms: int | None
    """The guest did not run, by libvirt's account."""
    blackout_ms: int | None
    """The longest silence of the guest's address as seen from here; None where it was not watched."""
    transferred_bytes: int
    disk_bytes: int
    rounds: int
    dirty_rate_bytes_s: int | None = None
    """How fast the guest dirtied its memory, as QEMU saw it in the last rounds; None: it was over before."""
    bandwidth_bytes_s: int | None = None
    """The limit that the user had set; None: none."""
    command_s: float | None = None
    """The whole command, checks and verification included."""
    dirtied: tuple[tuple[float, float], ...] = ()
    """(seconds, distinct bytes written within them) of its rounds, where the guest was not slowed down."""


@dataclass(frozen=True, slots=True)
class Verified:
    """One thing looked at after the switch."""

    what: str
    ok: bool | None
    """None: could not be looked at."""
    detail: str


@dataclass(frozen=True, slots=True)
class Step:
    """One phase of a migration with the times it took, RFC 3339 in UTC."""

    step: str
    state: str
    """`running`, `done`, `failed` or `cancelled`."""
    started: str
    ended: str | None = None


@dataclass(frozen=True, slots=True)
class Range:
    p10: float
    p50: float
    p90: float


@dataclass(frozen=True, slots=True)
class Alternative:
    """How another way would do."""

    way: str
    duration_s: Range
    downtime_ms: Range
    converges: bool


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a migration is expected to take."""

    duration_s: Range
    downtime_ms: Range
    transferred_bytes: Range
    converges: bool
    rounds: int
    basis: str
    """What the figures rest on, in a sentence."""
    instead: tuple[Alternative, ...] = ()
    corrected_by: float = 1.0
    """What its earlier migrations made of the memory in use."""
    beside_s: float = 0.0
    """Of the duration: what earlier ones took beside sending."""


@dataclass(frozen=True, slots=True)
class MigrationResult:
    """One finished migration, as the contract's `migrate` gives it."""

    job: str
    guest: str
    source: str
    target: str | None
    outcome: Outcome | None
    """None while it runs, and of a dry run."""
    error: str | None = None
    error_detail: str | None = None
    """Libvirt's own text."""
    cancelled: bool = False
    """The user asked for the end of it."""
    forecast: Forecast | None = None
    measured: Measured | None = None
    verification: tuple[Verified, ...] = ()
    steps: tuple[Step, ...] = field(default=())
    disks: tuple[CopiedDisk, ...] = ()
    """Those that were copied with it."""
