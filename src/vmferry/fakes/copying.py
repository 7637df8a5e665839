"""Copies in a fake world: each goes on by itself as the world's time passes, whoever watches it.

So it is on real hosts, where the transfer outlives its controller. What a caller holds is a `FakeCopy`: what it has
heard of it, which may be less than what happened.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from vmferry.errors import HostError, HostUnreachable
from vmferry.facts.guest import Reason
from vmferry.fakes import volumes
from vmferry.fakes.faults import AT_THE_SWITCH, CopyEffect, CopyFault, Leftover
from vmferry.fakes.guest import FakeGuest
from vmferry.fakes.precopy import OWN_DOWNTIME_MS, Load, final, post_copy_readings, readings
from vmferry.fakes.state import FakeHost
from vmferry.fakes.world import FakeWorld, Going, Hearing
from vmferry.model.guest import GuestState
from vmferry.model.migration import JobStats, MigrationOrder, Mode
from vmferry.placement.elsewhere import edited

ABORTED = 78
"""Libvirt's VIR_ERR_OPERATION_ABORTED."""
FAILED = 9
"""Libvirt's VIR_ERR_OPERATION_FAILED."""
INVALID = 55
"""Libvirt's VIR_ERR_OPERATION_INVALID."""
MONITORED = "Requested operation is not valid: migration of domain {} is being actively monitored by another thread"
LOOK_S = 0.1
"""How far a caller that waits lets the time go on at once."""


class FakeCopy:
    """As `ports.Copy`."""

    def __init__(self, world: FakeWorld) -> None:
        self._world = world
        self.over = False
        self.problem: HostError | None = None

    def wait(self, timeout_s: float) -> bool:
        until_s = self._world.time.now_s() + timeout_s
        self._world.pass_time()
        while not self.over and (left_s := until_s - self._world.time.now_s()) > 1e-9:
            self._world.time.sleep(min(LOOK_S, left_s))
            self._world.pass_time()
        return self.over

    def hear(self, problem: HostError | None) -> None:
        """The first word counts: a caller that has lost the connection hears no more."""
        if not self.over:
            self.over, self.problem = True, problem


def begin(world: FakeWorld, source: FakeHost, order: MigrationOrder) -> FakeCopy:
    """As `HostPort.begin`. What libvirt refuses at once is the copy's own end."""
    heard = FakeCopy(world)
    with world.lock:
        try:
            guest = _guest(world, source, order.guest_uuid)
            if order.resume:
                _broken(world, source, guest).resume(heard)
                return heard
            if guest.uuid in world.copies:
                raise _error(source, f"another migration job is already running for domain '{guest.name}'", INVALID)
            target = _target(world, source, order, guest)
            volumes.need(target, order.copies)
        except HostError as error:
            heard.hear(error)
            return heard
        world.copies[guest.uuid] = _Copy(world, source, target, guest, order, heard)
    world.pass_time()
    return heard


def migrate(world: FakeWorld, source: FakeHost, order: MigrationOrder) -> None:
    """To the end of it. Raises as libvirt's call does."""
    copy = begin(world, source, order)
    while not copy.wait(1.0):
        pass
    if copy.problem is not None:
        raise copy.problem


def _guest(world: FakeWorld, source: FakeHost, uuid: str) -> FakeGuest:
    if uuid not in source.active:
        raise _error(source, "Requested operation is not valid: domain is not running", INVALID)
    return world.guests[uuid]


def _broken(world: FakeWorld, source: FakeHost, guest: FakeGuest) -> Going:
    """As libvirt looks at it before it resumes a post-copy."""
    name = guest.name
    if guest.uuid not in world.copies or guest.uuid not in source.jobs:
        raise _error(source, f"Requested operation is not valid: domain '{name}' is not being migrated", INVALID)
    if source.reasons.get(guest.uuid) is not Reason.POST_COPY_FAILED:
        raise _error(source, MONITORED.format(name), INVALID)
    return world.copies[guest.uuid]


def _target(world: FakeWorld, source: FakeHost, order: MigrationOrder, guest: FakeGuest) -> FakeHost:
    """As libvirt looks at it before anything is copied."""
    for host in world.hosts.values():
        if order.peer_uri in (host.entry.peer_uri, host.entry.uri) and host.faults.unreachable is None:
            break
    else:
        raise _error(source, f"operation failed: Failed to connect to remote libvirt URI {order.peer_uri}", FAILED)
    if host is source:
        raise _error(source, "internal error: Attempt to migrate guest to the same host", FAILED)
    if guest.uuid in host.active:
        raise _error(host, f"Requested operation is not valid: domain '{guest.name}' is already active", INVALID)
    for other in host.guests(world.guests):
        if other.name == guest.name and other.uuid != guest.uuid:
            text = f"operation failed: domain '{guest.name}' already exists with uuid {other.uuid}"
            raise _error(host, text, FAILED)
    return host


class _Copy:
    """One copy as the hosts have it."""

    def __init__(
        self,
        world: FakeWorld,
        source: FakeHost,
        target: FakeHost,
        guest: FakeGuest,
        order: MigrationOrder,
        heard: Hearing,
    ) -> None:
        self.world, self.source, self.target, self.guest, self.order = world, source, target, guest, order
        self.heard: Hearing = heard
        self.fault: CopyFault | None = world.next_fault(guest)
        self.began_s = world.time.now_s()
        self.limit_bytes_s = order.bandwidth_bytes_s or world.rate_bytes_s
        """Of pre-copy."""
        self.post_copy_limit_bytes_s = order.tuning.post_copy_bandwidth_bytes_s or world.rate_bytes_s
        rate_bytes_s = min(world.rate_bytes_s, self.limit_bytes_s)
        self.load = Load(
            guest.memory_bytes, rate_bytes_s, guest.dirty_rate_bytes_s, throttled=order.tuning.auto_converge
        )
        self.load.disk_bytes = sum(copy.capacity_bytes for copy in order.copies)
        self.load.disk_writes_bytes_s = guest.disk_writes_bytes_s
        self.load.synchronous = order.synchronous_writes
        if order.disk_bandwidth_bytes_s is not None:
            self.limit_disks(order.disk_bandwidth_bytes_s * len(order.copies))
        self.state = source.active[guest.uuid]
        """To be gone on with on the target."""
        self.post_copy = False
        self.mended_s: float | None = None
        """When the way between the hosts is there again, of one that was lost; None: it is there."""
        self.monitored = False
        """Libvirt's own call goes on with one that is broken."""
        self.coming: Iterator[JobStats] = readings(self.load)
        self.next: JobStats | None = next(self.coming)
        self.last = JobStats(0, guest.memory_bytes, 0, guest.memory_bytes) if not order.copies else JobStats(0, 0, 0, 0)
        self.stalled = False
        self.leftover = Leftover.NOTHING
        target.run(guest.uuid, GuestState.PAUSED, Reason.MIGRATION)
        target.arriving.add(guest.uuid)
        source.jobs[guest.uuid] = self.last

    def pass_time(self) -> None:
        """Everything that is due by now. Its own end takes it out of the world.

        Whoever began it over a connection that is gone hears no more of it; the hosts go on by themselves.
        """
        if self.source.faults.unreachable is not None:
            self.heard.hear(_lost(self.source))
        try:
            self._go_on()
        except HostError as error:
            self._over(error)

    def abort(self) -> None:
        if self.post_copy:
            text = "Requested operation is not valid: cannot abort migration in post-copy mode"
            raise _error(self.source, text, INVALID)
        self._over(_error(self.source, "operation aborted: migration out job: canceled by client", ABORTED))

    def suspend(self) -> None:
        self.load.stopped = True
        self.source.run(self.guest.uuid, GuestState.PAUSED, Reason.MIGRATION)

    def limit_disks(self, limit_bytes_s: int) -> None:
        self.load.disk_rate_bytes_s = min(self.world.rate_bytes_s, limit_bytes_s)

    def write_synchronously(self) -> None:
        self.load.synchronous = True

    def told_bandwidth(self) -> int | None:
        return self.limit_bytes_s

    def limit_bandwidth(self, limit_bytes_s: int, *, post_copy: bool) -> None:
        if post_copy:
            self.post_copy_limit_bytes_s = limit_bytes_s
        else:
            self.limit_bytes_s = limit_bytes_s
        if post_copy is self.post_copy:
            self.load.rate_bytes_s = min(self.world.rate_bytes_s, limit_bytes_s)

    def start_post_copy(self) -> None:
        if not self.order.post_copy:
            text = "switching to post-copy requires migration to be started with VIR_MIGRATE_POSTCOPY flag"
            raise _error(self.source, f"Requested operation is not valid: {text}", INVALID)
        self.post_copy, self.stalled = True, False
        self._show(Reason.POST_COPY, Mode.POST_COPY)
        self.coming = post_copy_readings(self.last, self.load)
        self.began_s = self.world.time.now_s() - self.last.elapsed_ms / 1000
        self.next = next(self.coming)

    def resume(self, heard: Hearing) -> None:
        if self.monitored:
            raise _error(self.source, MONITORED.format(self.guest.name), INVALID)
        if self.mended_s is None or self.world.time.now_s() < self.mended_s:
            raise _error(self.source, "operation failed: QEMU reports migration is still running", FAILED)
        self.mended_s, self.heard = None, heard
        self.began_s = self.world.time.now_s() - self.last.elapsed_ms / 1000
        self._show(Reason.POST_COPY, Mode.POST_COPY)

    def _show(self, reason: Reason, mode: Mode) -> None:
        """Of a post-copy, on both hosts: the guest runs on the target, or waits there for its memory."""
        uuid = self.guest.uuid
        self.target.arriving.discard(uuid)
        self.last = replace(self.last, mode=mode)
        if uuid in self.source.active:
            self.source.run(uuid, GuestState.PAUSED, reason)
            self.source.jobs[uuid] = self.last
        if uuid in self.target.active:
            self.target.run(uuid, self.state, reason)

    def _break(self, mended_s: float, *, unheard: bool = False) -> None:
        """Neither half is given up: the guest is whole only with both."""
        self.mended_s, self.monitored = mended_s, unheard
        self._show(Reason.POST_COPY_FAILED, Mode.BROKEN)
        if unheard:
            return
        self.heard.hear(_error(self.source, "operation failed: migration failed in post-copy phase", FAILED))

    def _go_on(self) -> None:
        if self.mended_s is not None:
            return
        if self.post_copy and not (self.guest.uuid in self.target.active and self.guest.uuid in self.source.active):
            self._break(math.inf)
            return
        self.load.limit_ms = self.source.max_downtime_ms.get(self.guest.uuid, OWN_DOWNTIME_MS)
        self._look()
        while (
            self.mended_s is None
            and not self.stalled
            and self.next is not None
            and self.next.elapsed_ms / 1000 <= self._elapsed_s
        ):
            self.source.jobs[self.guest.uuid] = self.last = self.next
            if self.world.watch_copy is not None:
                self.world.watch_copy(self.last)
                self._look()
            self._lose_touch()
            self._strike(self.last)
            self.next = next(self.coming, None)
        if self.stalled and self.guest.uuid in self.source.jobs:
            self.source.jobs[self.guest.uuid] = self.last = replace(self.last, elapsed_ms=round(self._elapsed_s * 1000))
        if self.next is None and not self.stalled and self.mended_s is None:
            self._strike(None)
            self._switch()

    @property
    def _elapsed_s(self) -> float:
        return self.world.time.now_s() - self.began_s

    def _look(self) -> None:
        """What libvirt sees by itself: a QEMU or a host that is gone."""
        uuid = self.guest.uuid
        if uuid not in self.source.active:
            raise _error(self.source, "operation failed: domain is not running", FAILED)
        if uuid not in self.target.active:
            raise _error(self.source, "operation failed: Lost connection to destination host", FAILED)

    def _lose_touch(self) -> None:
        if self.fault is not None and self.fault.effect is CopyEffect.LOSES_TOUCH:
            self.fault = None
            self.heard.hear(_lost(self.source))

    def _strike(self, reading: JobStats | None) -> None:
        """`reading` None: at the switch. Raises where the copy ends here."""
        fault = self.fault
        if fault is None or fault.effect in AT_THE_SWITCH or not fault.is_due(reading):
            return
        if fault.effect is CopyEffect.LOSES_WAY and not self.post_copy:
            return
        self.fault = None
        self._silence(fault)
        if self.post_copy:
            self._strike_post_copy(fault)
            return
        match fault.effect:
            case CopyEffect.STALLS:
                self.stalled = True
                return
            case CopyEffect.TARGET_DIES:
                self.world.kill(self.target.entry.name)
            case CopyEffect.SOURCE_DIES:
                self.heard.hear(_lost(self.source))
                self.world.kill(self.source.entry.name)
            case CopyEffect.GUEST_STOPS:
                self.source.end(self.guest.uuid)
            case CopyEffect.HOLDS:
                self.source.run(self.guest.uuid, GuestState.PAUSED, Reason.MIGRATION)
            case _:
                pass  # FAILS: nothing but the failure
        self.leftover = fault.leftover
        raise _error(self.source, "operation failed: job 'migration out' unexpectedly failed", FAILED)

    def _strike_post_copy(self, fault: CopyFault) -> None:
        """What ends a copy before it only breaks it: it cannot be taken back any more."""
        match fault.effect:
            case CopyEffect.TARGET_DIES:
                self.world.kill(self.target.entry.name)
            case CopyEffect.SOURCE_DIES:
                self.heard.hear(_lost(self.source))
                self.world.kill(self.source.entry.name)
            case _:
                self._break(self.world.time.now_s() + fault.for_s, unheard=fault.unheard)

    def _silence(self, fault: CopyFault) -> None:
        for name in fault.silences:
            self.world.hosts[name].faults.unreachable = "the connection was lost"

    def _switch(self) -> None:
        """At one instant: there is no moment at which it runs on both, or on neither."""
        uuid, order, fault = self.guest.uuid, self.order, self.fault
        effect = fault.effect if fault is not None else None
        held = self.source.reasons.get(uuid) is Reason.MIGRATION  # also by somebody who paused it: libvirt lets it run
        moved = self.load.stopped or self.post_copy or held
        state = self.state if moved else self.source.active[uuid]
        if effect is CopyEffect.CONFIRM_FAILS:
            self.source.run(uuid, GuestState.PAUSED, Reason.MIGRATION)
        else:
            self.source.end(uuid)
        self.target.arriving.discard(uuid)
        self.target.run(uuid, state)
        there = volumes.fill(self.target, order.copies, [edited(disk, order.edits) for disk in self.guest.disks])
        self.world.guests[uuid] = replace(self.guest, disks=there)
        if order.persistent:
            if effect is not CopyEffect.LOSES_DEFINITION:
                self.target.defined.add(uuid)
            if effect not in (CopyEffect.CONFIRM_FAILS, CopyEffect.UNDEFINE_FAILS):
                self.source.defined.discard(uuid)
                self.source.autostart.discard(uuid)
        self.target.completed[uuid] = final(self.last, self.load.rate_bytes_s)
        if fault is not None:
            self._silence(fault)
        if effect is CopyEffect.LOSES_REPLY:
            self.heard.hear(_lost(self.source))
        self._over(None)

    def _over(self, problem: HostError | None) -> None:
        """Libvirt takes back what it began, but for what a fault leaves behind."""
        uuid = self.guest.uuid
        self.world.copies.pop(uuid, None)
        self.source.jobs.pop(uuid, None)
        self.next = None
        self.stalled = True
        if problem is not None:
            if self.load.stopped and self.source.reasons.get(uuid) is Reason.MIGRATION:
                self.source.run(uuid, self.state)
            if uuid in self.target.arriving:
                self.target.end(uuid)
            if self.leftover is Leftover.PAUSED:
                self.target.run(uuid, GuestState.PAUSED, Reason.MIGRATION)
            elif self.leftover is Leftover.DEFINITION:
                self.target.defined.add(uuid)
        self.heard.hear(problem)
        self.world.check()


def _lost(source: FakeHost) -> HostUnreachable:
    return HostUnreachable(source.entry.name, "the connection was lost", detail="Cannot recv data: EOF")


def _error(host: FakeHost, text: str, code: int) -> HostError:
    return HostError(
        host.entry.name, f"host {host.entry.name} does not migrate the guest: {text}", detail=text, code=code
    )
