"""Watch one copy to its end: its figures, what people ask of it meanwhile, and the lease."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass

from vmferry.errors import HostError
from vmferry.flow.effects import Effect, What
from vmferry.flow.journal import Kind
from vmferry.flow.sights import Sight
from vmferry.flow.states import Event
from vmferry.forecast.progress import Progress, Progression
from vmferry.model.job import Ask
from vmferry.model.migration import JobStats
from vmferry.ports import Clock, Copy, Jobs
from vmferry.service.record import Record
from vmferry.service.sides import Sides

READ_EVERY_S = 0.5
"""As often as virsh does: each reading costs the source a question to QEMU in the middle of its work."""
LOOK_EVERY_S = 0.1
"""For the end of it, and for Ctrl-C."""
SENDING = (Sight.MOVING, Sight.SWITCHING, Sight.POST_COPY)
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
    last: JobStats | None = None
    aborted: bool = False
    """That it is to be aborted is written down, once for each who watches."""

    def follow(self, copy: Copy | None) -> None:
        """Returns when libvirt's call has ended, or, of a copy that another worker began (None), when the source sends
        it no more or cannot be asked.
        """
        progression = Progression()
        cancelled = self.record.job.result.cancelled
        read_s = abort_s = self.clock.now_s()
        while not self._ended(copy):
            now_s = self.clock.now_s()
            if now_s - read_s >= READ_EVERY_S:
                read_s = now_s
                self.record.renew()
                if not self._read(progression) and copy is None and not self._is_sent():
                    return
                cancelled = cancelled or Ask.CANCEL in self.jobs.asked(self.record.job.id)
            cancelled = cancelled or self.cancel.is_set()
            if cancelled and now_s >= abort_s:
                abort_s = now_s + ABORT_EVERY_S
                self._abort()

    def _ended(self, copy: Copy | None) -> bool:
        if copy is not None:
            return copy.wait(LOOK_EVERY_S)
        self.clock.sleep(LOOK_EVERY_S)
        return False

    def _read(self, progression: Progression) -> bool:
        """Whether there was a reading. One that fails says nothing: it may only wait on the job's own lock."""
        source = self.sides.source
        stats = None
        if source is not None:
            with contextlib.suppress(HostError):
                stats = source.job_stats(self.sides.uuid)
        if stats is None:
            return False
        self.last = stats
        progress = progression.read(stats)
        self.jobs.show(self.record.job.id, progress)
        self.show(progress)
        return True

    def _is_sent(self) -> bool:
        """By the word of the source."""
        return self.sides.look().source in SENDING

    def _abort(self) -> None:
        """Only a migration that is seen is aborted, never another job of the guest. Where it is refused, there is no
        job yet, or none any more: it is asked again until the copy has ended.
        """
        source = self.sides.source
        stats = None
        if source is not None:
            with contextlib.suppress(HostError):
                stats = source.job_stats(self.sides.uuid)
        if stats is None:
            return
        effect = Effect(What.ABORT, self.sides.source_name)
        if not self.aborted:
            self.aborted = True
            self.record.change(cancelled=True)
            self.record.enter(Event.CANCEL, "", self.record.entry(Kind.INTENT, effect=effect))
        self.record.renew(now=True)
        with contextlib.suppress(HostError):
            self.sides.perform(effect)
