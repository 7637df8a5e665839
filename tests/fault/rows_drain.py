"""Rows of the fault matrix about whole hosts: a drain of which a part fails."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from vmferry.fakes import (
    CopyEffect,
    CopyFault,
    FakeConnector,
    FakeGuest,
    FakeProber,
    FakeWorld,
    MemoryJobs,
    MemoryStore,
)
from vmferry.fakes.precopy import percent
from vmferry.model.aim import Aim
from vmferry.model.guest import Disk, Guest, Nic
from vmferry.model.host import HostState
from vmferry.model.migration import JobStats, MigrationResult, Outcome
from vmferry.service.balance import BalancePlan, Balancing
from vmferry.service.drain import Drain, Drained, Orders
from vmferry.service.fleet import Fleet
from vmferry.service.ground import Standing
from vmferry.service.inventory import known_hosts
from vmferry.service.listening import Quiet
from vmferry.service.tools import tools

GIB = 1 << 30
HOSTS = ("alpha", "beta", "gamma")
NAMES = ("db", "mail", "web")


class Emptied:
    """Three guests on alpha, which is to be emptied onto beta and gamma."""

    def __init__(self) -> None:
        self.world = FakeWorld()
        for name in HOSTS:
            self.world.add_host(name)
        self.store = MemoryStore([host.entry for host in self.world.hosts.values()])
        self.jobs = MemoryJobs(self.world.time)
        self.guests = [self.guest(name, "alpha") for name in NAMES]
        self.cancel = threading.Event()
        self.begun: list[tuple[str, str, int, float]] = []

    def guest(self, name: str, host: str, gib: int = 1) -> FakeGuest:
        disk = Disk("vda", "disk", "file", f"/srv/shared/{name}.img", "raw", "none")
        nic = Nic(f"52:54:00:00:00:{len(self.world.guests):02x}", "network", "lab")
        return self.world.add_guest(name, host, memory_bytes=gib * GIB, disks=(disk,), nics=(nic,))

    def run(self, parallel: int | None = None, names: Sequence[str] = ("alpha",), worker: str = "w1") -> Drained:
        made = tools(self.store, self.jobs, FakeProber(self.world), self.world.time, worker)
        orders = Orders(parallel=parallel)
        return Drain(made, self._fleet, Standing(), orders, self, self._listener, self.cancel).empty(names)

    def balance(self) -> tuple[BalancePlan, Drained]:
        """As if its user had said yes."""
        made = tools(self.store, self.jobs, FakeProber(self.world), self.world.time, "w1")
        work = Drain(made, self._fleet, Standing(), Orders(), self, self._listener, self.cancel)
        balancing = Balancing(work, Aim())
        plan = balancing.plan()
        return plan, balancing.carry_out(plan)

    def _fleet(self) -> Fleet:
        return Fleet(FakeConnector(self.world), known_hosts((), self.store), 5)

    def _listener(self, guest: Guest) -> Quiet:
        return Quiet(lambda message: None)

    def begins(self, guest: Guest, target: str, attempt: int) -> None:
        self.begun.append((guest.name, target, attempt, self.world.time.now_s()))

    def ended(self, result: MigrationResult) -> None:
        self.world.check()

    def at(self, done_percent: int, act: Callable[[], None]) -> None:
        """In the middle of the first copy that comes so far."""

        def watch(stats: JobStats) -> None:
            if percent(stats) >= done_percent:
                self.world.watch_copy = None
                act()

        self.world.watch_copy = watch

    def places(self) -> dict[str, tuple[str, ...]]:
        return {each.name: self.world.running_on(each) for each in self.guests}

    def held_bytes(self, host: str) -> int:
        return sum(GIB for places in self.places().values() if host in places)

    @property
    def state(self) -> HostState:
        return self.store.withdrawn()["alpha"].state


def row_85() -> None:
    """One of the guests fails: the others go on, the host stays marked, and it is tried again after longer pauses."""
    row = Emptied()
    row.world.plan_fault(row.guests[0], CopyFault(CopyEffect.FAILS, at_percent=50), times=3)
    done = row.run()
    outcomes = {each.guest: each.outcome for each in done.results}
    assert outcomes == {"db": Outcome.ROLLED_BACK, "mail": Outcome.MIGRATED, "web": Outcome.MIGRATED}
    tried = [(attempt, at_s) for name, _, attempt, at_s in row.begun if name == "db"]
    assert [attempt for attempt, _ in tried] == [1, 2, 3]
    assert tried[1][1] - tried[0][1] >= 5
    assert tried[2][1] - tried[1][1] >= 10
    assert row.places()["db"] == ("alpha",)
    assert row.state is HostState.DRAINING


def row_86() -> None:
    """A destination dies in the middle: what was on its way there is left alone, the rest is planned anew."""
    row = Emptied()
    died: list[str] = []

    def die() -> None:
        died.append(row.begun[-1][1])
        row.world.kill(died[0])

    row.at(50, die)
    done = row.run(parallel=1)
    survivor = next(name for name in ("beta", "gamma") if name != died[0])
    outcomes = [each.outcome for each in done.results]
    assert sorted(map(str, outcomes)) == ["in_doubt", "migrated", "migrated"]
    assert sorted(row.places().values()) == [("alpha",), (survivor,), (survivor,)]
    assert row.state is HostState.DRAINING
    row.world.check()


def row_87() -> None:
    """The room that was planned with is gone: planned anew, and no host is given more than it has."""
    row = Emptied()
    shrunk: list[str] = []

    def shrink() -> None:
        shrunk.append(row.begun[-1][1])
        other = row.world.host(shrunk[0])
        other.memory_bytes = row.held_bytes(shrunk[0]) + GIB + GIB // 4

    row.at(50, shrink)
    done = row.run(parallel=1)
    assert [each.outcome for each in done.results] == [Outcome.MIGRATED] * 3
    assert all(row.held_bytes(name) <= row.world.host(name).memory_bytes for name in ("beta", "gamma"))
    assert row.held_bytes(shrunk[0]) == GIB
    assert row.state is HostState.MAINTENANCE


def row_89() -> None:
    """It is cancelled: what is under way is undone, and nothing new is made."""
    row = Emptied()
    row.at(50, row.cancel.set)
    done = row.run(parallel=1)
    assert done.cancelled
    assert [each.outcome for each in done.results] == [Outcome.ROLLED_BACK]
    assert len(row.jobs.jobs()) == 1
    assert set(row.places().values()) == {("alpha",)}
    assert row.state is HostState.DRAINING


def row_90() -> None:
    """What was moved stays within the cool-down, although by now it would be better off where it came from."""
    row = Emptied()
    for each in row.world.hosts.values():
        each.memory_bytes = 8 * GIB
    first, done = row.balance()
    assert sorted(row.places().values()) == [("alpha",), ("beta",), ("gamma",)]
    assert [each.outcome for each in done.results] == [Outcome.MIGRATED] * 2
    stayed = next(each for each in row.guests if row.world.running_on(each) == ("alpha",))
    alpha = row.world.hosts["alpha"]
    alpha.end(stayed.uuid)
    alpha.defined.discard(stayed.uuid)
    for number in range(2):
        row.guest(f"new{number}", "beta")
    moved = {way.guest.name for way in first.moves.ways}
    second, _ = row.balance()
    assert {way.guest.name for way in second.moves.ways} <= {"new0", "new1"}
    assert second.moves.ways
    assert moved <= set(second.held)


DRAIN: dict[int, Callable[[], None]] = {85: row_85, 86: row_86, 87: row_87, 89: row_89, 90: row_90}
