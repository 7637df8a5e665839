"""How every host sees the disks of every guest.

A guest's own host looks first, and leaves marks beside the files that others may see. Then all others look, for the
files and for the marks: one that is there is proof that a path leads to the same directory, whatever its name.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence

from vmferry.errors import VmferryError
from vmferry.facts.disk import DiskSight
from vmferry.facts.guest import GuestFacts
from vmferry.model.guest import Disk
from vmferry.ports import HostPort
from vmferry.service.parallel import all_at_once

MOST_LOOKS = 64
"""So many disks are looked at in one question: each is a process on the host."""
MARKS_HOLD_S = 14.0
"""They go by themselves after 20 s: what is looked at later is looked at without them."""
MARKING_SHARE = 0.4
"""Of the time for it all, at the most, until every host has looked at its own guests' disks."""
REMOVING_S = 5.0

Sights = dict[str, tuple[DiskSight, ...]]
"""By the guest's UUID, one each of what was looked at, in order."""


def see_everywhere(
    hosts: Sequence[HostPort], guests: Sequence[GuestFacts], limit_s: float
) -> dict[str, Sights | Exception]:
    """By host. One that fails or is late has its error, and the others look without its marks."""
    began_s = time.monotonic()
    sources = [host for host in hosts if _of(host, guests)]
    try:
        own = _by_name(sources, [_marker(host, guests) for host in sources], limit_s * MARKING_SHARE)
        known = {uuid: seen for sights in own.values() if isinstance(sights, dict) for uuid, seen in sights.items()}
        left_s = began_s + limit_s - time.monotonic()
        other = _by_name(hosts, [_looker(host, guests, known, time.monotonic()) for host in hosts], left_s)
    finally:
        all_at_once([_remover(host) for host in sources], REMOVING_S)
    return {name: _joined(own.get(name, {}), seen) for name, seen in other.items()}


def _by_name(
    hosts: Sequence[HostPort], looks: Sequence[Callable[[], Sights]], limit_s: float
) -> dict[str, Sights | Exception]:
    answers = all_at_once(looks, limit_s)
    return {host.entry.name: answer for host, answer in zip(hosts, answers, strict=True)}


def looked_at(guest: GuestFacts) -> tuple[Disk, ...]:
    """The guest's disks, then the other files that it needs."""
    return (*guest.guest.disks, *(each.as_disk() for each in guest.needs.files))


def _of(host: HostPort, guests: Sequence[GuestFacts], *, others: bool = False) -> list[GuestFacts]:
    return [each for each in guests if looked_at(each) and (each.guest.host != host.entry.name) is others]


def _marker(host: HostPort, guests: Sequence[GuestFacts]) -> Callable[[], Sights]:
    return lambda: _in_parts(
        _of(host, guests), lambda part, _: host.mark_disks([disk for guest in part for disk in looked_at(guest)])
    )


def _looker(host: HostPort, guests: Sequence[GuestFacts], known: Sights, since_s: float) -> Callable[[], Sights]:
    """`known`: how each guest's own host sees its disks, with the marks that it left until shortly before `since_s`."""

    def look(part: Sequence[GuestFacts], fresh: bool) -> tuple[DiskSight, ...]:
        disks = [disk for guest in part for disk in looked_at(guest)]
        return host.see_disks(disks, [names for guest in part for names in _marks(guest, known if fresh else {})])

    def looks() -> Sights:
        return _in_parts(_of(host, guests, others=True), lambda part, now_s: look(part, now_s < since_s + MARKS_HOLD_S))

    return looks


def _marks(guest: GuestFacts, known: Sights) -> list[tuple[str, ...]]:
    seen = known.get(guest.guest.uuid)
    return [sight.marks for sight in seen] if seen is not None else [() for _ in looked_at(guest)]


def _in_parts(
    guests: Sequence[GuestFacts], look: Callable[[Sequence[GuestFacts], float], tuple[DiskSight, ...]]
) -> Sights:
    """Every guest's own sights, looked at by as many guests together as have some MOST_LOOKS disks."""
    found: Sights = {}
    part: list[GuestFacts] = []
    for number, guest in enumerate(guests, 1):
        part.append(guest)
        if number == len(guests) or sum(len(looked_at(each)) for each in part) >= MOST_LOOKS:
            sights = iter(look(part, time.monotonic()))
            found |= {each.guest.uuid: tuple(next(sights) for _ in looked_at(each)) for each in part}
            part = []
    return found


def _remover(host: HostPort) -> Callable[[], None]:
    def remove() -> None:
        with contextlib.suppress(VmferryError):  # they go by themselves
            host.unmark_disks()

    return remove


def _joined(own: Sights | Exception, other: Sights | Exception) -> Sights | Exception:
    """A host that could not look at its own guests' disks may still have seen the others'."""
    if isinstance(other, Exception):
        return other
    if isinstance(own, Exception):
        return other or own
    return own | other
