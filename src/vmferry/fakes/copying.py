"""One copy in a fake world, from libvirt's first look at the target to whatever end was planned for it."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, replace

from vmferry.errors import HostError, HostUnreachable
from vmferry.fakes.faults import CopyEffect, CopyFault, Leftover
from vmferry.fakes.guest import FakeGuest
from vmferry.fakes.precopy import final, percent, readings
from vmferry.fakes.state import FakeHost
from vmferry.fakes.world import FakeWorld
from vmferry.model.guest import GuestState
from vmferry.model.migration import JobStats, MigrationOrder
from vmferry.placement.elsewhere import edited

ABORTED = 78
"""Libvirt's VIR_ERR_OPERATION_ABORTED."""
FAILED = 9
"""Libvirt's VIR_ERR_OPERATION_FAILED."""
INVALID = 55
"""Libvirt's VIR_ERR_OPERATION_INVALID."""


def migrate(world: FakeWorld, source: FakeHost, order: MigrationOrder) -> None:
    """As `HostPort.migrate`."""
    guest = _guest(world, source, order.guest_uuid)
    target = _target(world, source, order, guest)
    copy = _Copy(world, source, target, guest, world.faults.pop(guest.uuid, None))
    with world.lock:
        if guest.uuid in world.aborts:
            raise _error(source, f"another migration job is already running for domain '{guest.name}'", INVALID)
        world.aborts[guest.uuid] = copy.abort
    if copy.fault is None or copy.fault.effect is not CopyEffect.LOSES_TOUCH:
        _run(world, source, copy, order)
        return
    copy.fault = None
    threading.Thread(target=_run_unheard, args=(world, source, copy, order), daemon=True).start()
    copy.began.wait()
    raise HostUnreachable(source.entry.name, "the connection was lost", detail="Cannot recv data: EOF")


def _run_unheard(world: FakeWorld, source: FakeHost, copy: _Copy, order: MigrationOrder) -> None:
    with contextlib.suppress(HostError):  # nobody is there to be told
        _run(world, source, copy, order)


def _run(world: FakeWorld, source: FakeHost, copy: _Copy, order: MigrationOrder) -> None:
    uuid = copy.guest.uuid
    try:
        copy.run(order)
    finally:
        with world.lock:
            del world.aborts[uuid]
            source.jobs.pop(uuid, None)
        copy.began.set()
        world.check()


def _guest(world: FakeWorld, source: FakeHost, uuid: str) -> FakeGuest:
    if uuid not in source.active:
        raise _error(source, "Requested operation is not valid: domain is not running", INVALID)
    return world.guests[uuid]


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


@dataclass(slots=True)
class _Copy:
    world: FakeWorld
    source: FakeHost
    target: FakeHost
    guest: FakeGuest
    fault: CopyFault | None
    abort: threading.Event
    began: threading.Event
    """There is a first reading, or it is over."""

    def __init__(
        self, world: FakeWorld, source: FakeHost, target: FakeHost, guest: FakeGuest, fault: CopyFault | None
    ) -> None:
        self.world, self.source, self.target, self.guest, self.fault = world, source, target, guest, fault
        self.abort, self.began = threading.Event(), threading.Event()

    def run(self, order: MigrationOrder) -> None:
        rate = min(self.world.rate_bytes_s, order.bandwidth_bytes_s or self.world.rate_bytes_s)
        last = JobStats(0, self.guest.memory_bytes, 0, self.guest.memory_bytes)
        for reading in readings(self.guest.memory_bytes, self.guest.dirty_rate_bytes_s, rate):
            self.world.time.sleep((reading.elapsed_ms - last.elapsed_ms) / 1000)
            self.source.jobs[self.guest.uuid] = last = reading
            self.began.set()
            if self.world.watch_copy is not None:
                self.world.watch_copy(reading)
            self._go_on(percent(reading))
        self._go_on(100)
        self._switch(order, final(last, rate))
        if self.fault is not None and self.fault.effect is CopyEffect.LOSES_REPLY:
            self._silence()
            raise HostUnreachable(self.source.entry.name, "the connection was lost", detail="Cannot recv data: EOF")

    def _go_on(self, done_percent: int) -> None:
        """Raises where the copy ends here."""
        if self.abort.is_set():
            self._aborted()
        if self.guest.uuid not in self.source.active:
            raise _error(self.source, "operation failed: domain is not running", FAILED)
        fault = self.fault
        if fault is not None and done_percent >= fault.at_percent and fault.effect is not CopyEffect.LOSES_REPLY:
            self._strike(fault)

    def _aborted(self) -> None:
        raise _error(self.source, "operation aborted: migration out job: canceled by client", ABORTED)

    def _strike(self, fault: CopyFault) -> None:
        self._silence()
        match fault.effect:
            case CopyEffect.STALLS:
                self.abort.wait()
                self._aborted()
            case CopyEffect.TARGET_DIES:
                self.world.kill(self.target.entry.name)
            case CopyEffect.SOURCE_DIES:
                self.world.kill(self.source.entry.name)
                raise HostUnreachable(self.source.entry.name, "the connection was lost", detail="Cannot recv data: EOF")
            case CopyEffect.GUEST_STOPS:
                with self.world.lock:
                    del self.source.active[self.guest.uuid]
            case CopyEffect.HOLDS:
                with self.world.lock:
                    self.source.active[self.guest.uuid] = GuestState.PAUSED
            case _:
                pass  # FAILS: nothing but the failure
        self._leave(fault.leftover)
        raise _error(self.source, "operation failed: job 'migration out' unexpectedly failed", FAILED)

    def _silence(self) -> None:
        for name in self.fault.silences if self.fault else ():
            self.world.hosts[name].faults.unreachable = "the connection was lost"

    def _leave(self, leftover: Leftover) -> None:
        with self.world.lock:
            if leftover is Leftover.PAUSED:
                self.target.active[self.guest.uuid] = GuestState.PAUSED
            elif leftover is Leftover.DEFINITION:
                self.target.defined.add(self.guest.uuid)

    def _switch(self, order: MigrationOrder, stats: JobStats) -> None:
        """At one instant: there is no moment at which it runs on both, or on neither."""
        uuid = self.guest.uuid
        with self.world.lock:
            self.target.active[uuid] = self.source.active.pop(uuid)
            there = tuple(edited(disk, order.edits) for disk in self.guest.disks)
            self.world.guests[uuid] = replace(self.guest, disks=there)
            if order.persistent:
                self.target.defined.add(uuid)
                self.source.defined.discard(uuid)
            self.target.completed[uuid] = stats


def _error(host: FakeHost, text: str, code: int) -> HostError:
    return HostError(
        host.entry.name, f"host {host.entry.name} does not migrate the guest: {text}", detail=text, code=code
    )
