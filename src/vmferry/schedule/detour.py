"""Where moves wait for each other's memory (a swap between two full hosts), one of them goes through a third host."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from vmferry.schedule.conflicts import shortest_circle
from vmferry.schedule.instance import Instance, Move, Place


def detours(instance: Instance, stuck: Sequence[Move]) -> Iterator[Instance]:
    """The instance with one of the stuck moves in two legs, likely ones first: small guests, roomy hosts."""
    circle = shortest_circle(stuck) or list(stuck)
    for move in sorted(circle, key=lambda each: (each.memory_bytes, each.id)):
        if move.leg == 0:
            yield from (_through(instance, move, third) for third in _thirds(instance, move))


def _thirds(instance: Instance, move: Move) -> list[Place]:
    """Hosts with room for the guest now and at the end, so that it is in nobody's way there."""

    def room(place: Place) -> float:
        return place.memory_bytes - max(instance.held_bytes[place.id], instance.final_bytes[place.id])

    ends = (instance.place[move.source], instance.place[move.target])
    if not ends[0].out or not ends[1].into:
        return []
    known = [place for place in instance.places if place.out and place.into and place not in ends]
    fitting = [place for place in known if room(place) >= move.memory_bytes]
    return sorted(fitting, key=lambda place: (-room(place), place.id))[:3]


def _through(instance: Instance, move: Move, third: Place) -> Instance:
    source, target = instance.place[move.source], instance.place[move.target]
    first = replace(
        move,
        id=f"{move.id}/1",
        target=third.id,
        path=tuple(dict.fromkeys((*source.out, *third.into))),
        guest=move.who,
        leg=1,
    )
    second = replace(
        move,
        id=f"{move.id}/2",
        source=third.id,
        path=tuple(dict.fromkeys((*third.out, *target.into))),
        after=(first.id,),
        guest=move.who,
        leg=2,
    )
    moves: list[Move] = []
    for each in instance.moves:
        moves += [first, second] if each.id == move.id else [_followed(each, move.id, second.id)]
    activities = tuple(
        replace(each, after=tuple(second.id if name == move.id else name for name in each.after))
        for each in instance.activities
    )
    return replace(instance, moves=tuple(moves), activities=activities)


def _followed(move: Move, before: str, now: str) -> Move:
    if before not in move.after:
        return move
    return replace(move, after=tuple(now if name == before else name for name in move.after))
