"""What the rules look at for one guest and one target, put together from the facts of both hosts."""

from __future__ import annotations

from dataclasses import dataclass

from vmferry.facts.guest import CpuMatch, DiskSight, GuestFacts
from vmferry.facts.host import HostFacts
from vmferry.facts.path import NOTHING_TRIED, PathFacts
from vmferry.facts.wish import NO_WISH, MoveWish
from vmferry.model.edits import Edit


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How one host sees what one guest needs. Every field has a default, which says that it was not looked at."""

    cpu: CpuMatch = CpuMatch.UNKNOWN
    cpu_detail: str = ""
    disks: tuple[DiskSight, ...] = ()
    """Of the guest's disks, and of the other files that it needs, whose roles are their targets."""
    edits: tuple[Edit, ...] = ()
    """What the guest's definition has to say differently on this host. Where they are proved, `disks` is after them."""


@dataclass(frozen=True, slots=True)
class TargetFacts(View):
    """What can be said of running this guest on that host: the host, and how it sees what the guest needs.

    What is to be known of a guest on a host, and not of the host alone, is a field of `View`, and so is saved.
    """

    host: HostFacts


@dataclass(frozen=True, slots=True)
class PairFacts:
    """Two hosts and the way from one to the other, whatever the guest."""

    source: HostFacts
    target: HostFacts
    path: PathFacts = NOTHING_TRIED


@dataclass(frozen=True, slots=True)
class MoveFacts:
    """Everything the rules may look at for one guest and one target."""

    guest: GuestFacts
    source: HostFacts
    source_disks: tuple[DiskSight, ...]
    target: TargetFacts
    path: PathFacts = NOTHING_TRIED
    """What was tried from the source towards the target."""
    fleet: tuple[HostFacts, ...] = ()
    """All hosts that were asked, for saying which others would do; may be empty."""
    wish: MoveWish = NO_WISH
    cpu_baseline: str | None = None
    """The `<cpu>` that all hosts of the fleet can give such a guest, by libvirt's word; None: not asked, or none."""

    @property
    def pair(self) -> PairFacts:
        return PairFacts(self.source, self.target.host, self.path)
