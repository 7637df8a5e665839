"""A time before which no plan at all can end, with what it rests on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter

from vmferry.schedule.arithmetic import duration_s
from vmferry.schedule.instance import Activity, Instance, Move

LOWER = 1 - 1e-12
"""Sums of doubles are a little off: a bound is never above what it proves."""


@dataclass(frozen=True, slots=True)
class Bound:
    """`at_least_s`, and the reason in words."""

    at_least_s: float
    reason: str


def bound(instance: Instance) -> Bound:
    """The largest of: the longest chain, and for each link and limit what all its moves need of it.

    Before the first of a link's moves may begin something else may have to end, and after its last one something may
    have to follow: the least of both is added to what the link is busy for.
    """
    shortest = _shortest(instance)
    head = _chain(shortest, {each.id: each.after for each in _all(instance)})
    tail = _chain(shortest, _followers(instance))
    found = Bound(0.0, "nothing to move")
    for name, took in shortest.items():
        whole = head[name] + took + tail[name]
        if whole > found.at_least_s:
            alone = not head[name] and not tail[name]
            found = Bound(
                whole, f"{name} by itself" if alone else f"the chain of what has to follow each other, with {name}"
            )
    for busy in (*_links(instance, shortest), *_limits(instance, shortest)):
        whole = busy.at_least_s + min(head[each] for each in busy.moves) + min(tail[each] for each in busy.moves)
        if whole > found.at_least_s:
            found = Bound(whole, busy.reason)
    return Bound(found.at_least_s * LOWER, found.reason)


@dataclass(frozen=True, slots=True)
class _Busy:
    at_least_s: float
    reason: str
    moves: list[str]


def _all(instance: Instance) -> Iterable[Move | Activity]:
    yield from instance.moves
    yield from instance.activities


def _shortest(instance: Instance) -> dict[str, float]:
    found = {move.id: duration_s(move, instance.most_rate[move.id]) for move in instance.moves}
    return found | {each.id: each.duration_s for each in instance.activities}


def _followers(instance: Instance) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {each.id: [] for each in _all(instance)}
    for each in _all(instance):
        for name in each.after:
            found[name].append(each.id)
    return found


def _chain(shortest: Mapping[str, float], before: Mapping[str, Iterable[str]]) -> dict[str, float]:
    """By name: the longest chain of what has to be before it (or after it, where `before` is turned around)."""
    found: dict[str, float] = {}
    for name in TopologicalSorter(before).static_order():
        found[name] = max((found[each] + shortest[each] for each in before[name]), default=0.0)
    return found


def _links(instance: Instance, shortest: Mapping[str, float]) -> Iterable[_Busy]:
    over: dict[str, list[Move]] = defaultdict(list)
    for move in instance.moves:
        for name in move.path:
            over[name].append(move)
    for name, moves in over.items():
        sent = sum(shortest[move.id] * instance.most_rate[move.id] for move in moves)
        reason = f"link {name}, which has to carry {len(moves)} moves"
        yield _Busy(sent / instance.link[name].capacity_bytes_s, reason, [move.id for move in moves])


def _limits(instance: Instance, shortest: Mapping[str, float]) -> Iterable[_Busy]:
    for reason, most, moves in limits(instance):
        if moves:
            yield _Busy(sum(shortest[move.id] for move in moves) / most, reason, [move.id for move in moves])


def limits(instance: Instance) -> Iterable[tuple[str, int, list[Move]]]:
    """Each limit on how many run at once: in words, the number, and the moves that it is about."""
    if instance.max_moves is not None:
        yield f"no more than {instance.max_moves} moves at once", instance.max_moves, list(instance.moves)
    leaving: dict[str, list[Move]] = defaultdict(list)
    coming: dict[str, list[Move]] = defaultdict(list)
    for move in instance.moves:
        leaving[move.source].append(move)
        coming[move.target].append(move)
    for place in instance.places:
        if place.max_out is not None:
            yield f"no more than {place.max_out} moves at once out of {place.id}", place.max_out, leaving[place.id]
        if place.max_in is not None:
            yield f"no more than {place.max_in} moves at once into {place.id}", place.max_in, coming[place.id]
