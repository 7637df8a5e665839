"""Why there is no plan at all: each reason by itself, with the smallest set of moves that makes it."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence

from vmferry.model.units import format_bytes, format_rate
from vmferry.schedule.instance import Instance, Move, Place

NAMED = 5
"""So many ids in a sentence."""


def conflicts(instance: Instance) -> list[str]:
    """Sentences; none where nothing is known to stand in the way (moves may still wait for each other's memory)."""
    return [*_endless(instance), *_full(instance)]


def _endless(instance: Instance) -> Iterable[str]:
    for move in instance.moves:
        most = instance.most_rate[move.id]
        if move.rounds_bytes and move.working_set_bytes and move.dirty_rate_bytes_s >= most:
            dirties, carries = format_rate(round(move.dirty_rate_bytes_s)), format_rate(round(most))
            yield (
                f"move {move.id} would never end: its guest dirties {dirties} and its path carries {carries}; "
                "give it a faster path, or its bytes if it is to go by post-copy"
            )


def _full(instance: Instance) -> Iterable[str]:
    coming: dict[str, list[Move]] = defaultdict(list)
    for move in instance.moves:
        coming[move.target].append(move)
    for place in instance.places:
        short = instance.final_bytes[place.id] - place.memory_bytes
        if short > 0 and coming[place.id]:
            yield _full_place(place, coming[place.id], instance.final_bytes[place.id], short)


def _full_place(place: Place, coming: Sequence[Move], final_bytes: float, short: float) -> str:
    staying = final_bytes - sum(move.memory_bytes for move in coming)
    least, held = [], staying
    for move in sorted(coming, key=lambda each: (-each.memory_bytes, each.id)):
        least.append(move.id)
        held += move.memory_bytes
        if held > place.memory_bytes:
            break
    has, stays = format_bytes(round(place.memory_bytes)), format_bytes(round(staying))
    return (
        f"host {place.id} has {has}, {stays} of it for guests that stay: {named(least)} cannot all go there; "
        f"send {format_bytes(round(short))} elsewhere"
    )


def waiting(instance: Instance, stuck: Sequence[Move]) -> str:
    """Why these have no time: the shortest circle of hosts that wait for each other's memory."""
    circle = shortest_circle(stuck) or list(stuck)
    hosts = list(dict.fromkeys(move.target for move in circle))
    return (
        f"{named([move.id for move in circle])} wait for each other: each goes to a host that is full until another of "
        f"them has left ({', '.join(hosts[:NAMED])}), and no third host is known to have room for one of them "
        "meanwhile; give a host with free memory its `out` and `in` links, or free some on one of these"
    )


def shortest_circle(stuck: Sequence[Move]) -> list[Move]:
    """Of moves from host to host; empty where there is none."""
    leaving: dict[str, list[Move]] = defaultdict(list)
    for move in stuck:
        leaving[move.source].append(move)
    best: list[Move] = []
    for first in stuck:
        found = _way_back(first, leaving)
        if found and (not best or len(found) < len(best)):
            best = found
    return best


def _way_back(first: Move, leaving: dict[str, list[Move]]) -> list[Move]:
    queue, ways = deque([first.target]), {first.target: [first]}
    while queue:
        host = queue.popleft()
        if host == first.source:
            return ways[host]
        for move in leaving[host]:
            if move.target not in ways:
                ways[move.target] = [*ways[host], move]
                queue.append(move.target)
    return []


def named(ids: Sequence[str]) -> str:
    words = ", ".join(ids[:NAMED])
    return words if len(ids) <= NAMED else f"{words} and {len(ids) - NAMED} more"
