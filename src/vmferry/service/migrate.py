"""The main job: check, choose, predict, copy, verify; and where the copy fails, find out who runs the guest.

What may change anything is in `transaction.py`; before it, hosts are only asked. Libvirt itself moves the definition
(made on the target, removed from the source, in its own last phase), so that the transfer outlives this process.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from vmferry.errors import Failed, Fenced, InDoubt, VmferryError
from vmferry.facts.host import HostFacts
from vmferry.facts.move import MoveFacts
from vmferry.flow.journal import Entry, Kind
from vmferry.flow.states import Event, State, next_state
from vmferry.forecast.progress import Progress, to_come_bytes
from vmferry.model.finding import Severity, Verdict
from vmferry.model.guest import GuestState
from vmferry.model.holding import Room
from vmferry.model.job import DIRTY_PERIOD_S, Ask, Job, Plan
from vmferry.model.migration import Forecast, MigrationResult, Outcome, Verified
from vmferry.model.slots import Wait
from vmferry.model.tuning import Convergence
from vmferry.model.wish import Wish
from vmferry.ports import Clock, HostPort, Jobs, Prober, Store
from vmferry.rules.copies import DETECT_ZEROES, copies, thinly
from vmferry.rules.post_copy import unresumable, unsafe
from vmferry.service.arrival import Arrivals
from vmferry.service.check import CheckReport, check
from vmferry.service.definition import arriving, kept_disks
from vmferry.service.guides import Guides
from vmferry.service.orders import copy_order
from vmferry.service.predict import Limits, copied_bytes, predict
from vmferry.service.record import Record
from vmferry.service.refusals import left_alone, open_questions, refusal
from vmferry.service.request import Request, move_wish
from vmferry.service.sides import Sides, Together
from vmferry.service.steps import StepLog, stamp
from vmferry.service.transaction import OUTCOMES, UNTOUCHED, Transaction

TURN_EVERY_S = 0.5
MOST_JOBS = 10_000
"""So many that are under way are looked at."""
LONG_S, LONG_SOONER_S = 6.0, 3.0
"""Of a copy that is expected to take longer, a second for measuring what the guest dirties is well spent; the latter
where it may be switched to post-copy to save time.
"""


class Listener(Protocol):
    """Is told what happens while it happens. `progress` comes from another thread, also beside another call."""

    def checked(self, report: CheckReport) -> None: ...

    def chosen(self, target: str, forecast: Forecast | None) -> None: ...

    def progress(self, progress: Progress) -> None: ...

    def settling(self, problem: VmferryError | None) -> None: ...

    def verified(self, checks: Sequence[Verified]) -> None: ...

    def note(self, message: str) -> None:
        """Something beside the story that the user should know."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What a migration needs beside its hosts."""

    store: Store
    jobs: Jobs
    prober: Prober
    clock: Clock
    together: Together
    worker: str
    """Who writes the journal: names this process so that others can see whether it lives."""
    now: Callable[[], datetime]
    """Aware, in UTC."""
    new_job: Callable[[], str]


def to_come(jobs: Jobs) -> Mapping[str, int]:
    """By job that copies disks, what is not there yet, as far as it was seen."""
    found = {}
    for job in jobs.jobs(unfinished=True, most=MOST_JOBS):
        left = to_come_bytes(jobs.shown(job.id), len(job.plan.copies)) if job.plan.copies else None
        if left is not None:
            found[job.id] = left
    return found


def free_in_pools(host: HostFacts, plan: Plan) -> Mapping[str, int]:
    """By name, of those into which it copies, as far as it is known."""
    wanted = {copy.pool for copy in plan.copies}
    pools = (each for each in host.pools or () if each.name in wanted)
    return {each.name: each.available_bytes for each in pools if each.available_bytes is not None}


def opened(tools: Tools, result: MigrationResult, plan: Plan) -> Record:
    """Raises Refused where another job has the guest already."""
    job = Job(result, plan, State.PLANNED, tools.worker)
    first = Entry(Kind.STATE, State.PLANNED, at=stamp(tools.now()), worker=tools.worker)
    lease = tools.jobs.open(job, first, tools.worker)
    return Record(tools.jobs, tools.clock, tools.now, lease, job, [first])


class Migration:
    """One run of the main job. `cancel` may be set at any time, from any thread."""

    def __init__(self, request: Request, tools: Tools, listener: Listener, cancel: threading.Event) -> None:
        self.request, self.tools, self.listener, self.cancel = request, tools, listener, cancel
        self.log = StepLog(tools.now)
        self.began_s = self.checked_s = tools.clock.now_s()
        self.to_come: Mapping[str, int] = {}
        self.plan = Plan(
            guest_uuid=request.guest.uuid,
            paused=request.guest.state is GuestState.PAUSED,
            persistent=request.guest.persistent,
            memory_bytes=request.guest.memory_bytes,
            bandwidth_bytes_s=request.bandwidth_bytes_s,
            max_downtime_ms=request.max_downtime_ms,
            max_time_s=request.max_time_s,
            stall_timeout_s=request.stall_timeout_s,
            tuning=request.tuning,
        )
        self.result = MigrationResult(
            job=tools.new_job(),
            guest=request.guest.name,
            source=request.source.entry.name,
            target=None,
            outcome=None,
        )

    def run(self) -> MigrationResult:
        """Blocks to the end. What went wrong is in the result; only a source that fails before the copy raises.

        Raises Refused where another job has the guest already, Fenced where another worker took this one over.
        """
        if self.request.dry_run:
            return self._dry_run()
        return self._to_end(opened(self.tools, self.result, self.plan))

    def queue(self, wish: Wish) -> Job:
        """Leave it to a worker. Raises Refused where another job has the guest already."""
        job = Job(self.result, replace(self.plan, wish=wish), State.PLANNED)
        self.tools.jobs.queue(job, Entry(Kind.STATE, State.PLANNED, at=stamp(self.tools.now())))
        return job

    def take_up(self, record: Record) -> MigrationResult:
        """As `run`, with a job that was queued, or whose worker died before it touched anything."""
        self.plan = replace(self.plan, wish=record.job.plan.wish)
        self.result = replace(self.result, job=record.job.id)
        record.job = replace(record.job, plan=self.plan, result=self.result)
        return self._to_end(record)

    @staticmethod
    def cannot(record: Record, error: VmferryError) -> MigrationResult:
        """End one that was queued and cannot even be checked."""
        record.change(outcome=Outcome.FAILED, error=error.message, error_detail=error.detail or None)
        record.enter(Event.BREAK, error.message)
        return record.close()

    def _to_end(self, record: Record) -> MigrationResult:
        try:
            result = self._run(record)
        except Fenced:
            raise
        except (VmferryError, KeyboardInterrupt) as error:
            if record.state in UNTOUCHED:
                with contextlib.suppress(Failed):  # the store itself may be what failed
                    self._end(record, Event.BREAK, str(error))
            elif isinstance(error, Failed):
                raise InDoubt(left_alone(record.job.id, error), detail=error.detail) from error
            raise
        self._keep(result)
        return result

    def _dry_run(self) -> MigrationResult:
        chosen, refused = self._choose()
        if chosen is not None:
            return self.result
        return replace(self.result, outcome=Outcome.REFUSED, error=refused, steps=self.log.steps)

    def _run(self, record: Record) -> MigrationResult:
        self.request.source.prepare_to_send()
        self.to_come = to_come(self.tools.jobs)
        chosen, refused = self._choose()
        if chosen is None:
            return self._end(record, Event.REFUSE, refused)
        if self._is_cancelled(record):
            return self._cancelled(record)
        move, target = chosen
        self._plan(record, move)
        if record.state is State.PLANNED:
            record.enter(Event.GO)
        no_room = self._reserve(record, move.target.host)
        if no_room is not None:
            return self._end(record, Event.REFUSE, no_room)
        if record.state is not State.RESERVED:
            return self._cancelled(record)
        return self._move(record, move, target)

    def _reserve(self, record: Record, host: HostFacts) -> str | None:
        """Waits for its turn, or for the user to give up. Why there is no room, where there is none."""
        told = None
        room = Room(host.memory_free_bytes, free_in_pools(host, self.plan), self.to_come)
        while True:
            answer = record.reserve(room, self.request.slots)
            if not isinstance(answer, Wait):
                return answer
            if answer != told:
                self.listener.note(f"waiting for its turn: {answer.reason}")
                told = answer
            self.tools.clock.sleep(TURN_EVERY_S)
            if self._is_cancelled(record):
                return None

    def _is_cancelled(self, record: Record) -> bool:
        return self.cancel.is_set() or Ask.CANCEL in self.tools.jobs.asked(record.job.id)

    def _cancelled(self, record: Record) -> MigrationResult:
        record.change(cancelled=True)
        return self._end(record, Event.CANCEL, "cancelled before the copy began; nothing was changed")

    def _choose(self) -> tuple[tuple[MoveFacts, HostPort] | None, str]:
        """The best target, or why there is none."""
        with self.log.step("check"):
            report = self._known() or self._check_now()
            self.listener.checked(report)
        if report.best is None:
            return None, refusal(report)
        if report.best.verdict is Verdict.UNKNOWN and not self.request.accept_unknown:
            return None, open_questions(report.best)
        target = next(host for host in self.request.targets if host.entry.name == report.best.host)
        move = report.move(report.best.host)
        with self.log.step("forecast"):
            forecast = self._forecast(move, target)
            long_s = LONG_SOONER_S if self.request.post_copy else LONG_S
            if forecast is not None and forecast.duration_s.p50 > long_s and not self.request.dry_run:
                forecast = self._measured(move, target) or forecast
        self.result = replace(self.result, target=report.best.host, forecast=forecast, steps=self.log.steps)
        self.listener.chosen(report.best.host, forecast)
        return (move, target), ""

    def _plan(self, record: Record, move: MoveFacts) -> None:
        """With what another worker would need to go on, as it was when it was checked."""
        facts, probe = arriving(move), self.request.probe or move.guest.probe
        policy = self.request.convergence or move.guest.convergence or self.request.usual
        post_copy = self._may_post_copy(move, policy)
        throttled = self.request.tuning.auto_converge or not post_copy
        disks = copies(move)
        self.plan = replace(
            self.plan,
            paused=facts.guest.state is GuestState.PAUSED,
            persistent=facts.guest.persistent,
            convergence=policy,
            post_copy=post_copy,
            post_copy_sooner=post_copy and self.request.post_copy is True,
            tuning=replace(self.request.tuning, auto_converge=throttled, tls=move.wish.tls),
            disks=tuple((disk.target, disk.source) for disk in facts.guest.disks),
            copies=disks,
            incremental=move.wish.incremental and bool(disks),
            synchronous_writes=move.wish.synchronous_writes and bool(disks),
            detect_zeroes=thinly(move) == DETECT_ZEROES,
            disk_bandwidth_bytes_s=self.request.storage.bandwidth_bytes_s,
            source_volumes=self.request.storage.source_volumes,
            kept=kept_disks(move),
            address=probe.address if probe else None,
            url=probe.url if probe else None,
        )
        record.job = replace(record.job, plan=self.plan, result=self.result)

    def _may_post_copy(self, move: MoveFacts, policy: Convergence) -> bool:
        """Libvirt has to be told at the start. Not where a plain copy would fail for it."""
        if self.request.post_copy is False or policy is Convergence.CAREFUL:
            return False
        asked = self.request.post_copy is True
        wished = replace(move, wish=replace(move.wish, post_copy=True))
        reason, lasting = unsafe(wished), unresumable(wished)
        if asked and (reason or lasting):
            self.listener.note(f"without post-copy: {reason}" if reason else f"post-copy, as asked for, but {lasting}")
        return reason is None and (asked or lasting is None)

    def _end(self, record: Record, event: Event, error: str) -> MigrationResult:
        """Of a migration that has touched nothing."""
        state = next_state(record.state, event)
        record.change(target=self.result.target, forecast=self.result.forecast)
        record.change(outcome=OUTCOMES[state], error=error, steps=self.log.steps)
        record.enter(event, error)
        return record.close()

    def _known(self) -> CheckReport | None:
        """Where a plan has checked just this a moment ago."""
        checked = self.request.checked
        wish, now_s = move_wish(self.request), self.tools.clock.now_s()
        if checked is None or not checked.holds_for(self.request.guest, wish, now_s):
            return None
        self.checked_s = checked.at_s
        return checked.report

    def _check_now(self) -> CheckReport:
        report = self._check(self.request.targets, only_best=not self.request.dry_run)
        self.checked_s = self.tools.clock.now_s()
        if report.passed_over:
            why = "none of them is better" if report.proved else "none of them has more room"
            self.listener.note(f"{report.passed_over} more hosts were not judged: {why}")
        return report

    def _check(self, targets: Sequence[HostPort], *, only_best: bool = False) -> CheckReport:
        request = self.request
        wish = move_wish(request)
        policy, unreached = request.policy, request.unreached
        return check(request.source, request.guest, targets, unreached, policy, wish, only_best=only_best)

    def _forecast(self, move: MoveFacts, target: HostPort) -> Forecast | None:
        """None where a host or the store fails at it: no migration waits for a forecast."""
        request = self.request
        limits = Limits(request.bandwidth_bytes_s, request.max_downtime_ms, request.storage.bandwidth_bytes_s)
        try:
            return predict(move.guest, request.source, target, self.tools.store, limits, copied_bytes(move))
        except VmferryError as error:
            self.listener.note(f"no forecast: {error.message}")
            return None

    def _measured(self, move: MoveFacts, target: HostPort) -> Forecast | None:
        """With what the guest dirties now, which also tells in the first round of a long copy whether it can end."""
        try:
            dirty = self.request.source.dirty_rate(move.guest.guest.uuid, DIRTY_PERIOD_S)
        except VmferryError as error:
            self.listener.note(f"what the guest dirties was not measured: {error.message}")
            return None
        self.plan = replace(self.plan, dirty_rate_bytes_s=None if dirty is None else dirty.bytes_s)
        return self._forecast(move, target)

    def _move(self, record: Record, move: MoveFacts, target: HostPort) -> MigrationResult:
        request, tools = self.request, self.tools
        watch = tools.prober.watch(self.plan.address) if self.plan.address else None
        names = (request.source.entry.name, target.entry.name)
        sides = Sides(self.plan.guest_uuid, *names, request.source, target, tools.together)
        arrivals = Arrivals(sides, request.others, tools.prober, self.listener.verified, watch, self._command_s)
        guides = Guides(
            jobs=tools.jobs,
            clock=tools.clock,
            patience_s=request.settle_limit_s,
            verify=arrivals.look,
            show=self.listener.progress,
            settling=self.listener.settling,
            cancel=self.cancel,
            checked_s=self.checked_s,
            note=self.listener.note,
            explain=lambda: self._refused_now(target),
        )
        try:
            return Transaction(record, sides, self.log, guides).run(
                copy_order(record.job.plan, target.entry, move, request.definition)
            )
        finally:
            if watch is not None:
                watch.stop()

    def _refused_now(self, target: HostPort) -> str:
        """What has changed since the check let it pass."""
        try:
            checked = self._check([target]).candidates
        except VmferryError:
            return ""
        again = next(each for each in checked if each.host == target.entry.name)
        refused = [f"{each.rule}: {each.observed}" for each in again.findings if each.severity is Severity.REFUSE]
        return f"the check now refuses {again.host}: {'; '.join(refused)}" if refused else ""

    def _command_s(self) -> float:
        return round(self.tools.clock.now_s() - self.began_s, 3)

    def _keep(self, result: MigrationResult) -> None:
        """For later forecasts. What happened, happened: a store that cannot be written changes no result."""
        try:
            self.tools.store.save_result(result)
        except VmferryError as error:
            self.listener.note(f"this migration could not be recorded: {error.message}")
