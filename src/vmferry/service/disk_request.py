"""`disk move`: what is asked for, checked and begun."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

from vmferry.facts.host import HostFacts
from vmferry.facts.move import MoveFacts, TargetFacts
from vmferry.facts.snapshot import NOT_LOOKED
from vmferry.facts.wish import MoveWish
from vmferry.flow.effects import What
from vmferry.flow.journal import may_be_made
from vmferry.model.finding import Finding, Severity
from vmferry.model.guest import Disk, Guest, GuestState
from vmferry.model.job import Plan
from vmferry.model.migration import JobStats, MigrationResult
from vmferry.model.storage import Place, SourceVolumes
from vmferry.ports import HostPort
from vmferry.rules.copies import copies, resolved
from vmferry.rules.registry import Scope, all_rules
from vmferry.service.disk_move import DiskMove
from vmferry.service.disk_sides import DiskSides
from vmferry.service.guides import Arrival, Guides
from vmferry.service.migrate import Listener, Tools
from vmferry.service.moving import Moving, told
from vmferry.service.record import Record
from vmferry.service.steps import StepLog
from vmferry.service.survey import survey

RULES = (
    "guest.readable",
    "guest.running",
    "guest.no-job",
    "guest.block-job",
    "storage.copy.disks",
    "storage.copy.same",
    "storage.copy.target",
    "storage.copy.space",
)
"""Of all that is looked at before a migration, what matters where the guest stays."""


WHOLE = "a newer libvirt's block copy keeps no holes in raw images; --format qcow2 does"


@dataclass(frozen=True, slots=True)
class DiskWish:
    place: Place
    bandwidth_bytes_s: int | None = None
    synchronous: bool = False
    max_time_s: float | None = None
    stall_timeout_s: float | None = None
    source_volumes: SourceVolumes = SourceVolumes.KEEP
    accept_unknown: bool = False


class DiskMoving(Moving):
    def __init__(
        self, host: HostPort, guest: Guest, wish: DiskWish, tools: Tools, listener: Listener, cancel: threading.Event
    ) -> None:
        self.host, self.guest, self.wish = host, guest, wish
        name = host.entry.name
        plan = Plan(
            guest_uuid=guest.uuid,
            paused=guest.state is GuestState.PAUSED,
            persistent=guest.persistent,
            memory_bytes=0,
            max_time_s=wish.max_time_s,
            stall_timeout_s=wish.stall_timeout_s,
            synchronous_writes=wish.synchronous,
            disk_bandwidth_bytes_s=wish.bandwidth_bytes_s,
            source_volumes=wish.source_volumes,
            alone=True,
        )
        result = MigrationResult(tools.new_job(), guest.name, name, name, None)
        super().__init__(result, plan, tools, listener, cancel)

    def _check(self, record: Record) -> tuple[HostFacts | None, list[str]]:
        move = self._facts()
        wrong = [told(each) for each in found(move) if each.severity in self._stopping()] or self._taken(move)
        if not wrong:
            disks = tuple(replace(copy, thin=False) for copy in copies(move))
            if any(copy.format == "raw" for copy in disks):
                self.listener.note(f"{self.wish.place.disk} may be written whole: {WHOLE}")
            record.job = replace(record.job, plan=replace(self.plan, copies=disks))
        return move.source, wrong

    def _stopping(self) -> tuple[Severity, ...]:
        return (Severity.REFUSE,) if self.wish.accept_unknown else (Severity.REFUSE, Severity.UNKNOWN)

    def _facts(self) -> MoveFacts:
        """The host is its own target."""
        snapshot = survey(self.host, self.guest, ())
        guest, host = snapshot.guests[0], snapshot.host(self.host.entry.name)
        sights = snapshot.views.get(self.guest.uuid, {}).get(host.name, NOT_LOOKED).disks
        disk = next((each for each in guest.guest.disks if each.target == self.wish.place.disk), None)
        form = self.wish.place.format or (disk.format if disk is not None else None)
        wish = MoveWish(storage="copy", places=(self.wish.place,), migrate_disks=(self.wish.place.disk,))
        move = resolved(MoveFacts(guest, host, sights, TargetFacts(host, disks=sights), wish=wish))
        # What an image rests on is on the same host whatever it is: it stays, where the new one can rest on it too.
        rests = disk is not None and bool(disk.backing) and form == "qcow2"
        return replace(move, wish=replace(move.wish, incremental=rests))

    def _taken(self, move: MoveFacts) -> list[str]:
        """What is there already, where the copy would be. What could not be looked at libvirt looks at."""
        new = [Disk(copy.disk, "disk", "file", copy.path, copy.format) for copy in copies(move)]
        there = [sight for sight in self.host.see_disks(new) if sight.seen]
        paths = {disk.target: disk.source for disk in new}
        taken = [f"{move.source.name} has an image of that name already: {paths[each.target]}" for each in there]
        encrypted = [copy.disk for copy in copies(move) if copy.encryption is not None]
        return taken + [f"{disk} is encrypted, which is not moved by itself: move the guest" for disk in encrypted]

    def _carry(self, record: Record) -> MigrationResult:
        name = self.host.entry.name
        asking = f"the copy ended before the guest went over; asking {name} where its disk is"
        guides = replace(self._guides(unseen), settling=lambda problem: self.listener.note(asking))
        return carried(record, self.host, self.tools, guides, self.log).run()


def unseen(record: Record, last: JobStats | None) -> Arrival:
    """The move of a disk looks for itself."""
    return Arrival(True, None)


def found(move: MoveFacts) -> tuple[Finding, ...]:
    """What the check says of it."""
    rules = [rule for rule in all_rules() if rule.id in RULES]
    return tuple(
        finding for rule in rules for finding in rule.findings(move.guest if rule.scope is Scope.GUEST else move)
    )


def carried(record: Record, host: HostPort | None, tools: Tools, guides: Guides, log: StepLog) -> DiskMove:
    """`host` None: there is no connection to it."""
    name, copy = record.job.result.source, record.job.plan.copies[0]
    sides = DiskSides(
        record.job.plan.guest_uuid,
        name,
        name,
        host,
        host,
        tools.together,
        copy,
        lambda: may_be_made(What.PIVOT, record.entries),
    )
    return DiskMove(record, sides, log, guides)
