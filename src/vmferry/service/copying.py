"""Run one copy: libvirt's call in one thread, the readings in another, the caller free to cancel."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass

from vmferry.errors import VmferryError
from vmferry.forecast.progress import Progress, Progression
from vmferry.model.migration import JobStats, MigrationOrder
from vmferry.ports import HostPort

READ_EVERY_S = 0.5
"""As often as virsh does: each reading costs the source a question to QEMU in the middle of its work."""

LOOK_FOR_CANCEL_S = 0.1
ABORT_EVERY_S = 0.25
"""Libvirt refuses an abort while the job is still being prepared: it is asked again."""

OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class CopyEnd:
    """How libvirt's own call ended. `problem` None: libvirt says that the guest runs on the target."""

    problem: VmferryError | None
    last: JobStats | None
    """The last reading of the running job."""
    cancelled: bool


class _Copy:
    def __init__(self, source: HostPort, order: MigrationOrder, show: OnProgress) -> None:
        self.source, self.order, self.show = source, order, show
        self.ended = threading.Event()
        self.problem: VmferryError | None = None
        self.bug: BaseException | None = None
        self.last: JobStats | None = None

    def run(self) -> None:
        try:
            self.source.migrate(self.order)
        except VmferryError as error:
            self.problem = error
        except BaseException as error:  # carried over to the caller's thread, which raises it
            self.bug = error
        finally:
            self.ended.set()

    def read(self) -> None:
        """A reading that fails says nothing about the migration: it may only wait on the job's own lock."""
        progression = Progression()
        while not self.ended.wait(READ_EVERY_S):
            try:
                stats = self.source.job_stats(self.order.guest_uuid)
            except VmferryError:
                continue
            if stats is not None and not self.ended.is_set():
                self.last = stats
                self.show(progression.read(stats))

    def abort_until_ended(self) -> None:
        while not self.ended.is_set():
            # Only a migration that is seen is aborted, never another job of the guest. Where it is refused, there is no
            # job yet, or none any more: the next look at `ended` tells which.
            with contextlib.suppress(VmferryError):
                if self.source.job_stats(self.order.guest_uuid) is not None:
                    self.source.abort(self.order.guest_uuid)
            self.ended.wait(ABORT_EVERY_S)


def copy(source: HostPort, order: MigrationOrder, show: OnProgress, cancel: threading.Event) -> CopyEnd:
    """Blocks until libvirt's call is over. Setting `cancel` makes libvirt abort it; the guest stays on its source."""
    work = _Copy(source, order, show)
    for target in (work.run, work.read):
        threading.Thread(target=target, daemon=True).start()
    cancelled = False
    while not work.ended.wait(LOOK_FOR_CANCEL_S):
        if cancel.is_set() and not cancelled:
            cancelled = True
            threading.Thread(target=work.abort_until_ended, daemon=True).start()
    if work.bug is not None:
        raise work.bug
    return CopyEnd(work.problem, work.last, cancelled)
