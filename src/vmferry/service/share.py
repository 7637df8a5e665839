"""A migration's share of its link: waited for before the copy, and kept to while others come and go.

What the store says that a job holds is never less than what libvirt was told: it is written before more is set, and
after less is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from vmferry.errors import HostError, HostUnreachable
from vmferry.flow.effects import Effect, What
from vmferry.flow.journal import Kind
from vmferry.model.bandwidth import MIB, UNLIMITED_BYTES_S, each_disk
from vmferry.model.job import Ask, Plan
from vmferry.model.migration import MigrationOrder
from vmferry.model.units import format_rate
from vmferry.ports import Clock, Jobs
from vmferry.service.record import Record
from vmferry.service.sides import Sides

LOOK_EVERY_S = 0.5


def wait_for_share(
    record: Record, jobs: Jobs, clock: Clock, cancel: threading.Event, note: Callable[[str], None]
) -> bool:
    """Until others on the link have made room; at once where it has no limit. False: it was cancelled, by anybody."""

    def cancelled() -> bool:
        return cancel.is_set() or Ask.CANCEL in jobs.asked(record.job.id)

    told = False
    while record.share() == 0:
        if cancelled():
            return False
        if not told:
            result = record.job.result
            note(f"waiting for its share of the bandwidth from {result.source} to {result.target}")
            told = True
        clock.sleep(LOOK_EVERY_S)
    return not cancelled()


def within_share(order: MigrationOrder, plan: Plan) -> MigrationOrder:
    """With no more than its share at the start."""
    share = plan.share_bytes_s
    order = replace(order, disk_bandwidth_bytes_s=each_disk(plan))
    if not share or order.bandwidth_bytes_s is None:
        return order
    post_copy = order.tuning.post_copy_bandwidth_bytes_s
    tuning = replace(order.tuning, post_copy_bandwidth_bytes_s=None if post_copy is None else min(post_copy, share))
    return replace(order, bandwidth_bytes_s=min(order.bandwidth_bytes_s, share), tuning=tuning)


@dataclass(slots=True)
class Sharing:
    """Of a copy that runs."""

    record: Record
    sides: Sides
    note: Callable[[str], None]
    _refused: bool = False
    _parted: bool = False
    """The limit of memory is its own, not that of the disks."""

    def keep(self, *, in_memory: bool = True) -> None:
        """Take or give what the link's other migrations leave or need. Raises Fenced.

        `in_memory`: its memory is being sent.
        """
        if in_memory and not self._parted:
            self._parted = True
            self._part_from_disks()
        had = self.record.job.plan.share_bytes_s
        if self._refused or had is None:
            return
        may = self.record.share()
        if may == had or may is None:
            return
        effect = Effect(What.LIMIT_BANDWIDTH, self.sides.source_name, may, self._before())
        less = may < had
        self._make(effect, f"others on the link {'need' if less else 'leave'} a part of it", less=less)

    def _part_from_disks(self) -> None:
        """Libvirt begins memory with the limit that it was told at the start, that of each disk, whatever it was told
        since then. Memory gets its own.
        """
        plan, each = self.record.job.plan, each_disk(self.record.job.plan)
        memory = plan.share_bytes_s or plan.bandwidth_bytes_s
        if each is None or (each == memory and What.LIMIT_BANDWIDTH not in {made.what for made in self.record.made}):
            return
        limit = memory or self._own() or UNLIMITED_BYTES_S
        effect = Effect(What.LIMIT_BANDWIDTH, self.sides.source_name, limit, self._before())
        self._make(effect, "its disks have their own limit")

    def _before(self) -> int | None:
        """With the first of these effects the guest's own limit, which undoes them all."""
        if any(each.what is What.LIMIT_BANDWIDTH and each.was is not None for each in self.record.made):
            return None
        return self._own()

    def _own(self) -> int | None:
        """As it was before the copy began. Not known, libvirt is left to set it again, as 9.0 and 11.3 do."""
        return next((each.was for each in self.record.made if each.what is What.COPY), None)

    def _make(self, effect: Effect, why: str, *, less: bool = False) -> None:
        rate = format_rate(effect.value or 0)
        self.record.intend(effect, text=why)
        self.record.renew(now=True)
        try:
            self.sides.set_bandwidth(self.record.job.plan, effect.value or MIB)
        except HostUnreachable as error:
            self.record.outcome(Kind.LOST, effect, error.detail or error.message)
        except HostError as error:
            self.record.outcome(Kind.FAILED, effect, error.detail or error.message)
            self._refused = True
            self.note(f"its share of the link, {rate}, could not be set: {error.message}")
        else:
            if less:
                self.record.hold_share(effect.value)
            self.record.outcome(Kind.DONE, effect)
