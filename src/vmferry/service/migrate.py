"""The main job: check, choose, predict, copy, verify; and where the copy fails, find out who runs the guest.

    planned -> checked -> copying -> verified -> finished
                  |          `-> settled -> rolled back | in doubt | failed | (it did arrive) verified
                  `-> refused

Libvirt itself moves the definition (made on the target, removed from the source, in its own last phase), so that the
transfer outlives this process. Nothing here removes anything.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from vmferry.errors import VmferryError
from vmferry.facts.guest import GuestFacts
from vmferry.facts.move import MoveFacts
from vmferry.facts.wish import MoveWish
from vmferry.flow.settle import Settled
from vmferry.forecast.progress import Progress
from vmferry.model.finding import Severity, Verdict
from vmferry.model.guest import Guest, Probe
from vmferry.model.migration import Forecast, Measured, MigrationOrder, MigrationResult, Outcome, Verified
from vmferry.placement.rank import Candidate
from vmferry.ports import HostPort, Prober, Store, Watch
from vmferry.rules.policy import NO_POLICY, Policy
from vmferry.service.check import CheckReport, check
from vmferry.service.copying import CopyEnd, copy
from vmferry.service.definition import arriving
from vmferry.service.predict import Limits, predict
from vmferry.service.settling import SETTLE_LIMIT_S, settled
from vmferry.service.steps import StepLog
from vmferry.service.survey import Unreached
from vmferry.service.verify import ONE_COPY, verify


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for, with the hosts already connected."""

    guest: Guest
    source: HostPort
    targets: Sequence[HostPort]
    """The hosts to choose from; one where the user named it."""
    others: Sequence[HostPort] = ()
    """Every other connected host: where a second copy of the guest must not run."""
    unreached: Sequence[Unreached] = ()
    probe: Probe | None = None
    """The user's own word on how the guest is seen; None leaves it to the guest's metadata."""
    bandwidth_bytes_s: int | None = None
    max_downtime_ms: int | None = None
    accept_unknown: bool = False
    """Go on although something could not be looked at: the user's own word."""
    dry_run: bool = False
    policy: Policy = NO_POLICY
    definition: str | None = None
    """The user's own definition of the guest for the target, as XML."""
    settle_limit_s: float = SETTLE_LIMIT_S
    """How long the hosts may take to agree on who runs the guest after a copy that failed."""


class Listener(Protocol):
    """Is told what happens while it happens. `progress` comes from another thread, also beside another call."""

    def checked(self, report: CheckReport) -> None: ...

    def chosen(self, target: str, forecast: Forecast | None) -> None: ...

    def progress(self, progress: Progress) -> None: ...

    def settling(self, end: CopyEnd) -> None: ...

    def verified(self, checks: Sequence[Verified]) -> None: ...

    def note(self, message: str) -> None:
        """Something beside the story that the user should know."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What a migration needs beside its hosts."""

    store: Store
    prober: Prober
    now: Callable[[], datetime]
    """Aware, in UTC."""
    new_job: Callable[[], str]


class Migration:
    """One run of the main job. `cancel` may be set at any time, from any thread."""

    def __init__(self, request: Request, tools: Tools, listener: Listener, cancel: threading.Event) -> None:
        self.request, self.tools, self.listener, self.cancel = request, tools, listener, cancel
        self.log = StepLog(tools.now)
        self.began_s = time.monotonic()
        self.result = MigrationResult(
            job=tools.new_job(),
            guest=request.guest.name,
            source=request.source.entry.name,
            target=None,
            outcome=Outcome.FAILED,
        )

    def run(self) -> MigrationResult:
        """Blocks to the end. What went wrong is in the result; only a source that fails before the copy raises."""
        with self.log.step("check"):
            report = self._check()
            self.listener.checked(report)
        if report.best is None:
            return self._finish(outcome=Outcome.REFUSED, error=refusal(report))
        if report.best.verdict is Verdict.UNKNOWN and not self.request.accept_unknown:
            return self._finish(outcome=Outcome.REFUSED, error=open_questions(report.best))
        target = next(host for host in self.request.targets if host.entry.name == report.best.host)
        move = report.move(report.best.host)
        facts = move.guest
        with self.log.step("forecast"):
            forecast = self._forecast(facts, target)
        self.result = replace(self.result, target=report.best.host, forecast=forecast)
        self.listener.chosen(report.best.host, forecast)
        if self.request.dry_run:
            return self._finish(outcome=None)
        if self.cancel.is_set():
            return self._cancelled_before_the_copy()
        return self._move(move, target)

    def _check(self) -> CheckReport:
        request = self.request
        wish = MoveWish(
            persistent=request.guest.persistent,
            bandwidth_bytes_s=request.bandwidth_bytes_s,
            max_downtime_ms=request.max_downtime_ms,
            definition=request.definition,
        )
        return check(request.source, request.guest, request.targets, request.unreached, request.policy, wish)

    def _forecast(self, facts: GuestFacts, target: HostPort) -> Forecast | None:
        """None where a host or the store fails at it: no migration waits for a forecast."""
        limits = Limits(self.request.bandwidth_bytes_s, self.request.max_downtime_ms)
        try:
            return predict(facts, self.request.source, target, self.tools.store, limits)
        except VmferryError as error:
            self.listener.note(f"no forecast: {error.message}")
            return None

    def _move(self, move: MoveFacts, target: HostPort) -> MigrationResult:
        facts = move.guest
        probe = self.request.probe or facts.probe
        watch = self.tools.prober.watch(probe.address) if probe and probe.address else None
        try:
            with self.log.step("copy"):
                end = copy(self.request.source, self._order(move, target), self.listener.progress, self.cancel)
                if end.problem is not None:
                    self.log.end("cancelled" if end.cancelled else "failed")
            if end.problem is not None:
                self.listener.settling(end)
                answer = self._settle(facts, target)
                if answer.outcome is not Outcome.MIGRATED:
                    return self._not_moved(end, answer)
            return self._verified(arriving(move), target, probe, end, watch)
        finally:
            if watch is not None:
                watch.stop()

    def _order(self, move: MoveFacts, target: HostPort) -> MigrationOrder:
        entry, facts = target.entry, move.guest
        return MigrationOrder(
            guest_uuid=facts.guest.uuid,
            peer_uri=entry.peer_uri or entry.uri,
            data_uri=data_uri(entry.migration_address),
            persistent=facts.guest.persistent,
            bandwidth_bytes_s=self.request.bandwidth_bytes_s,
            max_downtime_ms=self.request.max_downtime_ms,
            edits=move.target.edits,
            target_xml=self.request.definition,
        )

    def _settle(self, facts: GuestFacts, target: HostPort) -> Settled:
        with self.log.step("settle"):
            return settled(self.request.source, target, facts.guest, self.cancel, self.request.settle_limit_s)

    def _verified(
        self, facts: GuestFacts, target: HostPort, probe: Probe | None, end: CopyEnd, watch: Watch | None
    ) -> MigrationResult:
        with self.log.step("verify"):
            checks = verify(facts, self.request.source, target, self.request.others, probe, self.tools.prober)
            blackout_ms = watch.stop() if watch is not None else None
            measured = self._measure(facts, target, end, blackout_ms)
            self.listener.verified(checks)
        self.result = replace(self.result, measured=measured, verification=checks)
        one_copy = next(check for check in checks if check.what == ONE_COPY)
        if one_copy.ok is not True:
            return self._finish(outcome=Outcome.IN_DOUBT, error=one_copy.detail)
        failed = "; ".join(f"{check.what}: {check.detail}" for check in checks if check.ok is False)
        problem = f"the guest is on {target.entry.name}, but: {failed}" if failed else None
        return self._finish(outcome=Outcome.MIGRATED, error=problem)

    def _measure(self, facts: GuestFacts, target: HostPort, end: CopyEnd, blackout_ms: int | None) -> Measured | None:
        """None where libvirt does not give the figures; that says nothing about the migration itself."""
        try:
            stats = target.completed_stats(facts.guest.uuid)
        except VmferryError:
            return None
        if stats is None:
            return None
        return Measured(
            duration_s=stats.elapsed_ms / 1000,
            downtime_ms=stats.downtime_ms,
            blackout_ms=blackout_ms,
            transferred_bytes=stats.processed_bytes,
            disk_bytes=0,
            rounds=max(stats.round, end.last.round if end.last else 0),
            dirty_rate_bytes_s=stats.dirty_rate_bytes_s or (end.last.dirty_rate_bytes_s if end.last else None),
            bandwidth_bytes_s=self.request.bandwidth_bytes_s,
        )

    def _not_moved(self, end: CopyEnd, answer: Settled) -> MigrationResult:
        error = f"{'cancelled' if end.cancelled else 'the copy failed'}; {answer.text}"
        detail = (end.problem.detail or end.problem.message) if end.problem else None
        return self._finish(outcome=answer.outcome, error=error, detail=detail, cancelled=end.cancelled)

    def _cancelled_before_the_copy(self) -> MigrationResult:
        error = "cancelled before the copy began; nothing was changed"
        return self._finish(outcome=Outcome.ROLLED_BACK, error=error, cancelled=True)

    def _finish(
        self, *, outcome: Outcome | None, error: str | None = None, detail: str | None = None, cancelled: bool = False
    ) -> MigrationResult:
        measured = self.result.measured
        if measured is not None:
            measured = replace(measured, command_s=round(time.monotonic() - self.began_s, 3))
        self.result = replace(
            self.result,
            outcome=outcome,
            error=error,
            error_detail=detail or None,
            cancelled=cancelled,
            measured=measured,
            steps=self.log.steps,
        )
        if not self.request.dry_run:
            self._record()
        return self.result

    def _record(self) -> None:
        """What happened, happened: a store that cannot be written changes no result."""
        try:
            self.tools.store.save_result(self.result)
        except VmferryError as error:
            self.listener.note(f"this migration could not be recorded: {error.message}")


def data_uri(migration_address: str | None) -> str | None:
    """Where the memory goes, in libvirt's form."""
    if migration_address is None:
        return None
    return f"tcp://[{migration_address}]" if ":" in migration_address else f"tcp://{migration_address}"


def open_questions(best: Candidate) -> str:
    """What could not be looked at on the best target, and how to go on all the same."""
    unknown = [f"{f.rule}: {f.observed}" for f in best.findings if f.severity is Severity.UNKNOWN]
    return f"not sure of {best.host}: {'; '.join(unknown)}. Make sure of it, then go on with --yes"


def refusal(report: CheckReport) -> str:
    """Why no target will do, in a line: the first reason for each."""
    if not report.candidates:
        return "there is no other host to go to: add one with vmferry host add"
    return "refused by the check. " + "; ".join(f"{each.host}: {each.reasons[0]}" for each in report.candidates)
