"""One random history of a migration: what happens is drawn from a seed, at every call that any worker makes.

There are no threads. A worker that is frozen stays where it is on the stack while others work, and thaws when they are
done; one that dies leaves its stack by an exception that nothing catches. A seed is one history.

No worker is frozen past its lease between its last look at the lease and the effect: no fence on this side of a host
can close that moment. What is made of it there is up to the host's own look at the guest, right before it acts.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

from vmferry.errors import Failed, HostError, HostUnreachable, VmferryError
from vmferry.fakes import CopyEffect, CopyFault, Leftover
from vmferry.model.guest import GuestState
from vmferry.model.job import Ask

from .eyes import Watched
from .ground import SOURCE, TARGET, Ground, Killed
from .witness import CHANGES, Witness

MB = 1_000_000
UNTAMED = 100_000 * MB
"""A second: so fast that only post-copy ends it."""
LEASE_S = 15.0
ENDLESS_S = 120.0
"""Then somebody cancels what does not come to its end."""
FOR_EVER_S = 5000.0
DEEPEST = 3
"""Workers that are at work at the same time."""
ENDS_THE_GUEST = (CopyEffect.GUEST_STOPS, CopyEffect.SOURCE_DIES)
ENDS = ("finished", "rolled_back", "volumes_left", "failed", "refused", "in_doubt")

AT_ANY = ("kill", "delay", "cancel", "ask", "rival", "helper")
AT_HOSTS = ("lose", "drop", "refuse", "down", "up", "cut", "back", "admin", "lose", "drop")
AT_JOBS = ("kill", "freeze", "freeze", "store", "kill")


class History:
    def __init__(self, seed: int) -> None:
        self.random = draw = random.Random(seed)
        self.ground = Ground(
            paused=draw.random() < 0.15,
            persistent=draw.random() < 0.8,
            limit_ms=draw.choice([None, 100]),
            memory_bytes=draw.choice([40, 150, 300]) * MB,
            dirty_bytes_s=draw.choice([0, 0, 20 * MB, UNTAMED]),
            patience_s=2.0,
            copied=draw.choice([0, 0, 1, 3]),
            disk_writes_bytes_s=draw.choice([0, 0, 150 * MB]),
        )
        ground = self.ground
        self.world = ground.world
        self.witness = Witness(self.world, ground.uuid, ground.persistent, ground.paused, ground.jobs)
        self.cancel = threading.Event()
        self.strikes = draw.choice([0, 1, 1, 2, 2, 3, 4, 6])
        self.chance = draw.choice([0.02, 0.05, 0.1])
        self.at_work: list[str] = []
        self.peaceful = False
        self.wrapped: dict[tuple[str, str], Any] = {}
        ground.wrap = lambda worker, port: Watched(port, worker, port.entry.name, self._before, self._after)  # type: ignore[return-value]
        self._plan_fault()

    def _plan_fault(self) -> None:
        draw = self.random
        if draw.random() < 0.4:
            return
        effect = draw.choice(list(CopyEffect))
        leftovers = [Leftover.NOTHING, Leftover.PAUSED, *[Leftover.DEFINITION] * self.ground.persistent]
        silences = tuple(name for name in (SOURCE, TARGET) if draw.random() < 0.15)
        fault = CopyFault(
            effect,
            draw.choice([0, 30, 60, 99, 100]),
            draw.choice(leftovers),
            silences,
            for_s=draw.choice([1.0, 9.0]),
            in_disks=draw.random() < 0.3,
        )
        self.world.plan_fault(self.ground.guest, fault)
        if effect in ENDS_THE_GUEST:
            self.witness.excuse(str(effect))
        self.witness.undefined = effect is CopyEffect.LOSES_DEFINITION

    def run(self) -> None:
        """Raises Violation."""
        self._begin()
        for _ in range(self.random.randint(0, 3)):
            self._pass(self.random.choice([0.0, 1.0, LEASE_S + 1]))
            self._help()
        self._peace()
        self.witness.at_rest()

    def _peace(self) -> None:
        """Every host answers, nobody disturbs, and whoever comes finds time enough."""
        self.peaceful = True
        self.ground.heal()
        self.witness.look("peace")
        for _ in range(5):
            self._pass(LEASE_S + 1)
            self.ground.heal()  # a copy that went on by itself may have had its fault just now
            for job in self.ground.unfinished():
                self._work(lambda worker, jobs, job=job: self.ground.go_on(worker, job, jobs, self.cancel))  # type: ignore[misc]

    def _begin(self) -> None:
        """A command. Where another job has the guest, it is refused and does nothing."""
        if any(host.faults.unreachable for host in self.world.hosts.values()):
            return
        if self.ground.source.active.get(self.ground.uuid) is None:
            return
        self._work(lambda worker, jobs: self.ground.migration(worker, jobs, self.cancel).run())

    def _help(self) -> None:
        """Another command, which first brings to rest what dead ones have left, or goes on with it."""
        if self.random.random() < 0.5:
            self._work(lambda worker, jobs: self.ground.reconciler(worker, jobs, self.cancel).dead())
            return
        for job in self.ground.unfinished():
            self._work(lambda worker, jobs, job=job: self.ground.go_on(worker, job, jobs, self.cancel))  # type: ignore[misc]

    def _work(self, what: Callable[[str, Any], object]) -> None:
        worker = self.ground.worker()
        self.at_work.append(worker)
        try:
            what(worker, Watched(self.ground.jobs, worker, "jobs", self._before, self._after))
        except Killed:
            self._tell(f"{worker} dies")
        except VmferryError as error:
            self._tell(f"{worker} gives up: {error.message}")
            if self.peaceful:
                raise AssertionError(f"{worker} gives up in peace") from error
        finally:
            self.at_work.remove(worker)
            self.ground.jobs.dead.add(worker)
            self.witness.look(f"{worker} is gone")

    def _before(self, worker: str, where: str, method: str, given: tuple[Any, ...]) -> None:
        if self.world.time.now_s() > ENDLESS_S:
            self.cancel.set()
        if self.world.time.now_s() > FOR_EVER_S:
            raise self.witness.broken("it does not come to an end")
        if where == "jobs":
            self._strike(worker, where, method, (*AT_ANY, *AT_JOBS))
            return
        fine = ("kill", "delay", "cancel", "ask") if method in CHANGES else (*AT_ANY, "freeze")
        self._strike(worker, where, method, (*fine, *AT_HOSTS[1:]))
        if method in CHANGES:
            self.witness.look(f"{worker} is about to {method} on {where}")
            self.witness.change(worker, where, method)

    def _after(self, worker: str, where: str, method: str, given: tuple[Any, ...]) -> None:
        if method == "write" and given[1].state in ENDS:
            self.witness.ends(given[1])
        if where != "jobs":
            self.witness.look(f"{worker} {method} {where}")
        self._strike(worker, where, method, ("kill",) if where == "jobs" else ("kill", "lose", "lose"))
        if method == "look":
            self.witness.told(worker, where)

    def _strike(self, worker: str, where: str, method: str, kinds: tuple[str, ...]) -> None:
        if self.peaceful or not self.strikes or self.random.random() > self.chance:
            return
        self.strikes -= 1
        kind = self.random.choice(kinds)
        self._tell(f"{kind} at {worker} {method} {where}")
        getattr(self, f"_{kind}")(where)

    def _tell(self, what: str) -> None:
        self.witness.look(f"{self.world.time.now_s():.1f} s: {what}")

    def _pass(self, duration_s: float) -> None:
        self.world.time.sleep(duration_s)
        self.world.pass_time()
        self.witness.look(f"{duration_s:g} s pass")

    # What may happen. Each is drawn by its name.

    def _kill(self, where: str) -> None:
        raise Killed

    def _store(self, where: str) -> None:
        raise Failed("the store is in use by another vmferry")

    def _lose(self, where: str) -> None:
        """After the host has done it."""
        raise HostUnreachable(where, "the connection was lost", detail="Cannot recv data: EOF")

    _drop = _lose
    """Before it has heard of it."""

    def _refuse(self, where: str) -> None:
        raise HostError(where, "cannot acquire state change lock", detail="held by monitor=remoteDispatch")

    def _delay(self, where: str) -> None:
        self._pass(self.random.choice([0.3, 2.0, 8.0]))

    def _freeze(self, where: str) -> None:
        self._pass(LEASE_S + self.random.choice([0.0, 1.0, 60.0]))
        for _ in range(self.random.choice([1, 1, 2])):
            self._helper(where)
        if self.random.random() < 0.3:
            self._rival(where)

    def _rival(self, where: str) -> None:
        if len(self.at_work) < DEEPEST:
            self._begin()

    def _helper(self, where: str) -> None:
        if len(self.at_work) < DEEPEST:
            self._help()

    def _cancel(self, where: str) -> None:
        self.cancel.set()

    def _ask(self, where: str) -> None:
        for job in self.ground.unfinished():
            self.ground.jobs.ask(job.id, Ask.CANCEL)

    def _down(self, where: str) -> None:
        """Power loss."""
        name = self.random.choice([SOURCE, TARGET])
        self._excuse(name, f"power loss of {name}")
        self.world.kill(name)
        self._pass(0.0)

    def _cut(self, where: str) -> None:
        self.world.hosts[self.random.choice([SOURCE, TARGET])].faults.unreachable = "the connection was lost"

    def _up(self, where: str) -> None:
        for host in self.world.hosts.values():
            host.faults.unreachable = None

    _back = _up

    def _admin(self, where: str) -> None:
        """Somebody does something by hand, or in the guest: rows 6, 33, 34, 48 and 50 of the fault matrix."""
        name, uuid = self.random.choice([SOURCE, TARGET]), self.ground.uuid
        host = self.world.hosts[name]
        state, reason = host.active.get(uuid), host.reasons.get(uuid)
        what = self.random.choice(["destroy", "pause", "resume", "power off", "undefine"])
        self._tell(f"by hand on {name}: {what}")
        match what:
            case "destroy" if state is not None:
                self._end(name, "destroyed by hand")
            case "power off" if state is GuestState.RUNNING:
                self._end(name, "powered off")
            case "pause" if state is GuestState.RUNNING:
                host.run(uuid, GuestState.PAUSED)
            case "resume" if state is GuestState.PAUSED and reason is None and uuid not in host.arriving:
                host.run(uuid, GuestState.RUNNING)
            case "undefine" if state is not None:
                self.witness.undefined = True
                host.defined.discard(uuid)
        self._pass(0.0)

    def _end(self, name: str, why: str) -> None:
        self._excuse(name, why)
        self.world.hosts[name].end(self.ground.uuid)

    def _excuse(self, name: str, why: str) -> None:
        """What has the guest, or in post-copy a half of it."""
        if self.witness.holder == name or self.witness.places[name].qemu == "sending":
            self.witness.excuse(why)


def history(seed: int) -> History:
    made = History(seed)
    try:
        made.run()
    except BaseException as error:
        told = [f"seed {seed}: {error!r}", *made.witness.events, *made.ground.told()]
        raise AssertionError("\n".join(told)) from error
    return made
