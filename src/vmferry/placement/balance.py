"""Evening out a fleet: which guests move where, what that gains, and whether it is worth its price.

Theory of operation. Of a host three shares are looked at: how much of its memory is given to guests, how much of its
CPU they use, and how many virtual CPUs they have for each of its own. A fleet is even where all hosts have the same
shares. What is minimised is the sum over the hosts of the squared distances from the fleet's own shares, and a price
for each move by the time that it is expected to take: so a move that gains little, or takes long, is not made, and a
fleet that was just evened out stays as it is. The search is that of the machine reassignment problem
(`reassignment.py`); memory is held on both hosts there, so that the moves may be made in any order, and any of them
left out. Afterwards each move is looked at by itself once more, and goes if the others do better without it.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from vmferry.model.aim import CPU, KINDS, MEMORY, VCPUS, Terms
from vmferry.placement.reassignment import Machine, Problem, Process, Resource, Service, solve

LEAST_PRICE = 20.0
"""Of the cheapest move, in the search's own units: far above the cost at which it stops."""
MIB, MILLI = 1 << 20, 1000
STEPS_EACH, MOST_STEPS = 1500, 30_000_000


@dataclass(frozen=True, slots=True)
class Load:
    """A guest that may move."""

    uuid: str
    name: str
    host: str
    memory_bytes: int
    """What it takes of a host, with what QEMU needs for itself."""
    vcpus: int
    cpus_used: float
    """Over a window, in whole CPUs."""
    cost_s: float
    """What its migration is expected to take."""
    choices: frozenset[str]
    """Hosts that the rules leave it; empty: it stays."""


@dataclass(frozen=True, slots=True)
class Node:
    """A host that takes guests."""

    name: str
    memory_bytes: int
    room_bytes: int
    """For those that come."""
    cpus: int
    own_memory_bytes: int = 0
    """Given out beside the loads."""


@dataclass(frozen=True, slots=True)
class Shift:
    """One guest's move."""

    load: Load
    target: str
    gain: float
    """By how many points the score would be worse without it."""
    reason: str


@dataclass(frozen=True, slots=True)
class Balanced:
    """`shifts`: the most valuable first. Scores are in points: 0 where all hosts are alike; see `score`."""

    shifts: tuple[Shift, ...]
    score_before: float
    score_after: float

    @property
    def cost_s(self) -> float:
        """Of all of them one after the other."""
        return sum(each.load.cost_s for each in self.shifts)


class Shares:
    """What the hosts have of each kind, with the guests where they are, and as they are moved."""

    def __init__(self, nodes: Sequence[Node], loads: Iterable[Load], weights: Mapping[str, float]) -> None:
        self.nodes = {node.name: node for node in nodes}
        self.weights = {kind: weight for kind, weight in weights.items() if weight > 0}
        self._has = {node.name: _kinds(node.memory_bytes, node.cpus, node.cpus) for node in nodes}
        self._used = {node.name: _kinds(node.own_memory_bytes, 0, 0) for node in nodes}
        for load in loads:
            self._put(load, load.host, 1)
        self._mean = {kind: _sum(self._used, kind) / max(_sum(self._has, kind), 1.0) for kind in KINDS}

    def move(self, load: Load, source: str, target: str) -> None:
        self._put(load, source, -1)
        self._put(load, target, 1)

    def _put(self, load: Load, host: str, sign: int) -> None:
        used = self._used[host]
        for kind, amount in _kinds(load.memory_bytes, load.cpus_used, load.vcpus).items():
            used[kind] += sign * amount

    def share(self, host: str, kind: str) -> float:
        return self._used[host][kind] / max(self._has[host][kind], 1.0)

    def mean(self, kind: str) -> float:
        """Of the fleet: all loads by all that there is."""
        return self._mean[kind]

    def squares(self, hosts: Iterable[str]) -> dict[str, float]:
        """By kind, of how far their shares are from the fleet's."""
        hosts = tuple(hosts)
        return {kind: sum((self.share(host, kind) - self._mean[kind]) ** 2 for host in hosts) for kind in self.weights}

    def distance(self, hosts: Iterable[str]) -> float:
        """The same, weighed over the kinds."""
        return sum(self.weights[kind] * each for kind, each in self.squares(hosts).items())

    def score(self) -> float:
        """How far a host's shares are from the fleet's: 100 times the standard deviation, weighed over the kinds."""
        return self.points(self.squares(self.nodes))

    def points(self, squares: Mapping[str, float]) -> float:
        """The score, of the squares of all hosts."""
        weight = sum(self.weights.values())
        if not self.nodes or not weight:
            return 0.0
        deviations = {kind: math.sqrt(max(0.0, each) / len(self.nodes)) for kind, each in squares.items()}
        return 100 * sum(self.weights[kind] * each for kind, each in deviations.items()) / weight


def _kinds(memory: float, cpu: float, vcpus: float) -> dict[str, float]:
    return dict(zip(KINDS, (memory, cpu, vcpus), strict=True))


def _sum(of_hosts: Mapping[str, Mapping[str, float]], kind: str) -> float:
    return sum(each[kind] for each in of_hosts.values())


def even(nodes: Sequence[Node], loads: Sequence[Load], terms: Terms, apart: Sequence[Sequence[str]] = ()) -> Balanced:
    """The moves that are worth their price. `apart`: UUIDs of guests of which no two may share a host.

    The same arguments give the same answer. Raises Refused where two that are to be apart share a host already.
    """
    shares = Shares(nodes, loads, terms.weights)
    before = shares.score()
    movable = [load for load in loads if load.choices]
    if len(nodes) < 2 or not movable or not shares.weights:
        return Balanced((), before, before)
    problem = _problem(nodes, loads, terms, apart, shares)
    steps = min(MOST_STEPS, max(20_000, STEPS_EACH * len(loads)))
    places, _ = solve(problem, steps=steps)
    targets = {load.uuid: nodes[place].name for load, place in zip(loads, places, strict=True)}
    moves = [(load, targets[load.uuid]) for load in loads if targets[load.uuid] != load.host]
    for load, target in moves:
        shares.move(load, load.host, target)
    kept = _worth_it(moves, shares, terms)
    return Balanced(tuple(_told(kept, shares)), before, shares.score())


def _problem(
    nodes: Sequence[Node], loads: Sequence[Load], terms: Terms, apart: Sequence[Sequence[str]], shares: Shares
) -> Problem:
    """Prices are whole numbers there, so all costs are scaled up."""
    prices = [terms.price * max(load.cost_s, 0.1) for load in loads]
    scale = LEAST_PRICE / min(prices)
    numbers = {node.name: number for number, node in enumerate(nodes)}
    stays = dict.fromkeys(numbers, 0)
    for load in loads:
        stays[load.host] += load.memory_bytes
    unlimited = 1 << 50
    still = [0] * len(nodes)
    weights = [terms.weights.get(kind, 0.0) * scale for kind in KINDS]
    machines = []
    for node in nodes:
        has = (node.memory_bytes // MIB, node.cpus * MILLI, node.cpus * MILLI)
        own = (node.own_memory_bytes // MIB, 0, 0)
        even_ = [int(shares.mean(kind) * most) - mine for kind, most, mine in zip(KINDS, has, own, strict=True)]
        room = (max(0, node.room_bytes) + stays[node.name]) // MIB + 1
        curve = [weight / max(most, 1) ** 2 for weight, most in zip(weights, has, strict=True)]
        machines.append(Machine(0, 0, [room, unlimited, unlimited], even_, still, curve))
    groups = {uuid: number for number, group in enumerate(apart) for uuid in group}
    fresh = count(len(apart))
    processes = [
        Process(
            groups[load.uuid] if load.uuid in groups else next(fresh),
            [load.memory_bytes // MIB, int(load.cpus_used * MILLI), load.vcpus * MILLI],
            round(price * scale),
            _allowed(load, numbers),
        )
        for load, price in zip(loads, prices, strict=True)
    ]
    services = [Service(0, ())] * next(fresh)
    resources = [Resource(kind == MEMORY, 0) for kind in KINDS]
    origin = [numbers[load.host] for load in loads]
    return Problem(resources, machines, services, processes, (), 1, 0, 0, origin)


def _allowed(load: Load, numbers: Mapping[str, int]) -> bytes:
    row = bytearray(len(numbers))
    for name in (load.host, *load.choices):
        if name in numbers:
            row[numbers[name]] = 1
    return bytes(row)


def _worth_it(moves: Sequence[tuple[Load, str]], shares: Shares, terms: Terms) -> list[tuple[Load, str]]:
    """Those that are left when what is not worth its price has been taken back, and the least valuable above a limit.

    `shares` is as after all of them, and is then as after those. What is taken back changes the worth of those moves
    alone that have a host in common with it.
    """
    touching: dict[str, set[int]] = {}
    for number, (load, target) in enumerate(moves):
        for host in (load.host, target):
            touching.setdefault(host, set()).add(number)
    worth = {number: _worth(shares, terms, *move) for number, move in enumerate(moves)}
    queue = [(each, number) for number, each in worth.items()]
    heapq.heapify(queue)
    while queue:
        least, number = heapq.heappop(queue)
        if worth.get(number) != least:
            continue  # gone, or of another worth by now
        if least > 0 and (terms.max_moves is None or len(worth) <= terms.max_moves):
            break
        load, target = moves[number]
        shares.move(load, target, load.host)
        del worth[number]
        for other in (touching[load.host] | touching[target]) & worth.keys():
            worth[other] = _worth(shares, terms, *moves[other])
            heapq.heappush(queue, (worth[other], other))
    return [moves[number] for number in sorted(worth)]


def _worth(shares: Shares, terms: Terms, load: Load, target: str) -> float:
    return _gain(shares, load, target) - terms.price * load.cost_s


def _gain(shares: Shares, load: Load, target: str) -> float:
    """What taking it back would lose, in squared shares."""
    after = shares.distance((load.host, target))
    shares.move(load, target, load.host)
    before = shares.distance((load.host, target))
    shares.move(load, load.host, target)
    return before - after


def _told(moves: Sequence[tuple[Load, str]], shares: Shares) -> list[Shift]:
    """With what each is good for, seen from the end."""
    all_ = shares.squares(shares.nodes)
    now = shares.points(all_)
    shifts = []
    for load, target in moves:
        with_it = shares.squares((load.host, target))
        shares.move(load, target, load.host)
        without = shares.squares((load.host, target))
        gain = shares.points({kind: all_[kind] - with_it[kind] + without[kind] for kind in all_}) - now
        reason = _reason(load, target, shares)
        shares.move(load, load.host, target)
        shifts.append(Shift(load, target, gain, reason))
    return sorted(shifts, key=lambda each: (-each.gain / max(each.load.cost_s, 0.1), each.load.name))


WORDS = {MEMORY: "of its memory given to guests", CPU: "of its CPU in use", VCPUS: "virtual CPUs for each of its own"}


def _reason(load: Load, target: str, shares: Shares) -> str:
    """By the kind in which the two hosts differ most without the move."""
    kind = max(
        shares.weights,
        key=lambda each: shares.weights[each] * (shares.share(load.host, each) - shares.share(target, each)),
    )
    here, there = shares.share(load.host, kind), shares.share(target, kind)
    shares.move(load, load.host, target)
    after_here, after_there = shares.share(load.host, kind), shares.share(target, kind)
    shares.move(load, target, load.host)
    form = "{:.1f}" if kind == VCPUS else "{:.0%}"
    now = f"{load.host} would have {form.format(here)} {WORDS[kind]} and {target} {form.format(there)}"
    return f"{now}; with it {form.format(after_here)} and {form.format(after_there)}"
