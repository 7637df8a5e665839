"""What can go wrong in a fake world."""

from __future__ import annotations

import enum
import threading
from dataclasses import dataclass, field

from vmferry.fakes.precopy import disk_percent, percent
from vmferry.model.migration import JobStats


@dataclass(slots=True)
class HostFaults:
    """Of one host; set and cleared at any time, and what is already connected feels it too."""

    unreachable: str | None = None
    """Why it does not answer; it then raises HostUnreachable at everything."""
    detail: str = ""
    """Libvirt's own text of that."""
    slow_s: float = 0.0
    """How long every answer takes."""
    hangs: threading.Event | None = None
    """No answer at all before this is set."""
    refuses: dict[str, str] = field(default_factory=dict)
    """Name of a `HostPort` method to the text of the HostError that it raises."""
    unknown: set[str] = field(default_factory=set)
    """Names of `HostPort` methods that answer, but cannot say."""
    full: set[str] = field(default_factory=set)
    """Volumes, as `POOL/NAME`, for which there is no room."""
    stuck: set[str] = field(default_factory=set)
    """Volumes and images that cannot be removed or renamed."""
    garbles: set[str] = field(default_factory=set)
    """Names of volumes that do not keep what is written to them."""


class CopyEffect(enum.StrEnum):
    FAILS = "fails"
    """Libvirt gives up; the guest runs on."""
    HOLDS = "holds"
    """As FAILS, but the guest stays paused on its source."""
    STALLS = "stalls"
    """No progress any more, until it is aborted."""
    LOSES_REPLY = "loses reply"
    """The guest arrives, but the caller is told that the connection was lost."""
    LOSES_TOUCH = "loses touch"
    """The caller is told that the connection was lost; the hosts go on copying by themselves."""
    CONFIRM_FAILS = "confirm fails"
    """The guest arrives; its old copy stays on its source, paused and defined."""
    UNDEFINE_FAILS = "undefine fails"
    """The guest arrives; its definition stays on its source."""
    LOSES_DEFINITION = "loses definition"
    """The guest arrives, and no host keeps a definition of it any more."""
    TARGET_DIES = "target dies"
    SOURCE_DIES = "source dies"
    GUEST_STOPS = "guest stops"
    """It shuts down by itself in the middle."""
    LOSES_WAY = "loses way"
    """The network between the hosts is lost in post-copy, for `for_s`; no earlier than there."""


AT_THE_SWITCH = frozenset(
    {
        CopyEffect.LOSES_REPLY,
        CopyEffect.CONFIRM_FAILS,
        CopyEffect.UNDEFINE_FAILS,
        CopyEffect.LOSES_DEFINITION,
    }
)
"""They let the copy come to its end."""


class Leftover(enum.StrEnum):
    """What a failed copy leaves on its target."""

    NOTHING = "nothing"
    PAUSED = "paused"
    DEFINITION = "definition"


@dataclass(frozen=True, slots=True)
class CopyFault:
    """Strikes once, the next time that the guest is copied."""

    effect: CopyEffect
    at_percent: int = 50
    """Of the copy; 100 is the moment of the switch."""
    leftover: Leftover = Leftover.NOTHING
    silences: tuple[str, ...] = ()
    """Hosts that cannot be asked any more from that moment on."""
    for_s: float = 0.0
    unheard: bool = False
    """Libvirt's own call does not end by it."""
    in_disks: bool = False
    """`at_percent` is of its disks, which are copied before its memory."""

    def is_due(self, reading: JobStats | None) -> bool:
        """`reading` None: it is the moment of the switch."""
        if reading is None:
            return True
        if self.in_disks:
            return disk_percent(reading) >= self.at_percent
        return (bool(reading.total_bytes) or not self.at_percent) and percent(reading) >= self.at_percent
