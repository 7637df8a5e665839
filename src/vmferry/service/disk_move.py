"""A disk that moves while its guest stays: copied by QEMU, gone over to once the two images are level.

One migration's transaction, with another copy in the middle and other words.
"""

from __future__ import annotations

from dataclasses import replace

from vmferry.errors import HostError, HostUnreachable
from vmferry.flow.effects import Effect, What
from vmferry.flow.journal import Kind
from vmferry.flow.mirrors import Mirrors, steer_mirrors
from vmferry.flow.settle import Cell
from vmferry.flow.stall import Still, stalled
from vmferry.flow.states import Event
from vmferry.flow.steer import Reins
from vmferry.forecast.progress import Progression
from vmferry.model.migration import DiskProgress, JobStats, Verified
from vmferry.model.storage import BlockCopy, DiskCopy
from vmferry.service.transaction import Transaction
from vmferry.service.volumes import of_disks

LOOK_EVERY_S = 0.5
MOST_PIVOTS = 5
"""So often the guest is told to go over, before its copy is given up."""
TOLD = {
    Event.SAFE: "{disk} of {guest} is where it was: {old}",
    Event.STOPPED: "{guest} has stopped meanwhile; its {disk} is where it was: {old}",
    Event.ARRIVED: "{disk} of {guest} is on {new}",
    Event.MOVING: "{disk} of {guest} is still being copied to {new}",
    Event.DOUBT: (
        "it is not certain which of {old} and {new} is the newer {disk} of {guest}: nothing was touched. Look at the "
        "guest (virsh domblklist {guest}) before starting it; if it has stopped while it went over, {new} has its last "
        "writes"
    ),
}


class DiskMove(Transaction):
    @property
    def copy(self) -> DiskCopy:
        return self.record.job.plan.copies[0]

    def _prepare(self) -> None:
        self._prepare_hosts()

    def _copy_effect(self) -> Effect:
        return Effect(What.COPY, self.sides.source_name, thing=self.copy.disk)

    def _copy(self) -> HostError | None:
        plan, host = self.record.job.plan, self.sides.source_name
        limit = plan.disk_bandwidth_bytes_s
        try:
            self.sides.host(host).copy_disk(self.sides.uuid, self.copy, limit, synchronous=plan.synchronous_writes)
        except HostError as error:
            return error
        return self._driven()

    def _adopt(self) -> None:
        """COPYING, of a copy that another worker began: it does not come to its end by itself."""
        with self.log.step("copy"):
            problem = self._driven()
        self._sure = problem is None
        self.record.enter(Event.BREAK, problem.message if problem else "it is gone over", before=self._abort_outcome())

    def _driven(self) -> HostError | None:
        """As `_drive`, with what the host raises."""
        try:
            return self._drive()
        except HostError as error:
            return error

    def _drive(self) -> HostError | None:
        """To its end: None once the guest has gone over. Raises what the host raises."""
        host, disk = self.sides.host(self.sides.source_name), self.copy.disk
        began_s, still = self.guides.clock.now_s(), Still()
        plan = self.record.job.plan
        mirrors = Mirrors(synchronous=plan.synchronous_writes, limit_bytes_s=plan.disk_bandwidth_bytes_s)
        progression, aborted = Progression(), False
        while True:
            self.guides.clock.sleep(LOOK_EVERY_S)
            self.record.renew()
            state = host.disk_state(self.sides.uuid, disk)
            if state is None or state.copy is None:
                return HostError(host.entry.name, f"the copy of {disk} has ended by itself")
            stats = _stats(state.copy, self.guides.clock.now_s() - began_s)
            self._show(progression, stats, state.copy)
            if aborted:
                continue
            if self._is_cancelled():
                self.record.change(cancelled=True)
                aborted = self._abort("")
            elif state.copy.ready and self._failed_pivots() < MOST_PIVOTS:
                if self._pivot():
                    return None
            elif state.copy.ready:
                aborted = self._abort(f"the guest could not be made to go over to {self.copy.path}")
            else:
                still, mirrors = still.seen(stats), mirrors.seen(stats)
                aborted, mirrors = self._steer(mirrors, still, stats)

    def _failed_pivots(self) -> int:
        return sum(
            each.kind is Kind.FAILED and each.effect is not None and each.effect.what is What.PIVOT
            for each in self.record.entries
        )

    def _pivot(self) -> bool:
        """Raises HostUnreachable, after which it may have gone over."""
        try:
            self.making.make(Effect(What.PIVOT, self.sides.source_name, thing=self.copy.path))
        except HostUnreachable:
            raise
        except HostError as error:
            self.problem = error
            return False
        return True

    def _steer(self, mirrors: Mirrors, still: Still, stats: JobStats) -> tuple[bool, Mirrors]:
        """Whether it was given up; and how the copy goes on."""
        plan = self.record.job.plan
        why = stalled(still, plan.stall_timeout_s)
        step = steer_mirrors(mirrors, stats, Reins(max_time_s=plan.max_time_s))
        if why is None and step is None:
            return False, mirrors
        if why is None and step is not None and step.what is What.SYNCHRONOUS_WRITES:
            try:
                self.making.make(Effect(step.what, self.sides.source_name))
            except HostError:
                return False, replace(mirrors, refused=True)
            return False, mirrors.slowed(stats)
        return self._abort(why or (step.why if step is not None else "")), mirrors

    def _abort(self, why: str) -> bool:
        self.gave_up = why
        try:
            self.making.make(Effect(What.ABORT, self.sides.source_name))
        except HostError as error:
            self.problem = error
            return False
        return True

    def _show(self, progression: Progression, stats: JobStats, copy: BlockCopy) -> None:
        self.last = stats
        disks = (DiskProgress(self.copy.disk, copy.done_bytes, copy.total_bytes),)
        progress = progression.read(stats, disks)
        self.guides.jobs.show(self.record.job.id, progress)
        self.guides.show(progress)

    def _told(self, cell: Cell) -> str:
        names = {"disk": self.copy.disk, "old": self.copy.source_path, "new": self.copy.path}
        return TOLD[cell.event].format(guest=self.record.job.result.guest, **names)

    def _verify(self) -> None:
        """SWITCHED: the running guest, and what it would start from."""
        with self.log.step("verify"):
            checks = self._checks()
            if checks is not None and not checks[-1].ok:
                try:
                    self.making.make(Effect(What.KEEP_DISK, self.sides.source_name))
                except HostError as error:
                    self.problem = error
                checks = self._checks()
            self.record.renew(now=True)
        self._sure = checks is not None
        last = self.last
        seen = of_disks(last.elapsed_ms / 1000, last.disk_done_bytes) if last is not None else None
        self.record.change(verification=checks or (), measured=seen)
        wrong = [each.detail for each in checks or () if not each.ok]
        self.text = "; ".join(wrong) if checks is not None else self._told(Cell(Event.DOUBT, ""))
        self.record.enter(Event.GO, self.text)

    def _checks(self) -> tuple[Verified, ...] | None:
        """None: the host could not be asked."""
        name, copy = self.sides.source_name, self.copy
        try:
            state = self.sides.host(name).disk_state(self.sides.uuid, copy.disk)
        except HostError:
            return None
        if state is None:
            return (Verified("guest", False, f"{name} does not know the guest any more"),)
        return (
            Verified("disk", state.source == copy.path, f"{copy.disk} is on {state.source}"),
            # Another image than these two is what somebody wants of its next start.
            Verified(
                "definition", state.kept != copy.source_path, f"its next start has {state.kept or 'no definition'}"
            ),
        )


def _stats(copy: BlockCopy, elapsed_s: float) -> JobStats:
    """As of a migration that is still in its disks."""
    left = max(0, copy.total_bytes - copy.done_bytes)
    return JobStats(
        elapsed_ms=int(1000 * elapsed_s),
        total_bytes=0,
        processed_bytes=0,
        remaining_bytes=0,
        disk_total_bytes=copy.total_bytes,
        disk_done_bytes=copy.done_bytes,
        disk_remaining_bytes=left,
    )
