"""Go on with jobs whose worker is dead: their hosts are asked, and what they answer decides."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vmferry.errors import VmferryError
from vmferry.flow.settle import Before, settle, told
from vmferry.flow.sights import Sight
from vmferry.flow.states import Event, State
from vmferry.forecast.progress import Progress
from vmferry.model.job import Job, Lease
from vmferry.model.migration import JobStats, MigrationResult, Verified
from vmferry.ports import HostPort
from vmferry.service.arrival import Arrivals
from vmferry.service.disk_request import carried, unseen
from vmferry.service.fleet import Fleet
from vmferry.service.guides import Arrival, Guides
from vmferry.service.migrate import Tools
from vmferry.service.offline_move import Definitions, OfflineMove
from vmferry.service.offline_request import sides_of
from vmferry.service.record import Record
from vmferry.service.request import PATIENCE_S
from vmferry.service.sides import Sides
from vmferry.service.steps import StepLog
from vmferry.service.tidying import is_due
from vmferry.service.transaction import UNTOUCHED, Transaction

Find = Callable[[str], HostPort | None]
"""A host by name; None where there is no connection to it."""


def reconciler_of(
    tools: Tools,
    fleet: Fleet,
    cancel: threading.Event | None = None,
    show: Callable[[Progress], None] = lambda progress: None,
    note: Callable[[str], None] = lambda text: None,
) -> Reconciler:
    """Over the hosts that are connected to."""

    def find(name: str) -> HostPort | None:
        try:
            return fleet.host(name)
        except VmferryError:
            return None

    def others() -> list[HostPort]:
        return [host for entry in fleet.entries if (host := find(entry.name)) is not None]

    return Reconciler(tools, find, others, cancel or threading.Event(), show, note=note)


GOING_ON = (Event.MOVING, Event.SWITCH)
NOTHING_COPIED = (State.PLANNED, State.CHECKED, State.RESERVED, State.PREPARED)


def held_record(tools: Tools, lease: Lease) -> Record:
    """What is written under this lease: it is held still when all of it has been read. Raises Fenced."""
    jobs = tools.jobs
    record = Record(jobs, tools.clock, tools.now, lease, jobs.job(lease.job), jobs.journal(lease.job))
    record.renew(now=True)
    return record


@dataclass(frozen=True, slots=True)
class Reconciler:
    tools: Tools
    find: Find
    others: Callable[[], Sequence[HostPort]]
    """Every connected host: a second copy of a guest must be on none of them."""
    cancel: threading.Event
    show: Callable[[Progress], None] = lambda progress: None
    settling: Callable[[VmferryError | None], None] = lambda problem: None
    verified: Callable[[Sequence[Verified]], None] = lambda checks: None
    patience_s: float = PATIENCE_S
    note: Callable[[str], None] = lambda text: None

    def dead(self) -> tuple[MigrationResult, ...]:
        """Every job that nobody holds, brought to rest, as far as that is a matter of moments.

        A copy that goes on by itself is left to whoever watches it or comes later; of a job in doubt, there has to be
        news.
        """
        found = []
        for job in self.tools.jobs.jobs(unfinished=True):
            if self.tools.jobs.held(job.id) or is_waiting(job) or not self.is_ripe(job):
                continue
            lease = self.tools.jobs.take_over(job.id, self.tools.worker)
            if lease is not None:
                found.append(self.go_on(job, lease))
        return tuple(found)

    def is_ripe(self, job: Job) -> bool:
        """By the word of its hosts, it is a matter of moments, or there is news."""
        if job.state in NOTHING_COPIED:
            return True
        if job.state in (State.LEFT_BEHIND, State.LITTERED):
            return is_due(self.tools.jobs.journal(job.id), self.tools.now())
        if job.plan.alone and job.plan.copies:
            return self._is_ready(job)
        if job.plan.offline:
            return job.state != State.IN_DOUBT or self._has_news(job)
        seen = self._sides(job).look()
        before = Before(paused=job.plan.paused, persistent=job.plan.persistent)
        cell = settle(seen.source, seen.target, before)
        if job.state == State.IN_DOUBT and cell.event is Event.DOUBT:
            return told(cell, job.result.source, job.result.target or "") not in (job.result.error or "")
        return cell.event not in GOING_ON

    def _has_news(self, job: Job) -> bool:
        """Of a guest that is off: its hosts do not say what left it in doubt."""
        look = self._sides(job).look()
        return Sight.UNASKED not in (look.source, look.target)

    def _is_ready(self, job: Job) -> bool:
        """Of a disk that moves alone: its copy, as far as there is one, is level, and does not end by itself."""
        host, disk = self.find(job.result.source), job.plan.copies[0].disk
        try:
            state = host.disk_state(job.plan.guest_uuid, disk) if host is not None else None
        except VmferryError:
            return False
        return host is not None and (state is None or state.copy is None or state.copy.ready)

    def go_on(self, job: Job, lease: Lease, text: str = "its worker is dead") -> MigrationResult:
        """With the job as it is written now: what was read before the lease may be old."""
        tools = self.tools
        record = held_record(tools, lease)
        job = record.job
        if job.plan.alone and job.plan.copies:
            return self._go_on_alone(record, text)
        if job.plan.offline and job.result.target:
            return self._go_on_offline(record, text)
        sides = self._sides(job)
        elsewhere = [host for host in self.others() if host.entry.name not in (sides.source_name, sides.target_name)]
        arrivals = Arrivals(sides, elsewhere, tools.prober, self.verified)
        log = StepLog(tools.now, job.result.steps)
        return Transaction(record, sides, log, self._guides(arrivals.look)).go_on(text)

    def _guides(self, verify: Callable[[Record, JobStats | None], Arrival]) -> Guides:
        return Guides(
            jobs=self.tools.jobs,
            clock=self.tools.clock,
            patience_s=self.patience_s,
            verify=verify,
            show=self.show,
            settling=self.settling,
            cancel=self.cancel,
            note=self.note,
        )

    def _go_on_alone(self, record: Record, text: str) -> MigrationResult:
        tools, result = self.tools, record.job.result
        log = StepLog(tools.now, result.steps)
        return carried(record, self.find(result.source), tools, self._guides(unseen), log).go_on(text)

    def _go_on_offline(self, record: Record, text: str) -> MigrationResult:
        tools, result = self.tools, record.job.result
        sides = sides_of(record, self.find(result.source), self.find(result.target or ""), tools)
        log = StepLog(tools.now, result.steps)
        return OfflineMove(record, sides, log, self._guides(Definitions(sides).look)).go_on(text)

    def _sides(self, job: Job) -> Sides:
        source, target = job.result.source, job.result.target or ""
        return Sides(job.plan.guest_uuid, source, target, self.find(source), self.find(target), self.tools.together)


def is_waiting(job: Job) -> bool:
    """For a worker that begins it, or begins it anew."""
    return job.plan.wish is not None and job.state in UNTOUCHED
