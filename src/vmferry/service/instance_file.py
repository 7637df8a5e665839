"""A fleet and its moves as a file (the contract's INSTANCE.json), to a `schedule.instance.Instance`.

What is read may come from anybody: every name is looked up, and every number has to be one that can be meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Annotated

import msgspec

from vmferry.errors import UserError
from vmferry.schedule.instance import Activity, Instance, Link, Move, Place, Resident
from vmferry.service import file_bytes
from vmferry.service.file_bytes import Wanted, read_file

_WANTED = Wanted(
    "instance", "an instance as docs/planning.md describes it", "write it anew", "plan a part of the fleet at a time"
)

Amount = Annotated[float, msgspec.Meta(ge=0, le=1e18)]
Positive = Annotated[float, msgspec.Meta(gt=0, le=1e18)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class _Link(msgspec.Struct):
    id: Name
    capacity_bytes_s: Positive


class _Host(msgspec.Struct, rename={"into": "in"}):
    id: Name
    memory_bytes: Amount
    max_out: Count | None = None
    max_in: Count | None = None
    out: tuple[Name, ...] = ()
    into: tuple[Name, ...] = ()


class _Step(msgspec.Struct, kw_only=True):
    id: Name
    after: tuple[Name, ...] = ()


class _Move(_Step, kw_only=True, rename={"source": "from", "target": "to", "fixed_bytes": "bytes"}):
    source: Name
    target: Name
    memory_bytes: Amount
    path: tuple[Name, ...]
    fixed_bytes: Amount | None = None
    dirty_rate_bytes_s: Amount | None = None
    working_set_bytes: Amount | None = None
    disk_bytes: Amount = 0
    max_rate_bytes_s: Positive | None = None
    guest: str = ""


class _Guest(msgspec.Struct):
    id: Name
    host: Name
    memory_bytes: Amount


class _Activity(_Step, kw_only=True):
    duration_s: Annotated[float, msgspec.Meta(ge=0, le=1e9)]


class _File(msgspec.Struct):
    links: tuple[_Link, ...]
    hosts: tuple[_Host, ...]
    moves: tuple[_Move, ...]
    guests: tuple[_Guest, ...] = ()
    activities: tuple[_Activity, ...] = ()
    max_moves: Count | None = None


def load_instance(path: Path) -> Instance:
    """Raises UserError, in a line, for whatever is wrong with the file."""
    return decoded(read_file(path, _WANTED), str(path))


def decoded(data: bytes, name: str) -> Instance:
    """`name` is what the errors call it."""
    file = file_bytes.decoded(data, _File, name, _WANTED)
    problem = next(iter(_problems(file)), None)
    if problem is not None:
        raise UserError(f"{name} is no instance: {problem}")
    return Instance(
        links=tuple(Link(each.id, each.capacity_bytes_s) for each in file.links),
        places=tuple(
            Place(each.id, each.memory_bytes, each.max_out, each.max_in, each.out, each.into) for each in file.hosts
        ),
        moves=tuple(map(_move, file.moves)),
        residents=tuple(Resident(each.id, each.host, each.memory_bytes) for each in file.guests),
        activities=tuple(Activity(each.id, each.duration_s, each.after) for each in file.activities),
        max_moves=file.max_moves,
    )


def _move(read: _Move) -> Move:
    known = read.fixed_bytes is not None
    most = read.memory_bytes if read.working_set_bytes is None else read.working_set_bytes
    return Move(
        id=read.id,
        source=read.source,
        target=read.target,
        memory_bytes=read.memory_bytes,
        path=tuple(dict.fromkeys(read.path)),
        after=tuple(dict.fromkeys(read.after)),
        fixed_bytes=(read.fixed_bytes or 0) + read.disk_bytes,
        rounds_bytes=0 if known else read.memory_bytes,
        dirty_rate_bytes_s=0 if known else read.dirty_rate_bytes_s or 0,
        working_set_bytes=0 if known else most,
        max_rate_bytes_s=read.max_rate_bytes_s,
        guest=read.guest,
    )


def _problems(file: _File) -> Iterable[str]:
    steps: tuple[_Step, ...] = (*file.moves, *file.activities)
    yield from _twice("link", (each.id for each in file.links))
    yield from _twice("host", (each.id for each in file.hosts))
    yield from _twice("guest", (each.id for each in file.guests))
    yield from _twice("move or activity", (each.id for each in steps))
    links, hosts = {each.id for each in file.links}, {each.id for each in file.hosts}
    at = {each.id: each.host for each in file.guests}
    for guest in file.guests:
        yield from _unknown(f"guest {guest.id}", "host", [guest.host], hosts)
    for host in file.hosts:
        yield from _unknown(f"host {host.id}", "link", [*host.out, *host.into], links)
    for move in file.moves:
        yield from _move_problems(move, links, hosts, at)
    known = {each.id for each in steps}
    for each in steps:
        yield from _unknown(each.id, "move or activity", each.after, known)
    yield from _circle({each.id: each.after for each in steps})
    yield from _legs(file.moves, at)


def _move_problems(move: _Move, links: set[str], hosts: set[str], at: Mapping[str, str]) -> Iterable[str]:
    who = f"move {move.id}"
    yield from _unknown(who, "host", [move.source, move.target], hosts)
    yield from _unknown(who, "link", move.path, links)
    if move.source == move.target:
        yield f"{who} goes from {move.source} to {move.source}, which is no move"
    if not move.path and move.max_rate_bytes_s is None:
        yield f"{who} has no link in its path, so nothing says how fast it is; give it a path or max_rate_bytes_s"
    if move.fixed_bytes is not None and (move.dirty_rate_bytes_s or move.working_set_bytes):
        yield f"{who} has both bytes and a dirty rate; bytes are all that it sends, so give one of them"
    if move.memory_bytes + (move.fixed_bytes or 0) + move.disk_bytes <= 0:
        yield f"{who} sends nothing; give it memory_bytes or bytes, or make it an activity"


def _legs(moves: Sequence[_Move], at: Mapping[str, str]) -> Iterable[str]:
    """A guest's moves follow each other, and the first begins where the guest is."""
    by_guest: dict[str, list[_Move]] = {}
    for move in moves:
        by_guest.setdefault(move.guest or move.id, []).append(move)
    for guest, legs in by_guest.items():
        ids = {leg.id for leg in legs}
        firsts = [leg for leg in legs if not ids & set(leg.after)]
        if len(firsts) > 1:
            both = f"moves {firsts[0].id} and {firsts[1].id} are both the first of guest {guest}"
            yield f"{both}; name one in the other's after"
            continue
        first = firsts[0]
        if at.get(guest, first.source) != first.source:
            yield f"move {first.id} begins on {first.source}, but its guest {guest} is on {at[guest]}"
        for leg in legs:
            before = [each for each in legs if each.id in leg.after]
            if before and before[0].target != leg.source:
                yield f"move {leg.id} begins on {leg.source}, but {before[0].id} leaves its guest on {before[0].target}"


def _twice(what: str, ids: Iterable[str]) -> Iterable[str]:
    seen: set[str] = set()
    for name in ids:
        if name in seen:
            yield f"it has {what} {name!a} twice"
        seen.add(name)


def _unknown(who: str, what: str, names: Iterable[str], known: set[str]) -> Iterable[str]:
    for name in names:
        if name not in known:
            yield f"{who} names {what} {name!a}, which it does not have"


def _circle(before: Mapping[str, Sequence[str]]) -> Iterable[str]:
    try:
        TopologicalSorter(before).prepare()
    except CycleError as error:
        names = error.args[1]
        yield f"{' after '.join(names[:6])}{' and so on' if len(names) > 6 else ''}: these can never begin"
