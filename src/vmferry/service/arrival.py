"""What is seen and measured of a guest that is on its target."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from vmferry.errors import VmferryError
from vmferry.flow.journal import Entry
from vmferry.flow.states import State
from vmferry.model.job import Plan
from vmferry.model.migration import JobStats, Measured, Mode, Verified
from vmferry.ports import HostPort, Prober, Watch
from vmferry.service.guides import Arrival
from vmferry.service.record import Record
from vmferry.service.sides import Sides
from vmferry.service.verify import ANSWERS, DEFINITION, ONE_COPY, verify


@dataclass(slots=True)
class Arrivals:
    sides: Sides
    others: Sequence[HostPort]
    prober: Prober
    tell: Callable[[Sequence[Verified]], None]
    watch: Watch | None = None
    """Of the guest's address, since before the copy."""
    command_s: Callable[[], float] | None = None
    """The whole command so far; None: another one began it."""
    blackout_ms: int | None = None

    def look(self, record: Record, last: JobStats | None) -> Arrival:
        """Everything at once; kept in the result, but for the error."""
        checks = verify(record.job.plan, self.sides, self.others, self.prober)
        if self.watch is not None:
            self.blackout_ms = self.watch.stop()
            self.watch = None
        record.change(verification=checks, measured=self._measured(record, last))
        self.tell(checks)
        by_name = {check.what: check for check in checks}
        one_copy, definition = by_name[ONE_COPY], by_name[DEFINITION]
        if one_copy.ok is not True:
            return Arrival(sure=False, error=one_copy.detail)
        if definition.ok is None:  # one that is left on the source could be started there
            return Arrival(sure=False, error=f"{one_copy.detail}; its definitions were not seen: {definition.detail}")
        failed = "; ".join(f"{check.what}: {check.detail}" for check in checks if check.ok is False)
        problem = f"the guest is on {self.sides.target_name}, but: {failed}" if failed else None
        return Arrival(sure=True, error=problem, silent=by_name[ANSWERS].ok is False)

    def _measured(self, record: Record, last: JobStats | None) -> Measured | None:
        """None where libvirt does not give the figures; that says nothing about the migration itself."""
        plan = record.job.plan
        try:
            stats = self.sides.host(self.sides.target_name).completed_stats(plan.guest_uuid)
        except VmferryError:
            return None
        if stats is None:
            # Libvirt keeps no figures of a post-copy: what was seen last, and the time by our own journal.
            if last is None or last.mode is Mode.PRE_COPY:
                return None
            stats = replace(last, elapsed_ms=round(1000 * copied_s(record.entries)), downtime_ms=None)
        return Measured(
            duration_s=stats.elapsed_ms / 1000,
            downtime_ms=stats.downtime_ms,
            blackout_ms=self.blackout_ms,
            transferred_bytes=stats.processed_bytes,
            disk_bytes=_disk_bytes(plan, stats, last),
            rounds=max(stats.round, last.round if last else 0),
            dirty_rate_bytes_s=stats.dirty_rate_bytes_s or (last.dirty_rate_bytes_s if last else None),
            bandwidth_bytes_s=plan.bandwidth_bytes_s,
            command_s=self.command_s() if self.command_s is not None else None,
            dirtied=record.dirtied,
        )


def _disk_bytes(plan: Plan, stats: JobStats, last: JobStats | None) -> int:
    """As far as was seen; of a copy that was over before anything was, every disk was read once for certain."""
    seen = max(stats.disk_done_bytes, last.disk_done_bytes if last else 0)
    return seen or (0 if plan.incremental else sum(copy.capacity_bytes for copy in plan.copies))


def copied_s(entries: Sequence[Entry]) -> float:
    """From the beginning of the copy to the switch, or to now, by the times of the journal."""
    began = next(each.at for each in entries if each.state is State.COPYING)
    ended = next((each.at for each in reversed(entries) if each.state is State.SWITCHED), entries[-1].at)
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(began)).total_seconds()
