"""Even out the fleet, or empty hosts that it does not need: measured, checked, planned, then carried out.

What guests use of their CPUs is read twice, with the checks of every guest against every host between the two. What
moves where is found by `placement/balance.py` or `placement/consolidation.py`; when, and the moves themselves, are a
drain's (`drain.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from vmferry.errors import UserError
from vmferry.facts.host import HostFacts
from vmferry.model.aim import Aim, Mode
from vmferry.model.group import Groups, Keep
from vmferry.model.guest import Guest
from vmferry.model.migration import MigrationResult, Outcome
from vmferry.model.units import format_duration
from vmferry.placement.balance import Balanced, Load, Node, Shift, even
from vmferry.placement.consolidation import consolidate
from vmferry.ports import Clock, HostPort, Store
from vmferry.schedule.search import Slot
from vmferry.service.check import CheckReport
from vmferry.service.drain import Drain, Drained
from vmferry.service.drain_plan import (
    Asked,
    DrainPlan,
    Way,
    forecast_of,
    may_go,
    need_bytes,
    reports_of,
    schedule,
    takes_guests,
    way_of,
)
from vmferry.service.inventory import list_guests
from vmferry.service.parallel import all_at_once
from vmferry.service.predict import ASSUMED_RATE_BYTES_S
from vmferry.service.survey import found

READING_LIMIT_S = 20.0
MOST_PAST = 1000
"""Migrations that are looked through for those of the cool-down."""


@dataclass(frozen=True, slots=True)
class BalancePlan:
    """`moves` has the same ones in the order of time, `found` in that of their worth."""

    moves: DrainPlan
    found: Balanced
    held: Mapping[str, str]
    """Guest's name to why it was not thought of."""
    left_out: Mapping[str, str]
    """Host's name to why nothing goes there or leaves it."""

    def in_order(self) -> list[tuple[Way, Slot, Shift]]:
        """As they begin."""
        why = {each.load.uuid: each for each in self.found.shifts}
        return [(way, slot, why[way.guest.uuid]) for way, slot in self.moves.in_order()]


@dataclass(frozen=True, slots=True)
class Reading:
    """CPU seconds by guest, and when they were told."""

    at_s: float
    seconds: Mapping[str, float]


@dataclass(slots=True)
class Balancing:
    """One command's work, by a drain's means."""

    drain: Drain
    aim: Aim

    def plan(self) -> BalancePlan:
        """Raises UserError where there are no two hosts."""
        clock = self.drain.tools.clock
        with self.drain.fleet() as fleet:
            if len(fleet.entries) < 2:
                raise UserError("there is only one host, and nothing to even out; add another with vmferry host add")
            seen = list_guests(fleet, self.drain.tools.store)
            going = tuple(each for each in found(seen.guests) if each.state.active)
            reachable = [fleet.host(each.name) for each in fleet.entries if each.name not in seen.unreached]
            began_s = clock.now_s()
            first = readings(reachable, clock)
            asked = self.drain.asked(fleet, seen, going)
            clock.sleep(max(0.0, self.aim.sample_s - (clock.now_s() - began_s)))
            return self._planned(asked, cpus_used(first, readings(reachable, clock)))

    def carry_out(self, plan: BalancePlan) -> Drained:
        return self.drain.carry_out(plan.moves, elsewhere=False)

    def _planned(self, asked: Asked, used: Mapping[str, float]) -> BalancePlan:
        hosts = [host for host in asked.snapshot.hosts if takes_guests(asked, host)]
        left_out = {host.name: _left_out(host) for host in asked.snapshot.hosts if not takes_guests(asked, host)}
        names = {host.name for host in hosts}
        here = [guest for guest in asked.guests if guest.host in names]
        reports = reports_of(asked, here)
        apart, bound = _apart(here, asked.wish.groups)
        held = bound | self._held(here, used, asked.store, self.drain.tools.now())
        loads = [_load(asked, guest, reports.get(guest.uuid), used.get(guest.uuid, 0.0), held) for guest in here]
        nodes = [_node(host) for host in hosts]
        terms = self.aim.terms
        if self.aim.mode is Mode.EVEN:
            best = even(nodes, loads, terms, apart)
        else:
            best = consolidate(nodes, loads, terms, self.aim.ceilings, apart)
        by_uuid = {guest.uuid: guest for guest in here}
        ways = tuple(
            way_of(asked, by_uuid[each.load.uuid], reports[each.load.uuid], each.target) for each in best.shifts
        )
        words = {by_uuid[uuid].name: why for uuid, why in held.items()}
        return BalancePlan(DrainPlan(ways, (), schedule(asked, ways)), best, words, left_out)

    def _held(self, guests: Sequence[Guest], used: Mapping[str, float], store: Store, now: datetime) -> dict[str, str]:
        """Those that stay whatever would be gained, by UUID."""
        moved = _lately_moved(store.results(most=MOST_PAST), now - timedelta(seconds=self.aim.cool_down_s))
        held = {}
        for guest in guests:
            if guest.uuid not in used:
                held[guest.uuid] = f"{guest.host} did not tell how much CPU it uses"
            elif guest.name in moved:
                held[guest.uuid] = f"it was moved within the last {format_duration(self.aim.cool_down_s)}"
        return held


def _apart(guests: Sequence[Guest], groups: Groups) -> tuple[list[list[str]], dict[str, str]]:
    """UUIDs of those of which no two may come to one host; and of those that stay for their group's sake, with why."""
    apart: list[list[str]] = []
    held: dict[str, str] = {}
    for group in groups.groups:
        members = [guest for guest in guests if group.has(guest.name)]
        places = [groups.domain(guest.host, group.label) for guest in members]
        if group.keep is None or not group.strict or len(members) < 2:
            continue
        free = not any(guest.uuid in each for each in apart for guest in members)
        if group.keep is Keep.APART and not group.label and len(set(places)) == len(places) and free:
            apart.append([guest.uuid for guest in members])
        else:
            held |= dict.fromkeys((guest.uuid for guest in members), f"its group {group.name} is kept {group.keep}")
    return apart, held


def readings(hosts: Sequence[HostPort], clock: Clock) -> dict[str, Reading]:
    """By host's name, of those that answer."""
    answers = all_at_once([partial(_reading, host, clock) for host in hosts], READING_LIMIT_S)
    told = zip(hosts, answers, strict=True)
    return {host.entry.name: answer for host, answer in told if isinstance(answer, Reading)}


def _reading(host: HostPort, clock: Clock) -> Reading:
    seconds = host.cpu_seconds()
    return Reading(clock.now_s(), seconds)


def cpus_used(before: Mapping[str, Reading], after: Mapping[str, Reading]) -> dict[str, float]:
    """By UUID, of guests that were on the same host at both readings: whole CPUs, as a mean of the time between."""
    used: dict[str, float] = {}
    for host, last in after.items():
        first = before.get(host)
        if first is None or last.at_s <= first.at_s:
            continue
        for uuid, seconds in last.seconds.items():
            if uuid in first.seconds:
                used[uuid] = max(0.0, seconds - first.seconds[uuid]) / (last.at_s - first.at_s)
    return used


def _lately_moved(results: Sequence[MigrationResult], since: datetime) -> set[str]:
    names = set()
    for result in results:
        ended = next((step.ended for step in reversed(result.steps) if step.ended), None)
        if result.outcome is Outcome.MIGRATED and ended is not None and datetime.fromisoformat(ended) > since:
            names.add(result.guest)
    return names


def _node(host: HostFacts) -> Node:
    return Node(host.name, host.memory_bytes or 0, host.room_bytes or 0, host.cpus or 0)


def _load(asked: Asked, guest: Guest, report: CheckReport | None, cpus: float, held: Collection[str]) -> Load:
    open_to = () if report is None or guest.uuid in held else report.candidates
    choices = frozenset(each.host for each in open_to if may_go(asked, guest, each))
    cost_s = 0.0
    if report is not None and choices:
        first = next(each.host for each in report.candidates if each.host in choices)
        cost_s = _cost_s(asked, guest, report, first)
    return Load(guest.uuid, guest.name, guest.host, need_bytes(guest), guest.vcpus, cpus, cost_s, choices)


def _cost_s(asked: Asked, guest: Guest, report: CheckReport, target: str) -> float:
    """What the copy is expected to take, to the best of its targets."""
    forecast = forecast_of(asked, guest, report, target)
    return guest.memory_bytes / ASSUMED_RATE_BYTES_S if forecast is None else forecast.duration_s.p50


def _left_out(host: HostFacts) -> str:
    return host.problem or f"it is {host.state.value}"
