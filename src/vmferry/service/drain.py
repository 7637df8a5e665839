"""Empty hosts, and let them in again: marked first, proved as a whole, then carried out."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from vmferry.errors import HostUnreachable, UserError, VmferryError
from vmferry.facts.wish import MoveWish
from vmferry.forecast.progress import Progress
from vmferry.model.guest import Guest
from vmferry.model.host import HostEntry, HostState, Withdrawal
from vmferry.model.migration import Forecast, MigrationResult, Outcome, Verified
from vmferry.model.window import Window
from vmferry.model.wish import Copying, Wish
from vmferry.schedule.instance import Instance
from vmferry.schedule.plan import plan
from vmferry.service.check import Checked, CheckReport
from vmferry.service.convoy import Convoy, Pace, Watcher
from vmferry.service.drain_plan import Asked, DrainPlan, Way, plan_drain, refuse_bare, refuse_infeasible
from vmferry.service.fleet import Fleet
from vmferry.service.following import follow
from vmferry.service.ground import Standing, request_of, survey_ground
from vmferry.service.inventory import GuestList, list_guests
from vmferry.service.migrate import Listener, Migration, Tools
from vmferry.service.predict import Limits
from vmferry.service.steps import stamp
from vmferry.service.survey import Unreached, found, survey_fleet

WAIT_S = 1.0
ROUNDS = 3
"""A guest that was on its way to the host when it was marked is there afterwards: it is looked again so many times."""


@dataclass(frozen=True, slots=True)
class Orders:
    """How it is to be done."""

    copying: Copying = field(default_factory=Copying)
    wish: MoveWish = field(default_factory=MoveWish)
    """What is checked, with the configuration's own."""
    accept_unknown: bool = False
    partial: bool = False
    parallel: int | None = None
    keep_spare: bool = False
    """Refuse what would leave a host whose guests the others could not take if it failed."""
    window: Window | None = None
    """Nothing begins outside of it, nor what would not end in it."""


@dataclass(frozen=True, slots=True)
class Drained:
    """What became of it: the first plan, and the last migration of each guest."""

    plan: DrainPlan
    results: tuple[MigrationResult, ...] = ()
    cancelled: bool = False
    after_failure: bool = False
    """Something else that came before it, or after it, was not whole."""

    def followed_by(self, other: Drained) -> Drained:
        """Both in one, with the plan of the first."""
        failed = self.after_failure or not other.whole
        return Drained(self.plan, (*self.results, *other.results), self.cancelled or other.cancelled, failed)

    @property
    def whole(self) -> bool:
        if self.after_failure:
            return False
        arrived = {(each.guest, each.source) for each in self.results if each.outcome is Outcome.MIGRATED}
        return self.plan.feasible and {(way.guest.name, way.guest.host) for way in self.plan.ways} <= arrived


NOTHING = DrainPlan((), (), plan(Instance((), (), ())))


@dataclass(slots=True)
class Drain:
    """One command's work. `fleet` gives the hosts of the inventory as they are marked now, being connected to."""

    tools: Tools
    fleet: Callable[[], Fleet]
    standing: Standing
    orders: Orders
    watcher: Watcher
    listener: Callable[[Guest], Listener]
    cancel: threading.Event
    _checked: dict[tuple[str, str], Checked] = field(default_factory=dict)
    """By guest's UUID and target, what a plan has checked."""

    def empty(self, names: Sequence[str]) -> Drained:
        """Raises as `marked` does."""
        return self.emptied(names, self.marked(names))

    def marked(self, names: Sequence[str]) -> DrainPlan:
        """From now on nothing lands on these hosts. Raises Refused where not all guests have a place, and nothing is
        marked then that was not before."""
        store = self.tools.store
        before = dict(store.withdrawn())
        for name in names:
            kept = before.get(name)
            store.withdraw(name, Withdrawal(HostState.DRAINING, stamp(self.tools.now()), kept.left if kept else ()))
        try:
            return self.approved(self.plan(names))
        except VmferryError:
            for name in names:
                if name in before:
                    store.withdraw(name, before[name])
                else:
                    store.readmit(name)
            raise

    def emptied(self, names: Sequence[str], first: DrainPlan) -> Drained:
        """Carries the plan out, and looks whether the hosts are empty then."""
        done, ways, seen = self.carry_out(first), list(first.ways), self._guests()
        for _ in range(ROUNDS):
            if done.cancelled or not done.whole or not any(_is_on(seen, name) for name in names):
                break
            late = self.plan(names)
            done, seen = done.followed_by(self.carry_out(late)), self._guests()
            ways += late.ways
        self._settle(names, ways, done, seen)
        return done

    def approved(self, plan: DrainPlan) -> DrainPlan:
        """Raises Infeasible, a refusal, where it is not what was ordered."""
        if not self.orders.partial:
            refuse_infeasible(plan)
        if self.orders.keep_spare:
            refuse_bare(plan)
        return plan

    def opens_in_s(self) -> float:
        """0 where it is open, or no window was ordered."""
        return 0.0 if self.orders.window is None else self.orders.window.opens_in_s(self._local())

    def opens(self) -> bool:
        """Waits for the window. False: cancelled meanwhile."""
        while not self.cancel.is_set() and (away_s := self.opens_in_s()):
            self.tools.clock.sleep(min(away_s, WAIT_S))
        return not self.cancel.is_set()

    def _local(self) -> datetime:
        """On the clock of this machine, as people write windows."""
        return self.tools.now().astimezone()

    def _closes_in_s(self) -> float | None:
        window = self.orders.window
        return math.inf if window is None else window.closes_in_s(self._local())

    def _settle(self, names: Sequence[str], ways: Iterable[Way], done: Drained, seen: GuestList) -> None:
        """Hosts that nobody is left on are in maintenance. Who left is remembered, to be brought back."""
        store, marked = self.tools.store, self.tools.store.withdrawn()
        gone = [(each.guest, each.source) for each in done.results if each.outcome is Outcome.MIGRATED]
        uuids = {(way.guest.name, way.guest.host): way.guest.uuid for way in ways}
        for name in names:
            if name not in marked:
                continue  # somebody let it in again meanwhile
            left = [uuids[each] for each in gone if each[1] == name]
            still = name in seen.unreached or _is_on(seen, name)
            state = HostState.DRAINING if still else HostState.MAINTENANCE
            everybody = tuple(dict.fromkeys((*marked[name].left, *left)))
            store.withdraw(name, replace(marked[name], state=state, left=everybody))

    def _guests(self) -> GuestList:
        with self.fleet() as fleet:
            return list_guests(fleet, self.tools.store)

    def plan(self, names: Sequence[str]) -> DrainPlan:
        """Where their guests would go. Raises UserError for unknown hosts, HostUnreachable for silent ones."""
        with self.fleet() as fleet:
            seen = self.seen(fleet, names)
            here = [each for each in found(seen.guests) if each.host in names]
            going = tuple(each for each in here if each.state.active)
            off = tuple(each.name for each in here if not each.state.active)
            return plan_drain(replace(self.asked(fleet, seen, going), leaving=names, off=off))

    def bring_back(self, name: str, uuids: Sequence[str]) -> Drained:
        """Those of these guests that are elsewhere now, to that host, which has to be let in already."""
        return self.carry_out(self.approved(self.plan_back(name, uuids)), elsewhere=False)

    def plan_back(self, name: str, uuids: Sequence[str]) -> DrainPlan:
        """Without asking anybody where there are none."""
        if not uuids:
            return NOTHING
        with self.fleet() as fleet:
            seen = self.seen(fleet, [name])
            going = tuple(
                each for each in found(seen.guests) if each.uuid in uuids and each.host != name and each.state.active
            )
            return plan_drain(replace(self.asked(fleet, seen, going), only=name))

    def seen(self, fleet: Fleet, names: Sequence[str]) -> GuestList:
        known = {entry.name for entry in fleet.entries}
        for name in names:
            if name not in known:
                fleet.host(name)  # raises, with the nearest name
        if len(known) < 2:
            raise UserError("there is no other host to go to; add one with vmferry host add NAME URI")
        seen = list_guests(fleet, self.tools.store)
        for name in names:
            if name in seen.unreached:
                error = seen.unreached[name]
                raise HostUnreachable(name, f"{error.message}; its guests cannot be moved", detail=error.detail)
        return seen

    def asked(self, fleet: Fleet, seen: GuestList, going: tuple[Guest, ...]) -> Asked:
        ports = {entry.name: fleet.host(entry.name) for entry in fleet.entries if entry.name not in seen.unreached}
        unreached = [Unreached(name, error.message) for name, error in seen.unreached.items()]
        copying, at_s = self.orders.copying, self.tools.clock.now_s()
        return Asked(
            snapshot=survey_fleet(list(ports.values()), going, unreached),
            guests=going,
            ports=ports,
            store=self.tools.store,
            policy=self.standing.policy,
            wish=self.orders.wish,
            accept_unknown=self.orders.accept_unknown,
            parallel=self.orders.parallel,
            limits=Limits(copying.bandwidth_bytes_s, copying.max_downtime_ms, copying.storage.bandwidth_bytes_s),
            at_s=at_s,
        )

    def carry_out(self, plan: DrainPlan, *, elsewhere: bool = True) -> Drained:
        """`elsewhere`: a guest that failed may go to another host than planned."""
        failed: dict[str, list[str]] = {}
        self._checked = {(way.guest.uuid, way.target): way.checked for way in plan.ways if way.checked is not None}

        def again(guest: Guest, target: str) -> DrainPlan | None:
            failed.setdefault(guest.uuid, []).append(target)
            if not elsewhere:
                return None
            with self.fleet() as fleet:
                seen = list_guests(fleet, self.tools.store)
                found_ = plan_drain(replace(self.asked(fleet, seen, (guest,)), never=failed))
            return found_ if found_.feasible else None

        orders, clock = self.orders, self.tools.clock
        convoy = Convoy(self._carry, again, clock, self.watcher, self.cancel, orders.parallel, self._closes_in_s)
        return Drained(plan, tuple(convoy.run(plan)), self.cancel.is_set())

    def _carry(self, guest: Guest, target: str, cancel: threading.Event, pace: Pace) -> MigrationResult:
        """By a worker where one takes jobs. With connections of its own: a call that migrates keeps others waiting."""
        wish = Wish(guest.uuid, target, self.orders.copying, self.orders.accept_unknown)
        with self.fleet() as fleet:
            ground = survey_ground(fleet, self.tools.store, guest.uuid, target)
            listener = _Paced(self.listener(guest), pace)
            request = replace(request_of(wish, ground, self.standing), checked=self._checked.get((guest.uuid, target)))
            migration = Migration(request, self.tools, listener, cancel)
            if not self.tools.jobs.workers():
                return migration.run()
            queued = migration.queue(wish)
            clock = self.tools.clock
            return follow(self.tools.jobs, clock, queued.id, listener.progress, cancel, listener.note).result


def _is_on(seen: GuestList, name: str) -> bool:
    return any(each.host == name and each.state.active for each in seen.guests)


@dataclass(frozen=True, slots=True)
class _Paced:
    """Passes on what a migration tells, and lets the convoy know how far it is."""

    listener: Listener
    pace: Pace

    def checked(self, report: CheckReport) -> None:
        self.listener.checked(report)

    def chosen(self, target: str, forecast: Forecast | None) -> None:
        self.listener.chosen(target, forecast)

    def progress(self, progress: Progress) -> None:
        self.pace.sends(progress.eta_s)
        self.listener.progress(progress)

    def settling(self, problem: VmferryError | None) -> None:
        self.pace.is_done()
        self.listener.settling(problem)

    def verified(self, checks: Sequence[Verified]) -> None:
        self.pace.is_done()
        self.listener.verified(checks)

    def note(self, message: str) -> None:
        self.listener.note(message)


def entries_open(entries: Iterable[HostEntry], names: Sequence[str]) -> tuple[HostEntry, ...]:
    """As if these were let in: for a look at what would be."""
    return tuple(replace(each, state=HostState.READY) if each.name in names else each for each in entries)
