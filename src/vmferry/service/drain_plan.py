"""Where all guests of some hosts go, and when: proved for the whole set before the first of them moves.

Every guest is checked against every host that stays, as for a single migration; of what the rules leave, an assignment
of all is sought (`placement/evacuation.py`), and a plan over the hosts' links (`schedule/plan.py`).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from vmferry.errors import Refused, VmferryError
from vmferry.facts.host import HostFacts
from vmferry.facts.snapshot import Snapshot
from vmferry.facts.wish import NO_WISH, MoveWish
from vmferry.model.finding import Verdict
from vmferry.model.group import Keep
from vmferry.model.guest import Guest
from vmferry.model.host import HostState
from vmferry.model.migration import Forecast
from vmferry.model.units import format_bytes
from vmferry.placement.evacuation import Seat, Traveller, free_after, with_spare
from vmferry.placement.rank import COPYING, Candidate
from vmferry.ports import HostPort, Store
from vmferry.rules.memory import QEMU_OVERHEAD_BYTES
from vmferry.rules.policy import NO_POLICY, Policy
from vmferry.schedule.instance import Instance, Link, Move, Place
from vmferry.schedule.plan import Plan, plan
from vmferry.schedule.search import Slot
from vmferry.service.check import Checked, CheckReport, check_one, only_to
from vmferry.service.predict import ASSUMED_RATE_BYTES_S, Limits, copied_bytes, path_rate, predict

MOST_REASONS = 4
"""Of one guest, as people read them; a program gets all."""


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A guest that stays, and why."""

    guest: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Way:
    """One guest's move, as planned."""

    guest: Guest
    target: str
    forecast: Forecast | None
    checked: Checked | None = None


@dataclass(frozen=True, slots=True)
class DrainPlan:
    """`feasible`: all guests have a place. `schedule` is of the moves that there are."""

    ways: tuple[Way, ...]
    unplaced: tuple[Unplaced, ...]
    schedule: Plan
    alone: tuple[str, ...] = ()
    """Hosts whose guests would find no room on the others if it failed after the moves (N+1)."""
    proved: bool = True
    """Of an infeasible set: that there is no assignment, rather than that none was found."""
    off: tuple[str, ...] = ()
    """Guests of these hosts that are off: they are not moved."""

    @property
    def feasible(self) -> bool:
        return not self.unplaced

    def in_order(self) -> list[tuple[Way, Slot]]:
        """As they begin."""
        slots = self.schedule.slots
        pairs = [(way, slots[way.guest.uuid]) for way in self.ways]
        return sorted(pairs, key=lambda pair: (pair[1].start_s, pair[0].guest.name))


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be planned."""

    snapshot: Snapshot
    guests: tuple[Guest, ...]
    """Those that are to go, all of them active."""
    ports: Mapping[str, HostPort]
    """Connected, by name."""
    store: Store
    policy: Policy = NO_POLICY
    wish: MoveWish = NO_WISH
    accept_unknown: bool = False
    leaving: Collection[str] = ()
    """Hosts that are to be emptied, marked or not: nobody goes there."""
    only: str | None = None
    """The host that all of them have to go to."""
    never: Mapping[str, Collection[str]] = field(default_factory=dict)
    """By UUID, hosts that a guest is not sent to: it failed to go there."""
    parallel: int | None = None
    limits: Limits = field(default_factory=Limits)
    off: tuple[str, ...] = ()
    at_s: float = -math.inf
    """When the hosts were begun to be asked, by the clock."""


def plan_drain(asked: Asked) -> DrainPlan:
    """Asks no host but for what libvirt remembers of the guests' dirty rates."""
    reports = reports_of(asked, asked.guests)
    seats = [_seat(asked, host) for host in asked.snapshot.hosts if takes_guests(asked, host)]
    travellers = [_traveller(asked, guest, reports.get(guest.uuid)) for guest in asked.guests]
    found = with_spare(travellers, seats, _here(asked))
    ways = tuple(
        way_of(asked, guest, reports[guest.uuid], found.places[guest.uuid])
        for guest in asked.guests
        if guest.uuid in found.places
    )
    left = {each.guest for each in found.left}
    free = free_after(found.places, {each.guest: each.need_bytes for each in travellers}, seats)
    unplaced = [
        _unplaced(asked, guest, reports.get(guest.uuid), free, found.proved)
        for guest in asked.guests
        if guest.uuid in left
    ]
    return DrainPlan(ways, tuple(unplaced), schedule(asked, ways), found.alone, found.proved, asked.off)


def need_bytes(guest: Guest) -> int:
    """What it takes of a host."""
    return guest.memory_bytes + QEMU_OVERHEAD_BYTES


def takes_guests(asked: Asked, host: HostFacts) -> bool:
    return host.problem is None and host.state is HostState.READY and host.name not in asked.leaving


def _seat(asked: Asked, host: HostFacts) -> Seat:
    groups = asked.wish.groups
    domains = {group.name: groups.domain(host.name, group.label) for group in groups.groups if group.label}
    return Seat(host.name, host.memory_bytes or 0, host.room_bytes or 0, domains)


def _traveller(asked: Asked, guest: Guest, report: CheckReport | None) -> Traveller:
    choices = (
        {}
        if report is None
        else {each.host: _penalty(each) for each in report.candidates if may_go(asked, guest, each)}
    )
    apart = frozenset(group.name for group in asked.wish.groups.of(guest.name, Keep.APART) if group.strict)
    return Traveller(guest.uuid, need_bytes(guest), choices, apart)


def may_go(asked: Asked, guest: Guest, candidate: Candidate) -> bool:
    if candidate.score is None or candidate.host in (*asked.leaving, *asked.never.get(guest.uuid, ())):
        return False
    return candidate.verdict is not Verdict.UNKNOWN or asked.accept_unknown


def _penalty(candidate: Candidate) -> float:
    """What its check left open, and disks that would have to be copied, beside the room that assign looks at."""
    copying = COPYING if any("would be copied there" in reason for reason in candidate.reasons) else 0
    return copying + {Verdict.PASS: 0.0, Verdict.WARN: 0.25}.get(candidate.verdict, 0.5)


def reports_of(asked: Asked, guests: Iterable[Guest]) -> dict[str, CheckReport]:
    """By UUID, each against all hosts that are asked for; without those of which nothing is known."""
    facts = {each.guest.uuid: each for each in asked.snapshot.guests}
    return {
        guest.uuid: check_one(asked.snapshot, facts[guest.uuid], asked.only, asked.policy, asked.wish)
        for guest in guests
        if guest.uuid in facts
    }


def way_of(asked: Asked, guest: Guest, report: CheckReport, target: str) -> Way:
    checked = Checked(only_to(report, target), asked.wish, asked.at_s)
    return Way(guest, target, forecast_of(asked, guest, report, target), checked)


def forecast_of(asked: Asked, guest: Guest, report: CheckReport, target: str) -> Forecast | None:
    """None where a host or the store fails at it."""
    move = report.move(target)
    try:
        source, port = asked.ports[guest.host], asked.ports[target]
        return predict(move.guest, source, port, asked.store, asked.limits, copied_bytes(move))
    except (VmferryError, KeyError):
        return None


def _unplaced(
    asked: Asked, guest: Guest, report: CheckReport | None, free: Mapping[str, int], proved: bool
) -> Unplaced:
    """`free`: what the others leave of each host."""
    if report is None:
        return Unplaced(guest.name, (f"{guest.host} did not tell what it is",))
    open_hosts = [each.host for each in report.candidates if may_go(asked, guest, each)]
    if open_hosts:
        best = max(open_hosts, key=lambda host: (free.get(host, 0), host))
        short = need_bytes(guest) - max(0, free.get(best, 0))
        sure = "" if proved else "no assignment of all was found, which is no proof that there is none: "
        words = f"{sure}no room is left on {', '.join(open_hosts)}; {format_bytes(short)} more on {best} would make it"
        return Unplaced(guest.name, (words,))
    reasons = [f"{each.host}: {reason}" for each in report.candidates for reason in _refusing(asked, guest, each)]
    return Unplaced(guest.name, tuple(reasons) or ("there is no host that it could go to",))


def _refusing(asked: Asked, guest: Guest, candidate: Candidate) -> Sequence[str]:
    if candidate.host in asked.leaving:
        return ("it is to be emptied too",)
    if candidate.host in asked.never.get(guest.uuid, ()):
        return ("it failed to go there",)
    if candidate.score is None:
        return candidate.reasons
    return (*candidate.reasons[1:], "this could not be looked at; --yes goes on without")


def _here(asked: Asked) -> dict[str, list[int]]:
    """What the guests hold that are on each host now."""
    return {host.name: [each.memory_bytes or 0 for each in host.guests if each.active] for host in asked.snapshot.hosts}


def schedule(asked: Asked, ways: Sequence[Way]) -> Plan:
    """Each host's card, out and in; what of a guest's memory has to be sent, as its forecast has it."""
    rates = {(way.guest.host, way.target): _rate(asked, way) for way in ways}
    leaving = {source: max(rates[each] for each in rates if each[0] == source) for source, _ in rates}
    coming = {target: max(rates[each] for each in rates if each[1] == target) for _, target in rates}
    links = [Link(f"{name} out", leaving[name]) for name in sorted(leaving)]
    links += [Link(f"{name} in", coming[name]) for name in sorted(coming)]
    places = [_place(name, ways) for name in sorted(leaving.keys() | coming.keys())]
    moves = tuple(_move(asked, way) for way in ways)
    return plan(Instance(tuple(links), tuple(places), moves, max_moves=asked.parallel))


def _rate(asked: Asked, way: Way) -> float:
    """Of the way between the two hosts: as the inventory has it, else learned, else what the card says."""
    try:
        return float(path_rate(asked.ports[way.guest.host], asked.ports[way.target], asked.store)[0].rate_bytes_s.p50)
    except (VmferryError, KeyError):
        return float(ASSUMED_RATE_BYTES_S)


def _place(name: str, ways: Sequence[Way]) -> Place:
    """With room for what comes, which `assign` has made sure of: what leaves elsewhere is not counted on."""
    leaving = sum(need_bytes(way.guest) for way in ways if way.guest.host == name)
    coming = sum(need_bytes(way.guest) for way in ways if way.target == name)
    return Place(name, leaving + coming)


def _move(asked: Asked, way: Way) -> Move:
    """As many bytes as were forecast: what is dirtied meanwhile is among them."""
    sent = way.forecast.transferred_bytes.p50 if way.forecast is not None else way.guest.memory_bytes
    limit = asked.limits.bandwidth_bytes_s
    return Move(
        id=way.guest.uuid,
        source=way.guest.host,
        target=way.target,
        memory_bytes=need_bytes(way.guest),
        path=(f"{way.guest.host} out", f"{way.target} in"),
        fixed_bytes=max(1.0, float(sent)),
        max_rate_bytes_s=None if limit is None else float(limit),
    )


class Infeasible(Refused):
    """Not all of them have a place; `plan` is what there would be for the others."""

    def __init__(self, message: str, plan: DrainPlan, *, detail: str) -> None:
        super().__init__(message, detail=detail)
        self.plan = plan


def refuse_infeasible(found: DrainPlan) -> None:
    """Raises Infeasible, naming the guests and what would help."""
    if found.unplaced:
        lines = [f"{each.guest}: {reason}" for each in found.unplaced for reason in each.reasons[:MOST_REASONS]]
        names = ", ".join(each.guest for each in found.unplaced)
        what = "has no place" if len(found.unplaced) == 1 else "have no place"
        raise Infeasible(
            f"nothing was moved: {names} {what} on the other hosts; make room, or move the others with --partial",
            found,
            detail="\n".join(lines),
        )


def refuse_bare(found: DrainPlan) -> None:
    """Raises Infeasible where a host would be left whose guests the others could not take (N+1)."""
    if found.alone and found.ways:
        names = ", ".join(found.alone)
        words = f"nothing was moved: then the guests of {names} would have no room elsewhere if that host failed"
        raise Infeasible(f"{words}; make room, or leave out --keep-spare", found, detail="")
