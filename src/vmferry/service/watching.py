"""Watch one copy to its end: its figures, what people ask of it meanwhile, and the lease."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass

from vmferry.errors import HostError
from vmferry.flow.effects import Effect, What
from vmferry.flow.journal import Kind, unanswered
from vmferry.flow.sights import Sight
from vmferry.flow.states import Event, State
from vmferry.forecast.precopy import limit_s
from vmferry.forecast.progress import Progress, Progression
from vmferry.model.job import Ask, Job
from vmferry.model.migration import DiskProgress, JobStats, Mode
from vmferry.ports import Clock, Copy, Jobs
from vmferry.service.record import Record
from vmferry.service.sides import Sides
from vmferry.service.steering import Steering, measured_before

READ_EVERY_S = 0.5
"""As often as virsh does: each reading costs the source a question to QEMU in the middle of its work."""
LOOK_EVERY_S = 0.1
"""For the end of it, and for Ctrl-C."""
SENDING = (Sight.MOVING, Sight.SWITCHING, Sight.POST_COPY)
BROKEN_S = 60.0
"""Libvirt's own call may never end where the target's QEMU waits for a page and so does not say that it is broken, nor
where the source's has gone.
"""
ABORT_EVERY_S = 0.25
"""Libvirt refuses an abort while the job is still being prepared: it is asked again."""


@dataclass(slots=True)
class Watching:
    record: Record
    sides: Sides
    jobs: Jobs
    clock: Clock
    cancel: threading.Event
    """Set by this process's user; other processes ask by the store."""
    show: Callable[[Progress], None]
    steering: Steering
    last: JobStats | None = None
    left: bool = False
    """Libvirt's call goes on, and is not waited for any more."""
    _told: bool = False
    """The user has been told that it cannot be cancelled any more."""

    def follow(self, copy: Copy | None) -> None:
        """Returns when libvirt's call has ended, or, of a copy that another worker began (None), when the source sends
        it no more or cannot be asked. A broken post-copy is waited for only so long.
        """
        plan = self.record.job.plan
        limit, foretold = limit_s(plan.max_downtime_ms), foretold_bytes(self.record.job)
        progression = Progression(plan.memory_bytes, measured_before(plan), limit, foretold)
        cancelled = self.record.job.result.cancelled
        read_s = abort_s = whole_s = self.clock.now_s()
        while not self._ended(copy):
            now_s = self.clock.now_s()
            if now_s - read_s >= READ_EVERY_S:
                read_s = now_s
                self.record.renew()
                stats = self._read(progression)
                if copy is None and not self._is_sent(stats):
                    return
                if self._seems_whole(stats):
                    whole_s = now_s
                elif now_s - whole_s > BROKEN_S:
                    self.left = True
                    return
                asked = self.jobs.asked(self.record.job.id)
                cancelled = cancelled or Ask.CANCEL in asked
                if stats is not None and not (cancelled or self.cancel.is_set()):
                    self.steering.read(stats, asked)
            cancelled = cancelled or self.cancel.is_set()
            if (cancelled or self.steering.gave_up) and now_s >= abort_s:
                abort_s = now_s + ABORT_EVERY_S
                self._abort()

    def _ended(self, copy: Copy | None) -> bool:
        if copy is not None:
            return copy.wait(LOOK_EVERY_S)
        self.clock.sleep(LOOK_EVERY_S)
        return False

    def _read(self, progression: Progression) -> JobStats | None:
        """None where there is no reading. That says nothing: it may only wait on the job's own lock."""
        source = self.sides.source
        stats = None
        if source is not None:
            with contextlib.suppress(HostError):
                stats = source.job_stats(self.sides.uuid)
        if stats is None:
            return None
        self.last = stats
        progress = progression.read(stats, self._disks(stats))
        self.jobs.show(self.record.job.id, progress)
        self.show(progress)
        return stats

    def _seems_whole(self, stats: JobStats | None) -> bool:
        """Without a reading nothing is known, and before the switch nothing is to be feared: the call ends by itself.

        In post-copy it may not, where the source's QEMU is gone and its libvirt holds on to the job.
        """
        if stats is None:
            return self.record.state is not State.POST_COPY
        return stats.mode is not Mode.BROKEN

    def _disks(self, stats: JobStats) -> tuple[DiskProgress, ...]:
        """How far each is; nothing where that is not told, or there is none."""
        names = [copy.disk for copy in self.record.job.plan.copies]
        if not names or not stats.disk_total_bytes or stats.mode is not Mode.PRE_COPY or self.sides.source is None:
            return ()
        try:
            return self.sides.source.disk_progress(self.sides.uuid, names)
        except HostError:
            return ()

    def _is_sent(self, stats: JobStats | None) -> bool:
        """By the word of the source."""
        if stats is not None:
            return stats.mode is not Mode.BROKEN
        return self.sides.look().source in SENDING

    def _abort(self) -> None:
        """Only a migration that is seen is aborted, never another job of the guest. Where it is refused, there is no
        job yet, or none any more: it is asked again until the copy has ended.
        """
        if self.record.state is State.POST_COPY:
            self._tell_why_not()
            return
        stats = None
        with contextlib.suppress(HostError):
            stats = self.sides.source.job_stats(self.sides.uuid) if self.sides.source is not None else None
        if stats is None:
            return
        if stats.mode is not Mode.PRE_COPY:
            self.record.enter(Event.SWITCH, "the source says that it is in post-copy")
            return
        effect = Effect(What.ABORT, self.sides.source_name)
        if effect not in unanswered(self.record.entries):
            intent = self.record.entry(Kind.INTENT, effect=effect, text=self.steering.gave_up)
            if self.steering.gave_up:
                self.record.write(intent)
            else:
                self.record.change(cancelled=True)
                self.record.enter(Event.CANCEL, "", intent)
        self.record.renew(now=True)
        with contextlib.suppress(HostError):
            self.sides.perform(effect)

    def _tell_why_not(self) -> None:
        if not self._told:
            self._told = True
            self.steering.note(uncancellable(self.sides.source_name, self.sides.target_name))


def foretold_bytes(job: Job) -> int | None:
    """What its copy is to send; None: it copies disks too, may not end, or nothing was foretold."""
    forecast = job.result.forecast
    return round(forecast.transferred_bytes.p50) if forecast and forecast.converges and not job.plan.copies else None


def uncancellable(source: str, target: str) -> str:
    """Why a post-copy is not cancelled."""
    return (
        f"not cancelled: it is in post-copy, the guest runs on {target} with a part of its memory still on {source}, "
        "so neither has it whole and it can only go on"
    )
