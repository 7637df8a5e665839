"""`disk move`: what is asked for, checked and begun."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

from vmferry.errors import VmferryError
from vmferry.facts.move import MoveFacts, TargetFacts
from vmferry.facts.snapshot import NOT_LOOKED
from vmferry.facts.wish import MoveWish
from vmferry.flow.journal import Entry, Kind
from vmferry.flow.states import Event, State, next_state
from vmferry.model.finding import Finding, Severity
from vmferry.model.guest import Disk, Guest, GuestState
from vmferry.model.holding import Room
from vmferry.model.job import Job, Plan
from vmferry.model.migration import MigrationResult
from vmferry.model.slots import UNLIMITED
from vmferry.model.storage import Place, SourceVolumes
from vmferry.ports import HostPort
from vmferry.rules.copies import copies, resolved
from vmferry.rules.registry import Scope, all_rules
from vmferry.service.disk_move import DiskMove
from vmferry.service.disk_sides import DiskSides, may_have_gone
from vmferry.service.guides import Arrival, Guides
from vmferry.service.migrate import Listener, Tools, to_come
from vmferry.service.record import Record
from vmferry.service.request import PATIENCE_S
from vmferry.service.steps import StepLog, stamp
from vmferry.service.survey import survey
from vmferry.service.transaction import OUTCOMES

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


WHOLE = "libvirt's block copy keeps no holes in raw images; --format qcow2 does"


@dataclass(frozen=True, slots=True)
class DiskWish:
    place: Place
    bandwidth_bytes_s: int | None = None
    synchronous: bool = False
    max_time_s: float | None = None
    stall_timeout_s: float | None = None
    source_volumes: SourceVolumes = SourceVolumes.KEEP
    accept_unknown: bool = False


class DiskMoving:
    """One run. `cancel` may be set at any time, from any thread."""

    def __init__(
        self, host: HostPort, guest: Guest, wish: DiskWish, tools: Tools, listener: Listener, cancel: threading.Event
    ) -> None:
        self.host, self.guest, self.wish = host, guest, wish
        self.tools, self.listener, self.cancel = tools, listener, cancel
        self.log = StepLog(tools.now)
        name = host.entry.name
        self.result = MigrationResult(tools.new_job(), guest.name, name, name, None)
        self.plan = Plan(
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

    def run(self) -> MigrationResult:
        """Blocks to the end. Raises Refused where another job has the guest already, Fenced where it lost this one."""
        record = self._open()
        try:
            return self._run(record)
        except (VmferryError, KeyboardInterrupt) as error:
            if record.state in (State.PLANNED, State.CHECKED):
                self._end(record, Event.BREAK, str(error))
            raise

    def _open(self) -> Record:
        tools = self.tools
        job = Job(self.result, self.plan, State.PLANNED, tools.worker)
        first = Entry(Kind.STATE, State.PLANNED, at=stamp(tools.now()), worker=tools.worker)
        return Record(tools.jobs, tools.clock, tools.now, tools.jobs.open(job, first, tools.worker), job, [first])

    def _run(self, record: Record) -> MigrationResult:
        known = to_come(self.tools.jobs)
        with self.log.step("check"):
            move = self._facts()
            wrong = [_told(each) for each in found(move) if each.severity in self._stopping()] or self._taken(move)
        if wrong:
            return self._end(record, Event.REFUSE, "refused by the check: " + "; ".join(wrong))
        disks = tuple(replace(copy, thin=False) for copy in copies(move))
        if any(copy.format == "raw" for copy in disks):
            self.listener.note(f"{self.wish.place.disk} will be written whole: {WHOLE}")
        record.job = replace(record.job, plan=replace(self.plan, copies=disks))
        record.enter(Event.GO)
        pools = move.source.pools or ()
        free = {each.name: each.available_bytes for each in pools if each.available_bytes is not None}
        no_room = record.reserve(Room(None, free, known), UNLIMITED)
        if no_room is not None:
            return self._end(record, Event.REFUSE, str(no_room))
        return carried(record, self.host, self.tools, self._guides(), self.log).carry()

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
        return [f"{move.source.name} has an image of that name already: {paths[each.target]}" for each in there]

    def _guides(self) -> Guides:
        return Guides(
            jobs=self.tools.jobs,
            clock=self.tools.clock,
            patience_s=PATIENCE_S,
            verify=lambda record, last: Arrival(True, None),
            show=self.listener.progress,
            settling=self.listener.settling,
            cancel=self.cancel,
            note=self.listener.note,
        )

    def _end(self, record: Record, event: Event, error: str) -> MigrationResult:
        record.change(outcome=OUTCOMES[next_state(record.state, event)], error=error, steps=self.log.steps)
        record.enter(event, error)
        return record.close()


def found(move: MoveFacts) -> tuple[Finding, ...]:
    """What the check says of it."""
    rules = [rule for rule in all_rules() if rule.id in RULES]
    return tuple(
        finding for rule in rules for finding in rule.findings(move.guest if rule.scope is Scope.GUEST else move)
    )


def _told(finding: Finding) -> str:
    remedy = f" ({finding.remedy})" if finding.remedy else ""
    return f"{finding.rule}: {finding.subject}: {finding.observed}{remedy}"


def carried(record: Record, host: HostPort | None, tools: Tools, guides: Guides, log: StepLog) -> DiskMove:
    """`host` None: there is no connection to it."""
    name, copy = record.job.result.source, record.job.plan.copies[0]
    sides = DiskSides(
        record.job.plan.guest_uuid, name, name, host, host, tools.together, copy, lambda: may_have_gone(record.entries)
    )
    return DiskMove(record, sides, log, guides)
