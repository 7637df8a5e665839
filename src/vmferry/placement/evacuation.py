"""Where a whole set of guests goes at once, or which of them have no place, and what would make one.

Theory of operation. Those with the fewest choices, and among them the largest, are placed first, each on the host of
its choices that keeps the largest share of its memory free after all that came before; what finds no room pushes one
that was placed before it to another of its choices, over as many steps as it takes. Where that fails too, all ways are
tried, up to a number of steps: only if none is left has it been proved that the set has no place.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

MOST_STEPS = 200_000
"""Of the proof: a second or so."""


@dataclass(frozen=True, slots=True)
class Seat:
    """A host that may take guests."""

    host: str
    memory_bytes: int
    free_bytes: int
    """For those that come: what is claimed already is taken off."""
    domains: Mapping[str, str] = field(default_factory=dict)
    """Of groups that are to be apart: what is one place, if not each host."""

    def taken_by(self, traveller: Traveller) -> set[tuple[str, str]]:
        """(group, place) that nobody else of these groups may have then."""
        return {(group, self.domains.get(group, self.host)) for group in traveller.apart}


@dataclass(frozen=True, slots=True)
class Traveller:
    """A guest that has to go somewhere."""

    guest: str
    need_bytes: int
    choices: Mapping[str, float]
    """Hosts that the rules leave it, with a penalty: 0 is as good as any, 1 as bad as a host without free memory."""
    apart: frozenset[str] = frozenset()
    """Groups of which no two may come to one place; who is there already is for the rules to see."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """`places`: guest to host. `left`: those that found none; `proved`: they cannot all have one, whatever is done."""

    places: Mapping[str, str]
    left: tuple[Traveller, ...] = ()
    proved: bool = True
    alone: tuple[str, ...] = ()
    """Of `with_spare`: hosts whose guests would find no room on the others if it failed then."""


@dataclass(slots=True)
class _Rooms:
    seats: Mapping[str, Seat]
    free: dict[str, int]
    places: dict[str, str] = field(default_factory=dict)
    taken: set[tuple[str, str]] = field(default_factory=set)

    def put(self, traveller: Traveller, host: str) -> None:
        self.places[traveller.guest] = host
        self.free[host] -= traveller.need_bytes
        self.taken |= self.seats[host].taken_by(traveller)

    def take(self, traveller: Traveller) -> None:
        host = self.places.pop(traveller.guest)
        self.free[host] += traveller.need_bytes
        self.taken -= self.seats[host].taken_by(traveller)

    def is_open(self, traveller: Traveller, host: str) -> bool:
        return host in self.seats and not self.seats[host].taken_by(traveller) & self.taken

    def fitting(self, traveller: Traveller, but: str | None = None) -> list[str]:
        """Best first."""
        found = [
            host
            for host in traveller.choices
            if host != but and self.free.get(host, -1) >= traveller.need_bytes and self.is_open(traveller, host)
        ]
        return sorted(found, key=lambda host: (-self.worth(traveller, host), host))

    def worth(self, traveller: Traveller, host: str) -> float:
        seat = self.seats[host]
        share = (self.free[host] - traveller.need_bytes) / seat.memory_bytes if seat.memory_bytes else 0.0
        return share - traveller.choices[host]


def assign(travellers: Sequence[Traveller], seats: Sequence[Seat]) -> Assignment:
    rooms = _Rooms({seat.host: seat for seat in seats}, {seat.host: seat.free_bytes for seat in seats})
    known = {each.guest: each for each in travellers}
    left = []
    for traveller in sorted(travellers, key=lambda each: (len(each.choices), -each.need_bytes, each.guest)):
        if not _placed(rooms, traveller, known):
            left.append(traveller)
    if not left:
        return Assignment(rooms.places)
    exact, proved = _all_ways(travellers, seats)
    if exact is not None:
        return Assignment(exact)
    return Assignment(rooms.places, tuple(left), proved)


def _placed(rooms: _Rooms, traveller: Traveller, known: Mapping[str, Traveller]) -> bool:
    fitting = rooms.fitting(traveller)
    if fitting:
        rooms.put(traveller, fitting[0])
        return True
    return _pushed(rooms, traveller, known)


def _pushed(rooms: _Rooms, first: Traveller, known: Mapping[str, Traveller]) -> bool:
    """The shortest chain: `first` takes the place of one that takes the place of another, and so on to free room."""
    queue: deque[tuple[Traveller, tuple[tuple[Traveller, str], ...]]] = deque([(first, ())])
    seen = {first.guest}
    while queue:
        mover, chain = queue.popleft()
        for host in sorted(mover.choices):
            if host not in rooms.free:
                continue
            for other in [known[guest] for guest, at in sorted(rooms.places.items()) if at == host]:
                if other.guest in seen or rooms.free[host] + other.need_bytes < mover.need_bytes:
                    continue
                seen.add(other.guest)
                steps = (*chain, (mover, host))
                elsewhere = rooms.fitting(other, but=host)
                if elsewhere and _carried_out(rooms, (*steps, (other, elsewhere[0]))):
                    return True
                queue.append((other, steps))
    return False


def _carried_out(rooms: _Rooms, chain: Sequence[tuple[Traveller, str]]) -> bool:
    """All or nothing: along a chain that meets one host twice there may be less room than there seemed, or another of
    a group that is to be apart.
    """
    before, places, taken = dict(rooms.free), dict(rooms.places), set(rooms.taken)
    for mover, _ in chain:
        if mover.guest in rooms.places:
            rooms.take(mover)
    for mover, host in chain:
        if not rooms.is_open(mover, host):
            break
        rooms.put(mover, host)
    else:
        if min(rooms.free.values()) >= 0:
            return True
    rooms.free, rooms.places, rooms.taken = before, places, taken
    return False


def _all_ways(travellers: Sequence[Traveller], seats: Sequence[Seat]) -> tuple[dict[str, str] | None, bool]:
    """An assignment of all; or None, and whether it is proved that there is none."""
    rooms = _Rooms({seat.host: seat for seat in seats}, {seat.host: seat.free_bytes for seat in seats})
    free = rooms.free
    order = sorted(travellers, key=lambda each: (-each.need_bytes, len(each.choices), each.guest))
    room, need = sum(max(0, each) for each in free.values()), sum(each.need_bytes for each in order)
    if need > room or any(
        max((free.get(host, -1) for host in each.choices), default=-1) < each.need_bytes for each in order
    ):
        return None, True
    tried: list[list[str]] = []
    steps = 0
    while len(rooms.places) < len(order):
        traveller = order[len(rooms.places)]
        if len(tried) == len(rooms.places):
            tried.append(sorted((h for h in traveller.choices if h in free), key=lambda host: (free[host], host)))
        while tried[-1] and not _has_place(rooms, traveller, tried[-1][-1]):
            tried[-1].pop()
        steps += 1
        if steps > MOST_STEPS:
            return None, False
        if tried[-1]:
            rooms.put(traveller, tried[-1].pop())
            continue
        tried.pop()
        if not tried:
            return None, True
        rooms.take(order[len(rooms.places) - 1])
    return rooms.places, True


def _has_place(rooms: _Rooms, traveller: Traveller, host: str) -> bool:
    return rooms.free[host] >= traveller.need_bytes and rooms.is_open(traveller, host)


def spare(seats: Sequence[Seat], guests: Mapping[str, Sequence[int]]) -> tuple[str, ...]:
    """N+1: hosts whose guests (their needs in bytes, by host) would not find room on the others if it failed now.

    By memory alone, the largest first: what the rules would say of each is not asked.
    """
    lost = []
    for gone in seats:
        free = sorted((seat.free_bytes for seat in seats if seat is not gone), reverse=True)
        for need in sorted(guests.get(gone.host, ()), reverse=True):
            if not free or free[0] < need:
                lost.append(gone.host)
                break
            free[0] -= need
            free.sort(reverse=True)
    return tuple(lost)


def with_spare(
    travellers: Sequence[Traveller], seats: Sequence[Seat], guests: Mapping[str, Sequence[int]]
) -> Assignment:
    """As `assign`, and which hosts it leaves without a stand-in (N+1): fewer, if one guest or another goes elsewhere.
    `guests`: the needs of those that are on each host already.
    """
    found = assign(travellers, seats)
    needs = {each.guest: each.need_bytes for each in travellers}
    places, lost = dict(found.places), _lost(found.places, needs, seats, guests)
    known = {seat.host for seat in seats}
    for traveller in sorted(travellers, key=lambda each: (-each.need_bytes, each.guest)):
        for host in sorted(known & traveller.choices.keys()):
            if found.left or not lost:
                return replace(found, places=places, alone=lost)
            tried = places | {traveller.guest: host}
            fits = free_after(tried, needs, seats)[host] >= 0 and are_apart(tried, travellers, seats)
            if host != places[traveller.guest] and fits:
                now = _lost(tried, needs, seats, guests)
                if len(now) < len(lost):
                    places, lost = tried, now
    return replace(found, places=places, alone=lost)


def are_apart(places: Mapping[str, str], travellers: Sequence[Traveller], seats: Sequence[Seat]) -> bool:
    """No two of a group that is to be apart have one place."""
    by_host = {seat.host: seat for seat in seats}
    taken: set[tuple[str, str]] = set()
    for traveller in travellers:
        if traveller.guest in places:
            more = by_host[places[traveller.guest]].taken_by(traveller)
            if more & taken:
                return False
            taken |= more
    return True


def free_after(places: Mapping[str, str], needs: Mapping[str, int], seats: Sequence[Seat]) -> dict[str, int]:
    """What each host has left; less than nothing where it would not do."""
    free = {seat.host: seat.free_bytes for seat in seats}
    for guest, host in places.items():
        free[host] -= needs[guest]
    return free


def _lost(
    places: Mapping[str, str], needs: Mapping[str, int], seats: Sequence[Seat], guests: Mapping[str, Sequence[int]]
) -> tuple[str, ...]:
    """Nobody is asked to stand in for the only one there is."""
    if len(seats) < 2:
        return ()
    free = free_after(places, needs, seats)
    there = {seat.host: list(guests.get(seat.host, ())) for seat in seats}
    for guest, host in places.items():
        there[host].append(needs[guest])
    return spare([replace(seat, free_bytes=free[seat.host]) for seat in seats], there)
