"""Take the steps that `flow.steer` says, and write each down."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from vmferry.errors import HostError, HostUnreachable
from vmferry.flow.effects import Effect, What
from vmferry.flow.journal import Kind
from vmferry.flow.mirrors import Mirrors, steer_mirrors
from vmferry.flow.sights import Sight
from vmferry.flow.stall import Still, stalled
from vmferry.flow.states import Event, State
from vmferry.flow.steer import Done, Reins, Step, steer, user_paused
from vmferry.forecast.convergence import Evidence, Point
from vmferry.model.bandwidth import each_disk
from vmferry.model.job import DIRTY_PERIOD_S, Ask, Plan
from vmferry.model.migration import JobStats, Mode
from vmferry.service.record import Record
from vmferry.service.share import Sharing
from vmferry.service.sides import Sides

QEMU_DOWNTIME_MS = 300
"""QEMU's own limit, where the host does not say."""


def reins(plan: Plan) -> Reins:
    return Reins(
        convergence=plan.convergence,
        max_downtime_ms=plan.max_downtime_ms,
        max_time_s=plan.max_time_s,
        post_copy=plan.post_copy,
        sooner=plan.post_copy_sooner,
        throttled=plan.tuning.auto_converge,
    )


def measured_before(plan: Plan) -> Point | None:
    """What the guest dirtied right before its copy; None: it was not measured."""
    dirty = plan.dirty_rate_bytes_s
    return None if dirty is None else Point(float(DIRTY_PERIOD_S), dirty)


@dataclass(slots=True)
class Steering:
    record: Record
    sides: Sides
    note: Callable[[str], None]
    """Something that the user should know while it happens."""
    evidence: Evidence = field(init=False)
    gave_up: str = ""
    """Why the copy is to be aborted; empty: it is not."""
    _done: Done | None = None
    _sharing: Sharing = field(init=False)
    _still: Still = field(default_factory=Still)
    _mirrors: Mirrors = field(default_factory=Mirrors)

    def __post_init__(self) -> None:
        self._sharing = Sharing(self.record, self.sides, self.note)
        plan = self.record.job.plan
        told = any(each.what is What.SYNCHRONOUS_WRITES for each in self.record.made)
        self._mirrors = Mirrors(synchronous=plan.synchronous_writes or told, limit_bytes_s=each_disk(plan))
        self.evidence = Evidence(measured=measured_before(plan))

    def read(self, stats: JobStats, asked: Collection[Ask]) -> None:
        """Raises Fenced. A step that the host refuses is written down, and another one taken the next time."""
        self.evidence = self.evidence.seen(stats)
        self.record.dirtied = self.evidence.dirtied
        self._sharing.keep(in_memory=bool(stats.total_bytes))
        if self.record.state is not State.COPYING or self.gave_up or self.record.job.result.cancelled:
            return
        if stats.mode is not Mode.PRE_COPY:
            self.record.enter(Event.SWITCH, "the source says that it is in post-copy")
            return
        if self._stalls(stats) or self._steers_disks(stats):
            return
        if self._done is None:
            self._done = self._so_far()
        self._done = replace(self._done, forced=Ask.FORCE in asked)
        paused = user_paused(self.evidence, self._done)
        if paused is not None and paused is not self.record.job.plan.user_paused:
            self.record.user_paused(paused)
        step = steer(self.evidence, reins(self.record.job.plan), self._done)
        if step is None:
            return
        if step.what is What.ABORT:
            self.gave_up = step.why
            return
        self._take(step, self._done)

    def _stalls(self, stats: JobStats) -> bool:
        """Whether it is given up for that. One that has sent all waits for the target's word, and is left to."""
        self._still = self._still.seen(stats)
        why = stalled(self._still, self.record.job.plan.stall_timeout_s)
        sending = (Sight.MOVING, Sight.SWITCHING) if stats.remaining_bytes else (Sight.MOVING,)
        if why is None or self.sides.look().source not in sending:
            return False
        self.gave_up = why
        return True

    def _steers_disks(self, stats: JobStats) -> bool:
        """Whether a step was taken for them."""
        self._mirrors = self._mirrors.seen(stats)
        step = steer_mirrors(self._mirrors, stats, reins(self.record.job.plan))
        if step is None:
            return False
        if step.what is What.ABORT:
            self.gave_up = step.why
        elif self._make(step, Effect(step.what, self.sides.source_name)) is False:
            self._mirrors = replace(self._mirrors, refused=True)
        else:
            self._mirrors = self._mirrors.slowed(stats)
        return True

    def _so_far(self) -> Done:
        """What this worker or the one before it has done."""
        limit_ms = None
        try:
            limit_ms = self.sides.host(self.sides.source_name).max_downtime_ms(self.sides.uuid)
        except HostError:
            set_ms = [each.value for each in self.record.made if each.what is What.LIMIT_DOWNTIME]
            limit_ms = set_ms[-1] if set_ms else None
        suspended = any(each.what is What.SUSPEND for each in self.record.made)
        return Done(limit_ms or QEMU_DOWNTIME_MS, suspended)

    def _take(self, step: Step, done: Done) -> None:
        was = done.limit_ms if step.what is What.LIMIT_DOWNTIME else None
        effect = Effect(step.what, self.sides.source_name, step.value, was)
        made = self._make(step, effect)
        if made is False:
            self._done = replace(done, refused=done.refused | {step.what})
        elif made and step.what is What.SUSPEND:
            self._done = replace(done, suspended=True)
        elif made and step.what is What.LIMIT_DOWNTIME:
            self._done = replace(done, limit_ms=step.value or done.limit_ms)

    def _make(self, step: Step, effect: Effect) -> bool | None:
        """False where the host does not do it; None where it is not known, which the next reading tells."""
        self.note(f"{step.what}{f' to {step.value} ms' if step.value is not None else ''}: {step.why}")
        self.record.intend(effect, text=step.why)
        self.record.renew(now=True)
        try:
            self.sides.perform(effect)
        except HostUnreachable as error:
            self.record.outcome(Kind.LOST, effect, error.detail or error.message)
            return None
        except HostError as error:
            self.record.outcome(Kind.FAILED, effect, error.detail or error.message)
            return False
        outcome = self.record.entry(Kind.DONE, effect=effect)
        if step.what is What.TO_POST_COPY:
            self.record.enter(Event.SWITCH, "", before=[outcome])
        else:
            self.record.write(outcome)
        return True
