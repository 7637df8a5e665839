"""All that there is in a fake world, and the rules that it holds to."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from vmferry.errors import HostError, HostUnreachable
from vmferry.fakes.clock import FakeTime, Time
from vmferry.fakes.faults import CopyFault
from vmferry.fakes.guest import FakeGuest
from vmferry.fakes.state import IMAGES, FakeHost
from vmferry.model.guest import GuestState
from vmferry.model.host import HostEntry
from vmferry.model.migration import JobStats


class Hearing(Protocol):
    """Who began a copy (`copying.FakeCopy`)."""

    def hear(self, problem: HostError | None) -> None: ...


class Going(Protocol):
    """A copy that goes on by itself (`copying.py`)."""

    def pass_time(self) -> None: ...

    def abort(self) -> None: ...

    def suspend(self) -> None: ...

    def start_post_copy(self) -> None: ...

    def limit_disks(self, limit_bytes_s: int) -> None:
        """Of all of them together."""

    def write_synchronously(self) -> None: ...

    def told_bandwidth(self) -> int | None:
        """Its limit before post-copy; None: none."""

    def limit_bandwidth(self, limit_bytes_s: int, *, post_copy: bool) -> None: ...

    def resume(self, heard: Hearing) -> None:
        """Go on with a broken post-copy."""


@dataclass(slots=True)
class FakeWorld:
    """Hosts and guests. Build it first; then it may be used from many threads."""

    time: Time = field(default_factory=FakeTime)
    rate_bytes_s: int = 100_000_000
    """Of every copy."""
    watch_copy: Callable[[JobStats], None] | None = None
    """Called at every reading of a copy: the place to change something in the middle of it."""
    hosts: dict[str, FakeHost] = field(default_factory=dict)
    guests: dict[str, FakeGuest] = field(default_factory=dict)
    """By UUID."""
    silent_guests: set[str] = field(default_factory=set)
    """UUIDs of guests that run but do not answer on the network."""
    firewalled_guests: set[str] = field(default_factory=set)
    """Of those that answer nothing but ARP."""
    unannounced_guests: set[str] = field(default_factory=set)
    """Of those that do not until their addresses are announced again."""
    agents: dict[str, bool] = field(default_factory=dict)
    """UUIDs of guests with a connected agent; False: it does not answer."""
    faults: dict[str, list[CopyFault]] = field(default_factory=dict)
    copies: dict[str, Going] = field(default_factory=dict)
    """By the UUID of the guest that is being copied."""
    lock: threading.RLock = field(default_factory=threading.RLock)
    """Held to change where guests are."""
    _passing: bool = False

    def add_host(self, name: str, **settings: Any) -> HostEntry:  # noqa: ANN401 - fields of FakeHost
        """`settings` are fields of `FakeHost`. It is in the world; in an inventory only once somebody puts it there."""
        entry = HostEntry(name, f"qemu+ssh://root@{name}/system")
        self.hosts[name] = FakeHost(entry, **settings)
        return entry

    def add_guest(
        self,
        name: str,
        host: str,
        state: GuestState = GuestState.RUNNING,
        *,
        persistent: bool = True,
        **settings: Any,  # noqa: ANN401 - fields of FakeGuest
    ) -> FakeGuest:
        """`settings` are fields of `FakeGuest`; the UUID follows from the name and the number of guests."""
        made = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{len(self.guests)}/{name}"))
        guest = FakeGuest(name, settings.pop("uuid", made), **settings)
        self.guests[guest.uuid] = guest
        self.put(guest, host, state, persistent=persistent)
        return guest

    def put(self, guest: FakeGuest, host: str, state: GuestState, *, persistent: bool = True) -> None:
        """What somebody did by hand: nothing is checked, so that a world can be built that should not be."""
        with self.lock:
            there = self.hosts[host]
            if state.active:
                there.run(guest.uuid, state)
            if persistent:
                there.defined.add(guest.uuid)
            own = (disk.source for disk in guest.disks if disk.source is not None and disk.source.startswith(IMAGES))
            there.images.update(dict.fromkeys(own, guest.disk_bytes))

    def host(self, name: str) -> FakeHost:
        return self.hosts[name]

    def plan_fault(self, guest: FakeGuest, fault: CopyFault, times: int = 1) -> None:
        """For its next copy, or so many of them."""
        self.faults[guest.uuid] = [fault] * times

    def next_fault(self, guest: FakeGuest) -> CopyFault | None:
        """Of a copy that begins."""
        planned = self.faults.pop(guest.uuid, [])
        if planned[1:]:
            self.faults[guest.uuid] = planned[1:]
        return planned[0] if planned else None

    def kill(self, host: str, reason: str = "no route to host") -> None:
        """Power loss: it does not answer, and its guests run no more."""
        with self.lock:
            dead = self.hosts[host]
            dead.faults.unreachable = reason
            for uuid in tuple(dead.active):
                dead.end(uuid)

    def active_on(self, guest: FakeGuest) -> tuple[str, ...]:
        """Hosts on which it has a QEMU process, paused ones included."""
        return tuple(name for name, host in self.hosts.items() if guest.uuid in host.active)

    def defined_on(self, guest: FakeGuest) -> tuple[str, ...]:
        return tuple(name for name, host in self.hosts.items() if guest.uuid in host.defined)

    def running_on(self, guest: FakeGuest) -> tuple[str, ...]:
        return tuple(name for name, host in self.hosts.items() if host.active.get(guest.uuid) == GuestState.RUNNING)

    def check(self) -> None:
        """The invariant. Raises AssertionError."""
        with self.lock:
            for guest in self.guests.values():
                running = self.running_on(guest)
                assert len(running) <= 1, f"guest {guest.name} runs on {' and '.join(running)}"

    def pass_time(self) -> None:
        """Everything that was due happens. Every question to a host does this first."""
        with self.lock:
            if self._passing:
                return  # asked from the middle of it, as by `watch_copy`
            self._passing = True
            try:
                for copy in tuple(self.copies.values()):
                    copy.pass_time()
            finally:
                self._passing = False

    def answer(self, host: FakeHost, method: str) -> None:
        """What every question to a host goes through. Raises HostUnreachable or HostError."""
        self.pass_time()
        name, faults = host.entry.name, host.faults
        if faults.hangs is not None:
            faults.hangs.wait()
        if faults.slow_s:
            self.time.sleep(faults.slow_s)
        if faults.unreachable is not None:
            raise HostUnreachable(name, f"host {name} cannot be reached: {faults.unreachable}", detail=faults.detail)
        if method in faults.refuses:
            text = faults.refuses[method]
            raise HostError(name, f"host {name} does not {method.replace('_', ' ')}: {text}", detail=text)
