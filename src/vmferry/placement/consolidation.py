"""Emptying hosts that are not needed: which, and where their guests go, up to how full the others may be.

Theory of operation. The cheapest host to empty is tried first: its guests go onto hosts that have guests, each to the
one that it leaves least room on, the largest first. Where that does not place all of them, an assignment is sought that
pushes some out of others' way (`evacuation.py`). A host is emptied wholly or not at all, and a host that has taken
guests is not emptied itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from vmferry.model.aim import CPU, MEMORY, Ceilings, Terms
from vmferry.placement.balance import Balanced, Load, Node, Shares, Shift
from vmferry.placement.evacuation import Seat, Traveller, assign


@dataclass(slots=True)
class _Packing:
    """Who has moved where so far."""

    nodes: Mapping[str, Node]
    ceilings: Ceilings
    shares: Shares
    room: dict[str, int]
    places: dict[str, str]
    apart: Sequence[Collection[str]] = ()
    """UUIDs of which no two may come to one host."""
    takers: set[str] = field(default_factory=set)

    def fits(self, load: Load, host: str) -> bool:
        node = self.nodes[host]
        if any(self.places[other] == host for others in self.apart_from(load).values() for other in others):
            return False
        memory = self.shares.share(host, MEMORY) + load.memory_bytes / max(node.memory_bytes, 1)
        cpu = self.shares.share(host, CPU) + load.cpus_used / max(node.cpus, 1)
        return self.room[host] >= load.memory_bytes and memory <= self.ceilings.memory and cpu <= self.ceilings.cpu

    def apart_from(self, load: Load) -> dict[str, set[str]]:
        """Who may not be where it is, by a name for each group."""
        return {str(number): {*group} - {load.uuid} for number, group in enumerate(self.apart) if load.uuid in group}

    def put(self, load: Load, host: str) -> None:
        self.shares.move(load, self.places[load.uuid], host)
        self.room[host] -= load.memory_bytes
        self.places[load.uuid] = host

    def take_back(self, load: Load) -> None:
        host = self.places[load.uuid]
        self.shares.move(load, host, load.host)
        self.room[host] += load.memory_bytes
        self.places[load.uuid] = load.host


def consolidate(
    nodes: Sequence[Node],
    loads: Sequence[Load],
    terms: Terms,
    ceilings: Ceilings | None = None,
    apart: Sequence[Collection[str]] = (),
) -> Balanced:
    """As `balance.even`, with the share of the hosts that have guests as the score, in percent."""
    packing = _Packing(
        {node.name: node for node in nodes},
        ceilings or Ceilings(),
        Shares(nodes, loads, terms.weights),
        {node.name: node.room_bytes for node in nodes},
        {load.uuid: load.host for load in loads},
        apart,
    )
    used: dict[str, list[Load]] = {}
    for load in loads:
        used.setdefault(load.host, []).append(load)
    freed: dict[str, list[Load]] = {}
    for host, here in sorted(used.items(), key=lambda each: (_cost_s(each[1]), each[0])):
        if host in packing.takers or _cost_s(here) * terms.price >= 1:
            continue
        if terms.max_moves is not None and sum(map(len, freed.values())) + len(here) > terms.max_moves:
            continue
        if _emptied(packing, here, [each for each in used if each != host and each not in freed]):
            freed[host] = here
            packing.takers |= {packing.places[load.uuid] for load in here}
    shifts = tuple(
        Shift(load, packing.places[load.uuid], 100 / len(nodes) / len(here), _reason(load, len(here), packing))
        for here in freed.values()
        for load in here
    )
    share = 100 / max(1, len(nodes))
    return Balanced(shifts, share * len(used), share * (len(used) - len(freed)))


def _cost_s(loads: Sequence[Load]) -> float:
    return sum(load.cost_s for load in loads)


def _emptied(packing: _Packing, here: Sequence[Load], takers: Sequence[str]) -> bool:
    def tightest(load: Load) -> str | None:
        fitting = [host for host in takers if host in load.choices and packing.fits(load, host)]
        return min(fitting, key=lambda host: (_room(packing, host), host), default=None)

    if _all_put(packing, sorted(here, key=lambda each: (-each.memory_bytes, each.name)), tightest):
        return True
    seats = [Seat(host, packing.nodes[host].memory_bytes, _room(packing, host)) for host in takers]
    travellers = [
        Traveller(
            load.uuid,
            load.memory_bytes,
            {host: 0.0 for host in takers if host in load.choices},
            frozenset(packing.apart_from(load)),
        )
        for load in here
    ]
    found = assign(travellers, seats)
    if found.left:
        return False

    def assigned(load: Load) -> str | None:
        """Memory has been seen to; whether its CPU fits too, and who is there already, is not known yet."""
        host = found.places[load.uuid]
        return host if packing.fits(load, host) else None

    return _all_put(packing, here, assigned)


def _all_put(packing: _Packing, here: Sequence[Load], place: Callable[[Load], str | None]) -> bool:
    """Each to its place, one after the other; none of them where one has none."""
    for number, load in enumerate(here):
        host = place(load)
        if host is None:
            for each in here[:number]:
                packing.take_back(each)
            return False
        packing.put(load, host)
    return True


def _room(packing: _Packing, host: str) -> int:
    node = packing.nodes[host]
    below = (packing.ceilings.memory - packing.shares.share(host, MEMORY)) * node.memory_bytes
    return max(0, min(packing.room[host], int(below)))


def _reason(load: Load, together: int, packing: _Packing) -> str:
    target = packing.places[load.uuid]
    others = "" if together == 1 else f" with {together - 1} more"
    given = packing.shares.share(target, MEMORY)
    return f"empties {load.host}{others}; then {given:.0%} of the memory of {target} is given to guests"
