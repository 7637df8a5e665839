"""A second look: at where a target's definition will name a guest's files, if not where the source's does."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from vmferry.errors import VmferryError
from vmferry.facts.disk import DiskSight
from vmferry.facts.guest import GuestFacts
from vmferry.facts.move import View
from vmferry.facts.snapshot import NOT_LOOKED, Snapshot
from vmferry.model.edits import Edit, Naming
from vmferry.model.guest import Disk
from vmferry.placement.elsewhere import Shares, edited, edits
from vmferry.ports import HostPort
from vmferry.service.parallel import all_at_once
from vmferry.xml.disks import disks as disks_of
from vmferry.xml.parse import BadXml, parse
from vmferry.xml.rewrite import renamed


@dataclass(frozen=True, slots=True)
class _Look:
    """What one target's definition of one guest names differently."""

    uuid: str
    source: str
    target: str
    changes: tuple[Edit, ...]
    before: tuple[Disk, ...]
    """As the source has them; only those that differ."""
    after: tuple[Disk, ...]
    """The same disks as the target would have them."""
    certain: bool
    """The user says so. Otherwise it is a guess, which counts only for what is then seen."""


NOT_ASKED = "no host was asked about the given definition"

Looks = Mapping[str, Sequence[_Look]]
"""By a host's name."""


def look_elsewhere(snapshot: Snapshot, hosts: Sequence[HostPort], given: str | None, limit_s: float) -> Snapshot:
    """Nothing is asked where everything is seen at the same place. `given`: the user's own definition, of one guest.

    A host that is not among `hosts` is not asked: what a given definition names there is not known.
    """
    ports = {host.entry.name: host for host in hosts}
    looks = list(_looks(snapshot, ports, given))
    if not looks:
        return snapshot
    views = {uuid: dict(by_host) for uuid, by_host in snapshot.views.items()}
    for look, sights in _seen(ports, looks, limit_s):
        views[look.uuid][look.target] = _corrected(views[look.uuid][look.target], look, sights)
    return replace(snapshot, views=views)


def _looks(snapshot: Snapshot, ports: Mapping[str, HostPort], given: str | None) -> Iterator[_Look]:
    shares = {host.name: Shares(host) for host in snapshot.hosts}
    for guest in snapshot.guests:
        views = snapshot.views.get(guest.guest.uuid, {})
        here = views.get(guest.guest.host, NOT_LOOKED)
        for name, view in views.items():
            if name == guest.guest.host or (given is None and name not in ports):
                continue
            look = _guessed(guest, shares, name, (here, view)) if given is None else _given(guest, name, given)
            if look is not None:
                yield look


def _seen(
    ports: Mapping[str, HostPort], looks: Sequence[_Look], limit_s: float
) -> Iterator[tuple[_Look, tuple[DiskSight, ...]]]:
    """The sources leave their marks beside the files, which the targets then look for, each host in one question."""
    yield from ((look, _unseen(look, NOT_ASKED)) for look in looks if look.target not in ports)
    asked_for = [look for look in looks if look.target in ports]
    sources, targets = (_grouped(asked_for, lambda look: look.source), _grouped(asked_for, lambda look: look.target))
    try:
        marked = all_at_once([_marker(ports[name], asked) for name, asked in sources.items()], limit_s / 2)
        marks: dict[tuple[str, str], tuple[str, ...]] = {}
        for sights in (answer for answer in marked if isinstance(answer, dict)):
            marks |= sights
        answers = all_at_once([_looker(ports[name], asked, marks) for name, asked in targets.items()], limit_s / 2)
    finally:
        all_at_once([_remover(ports[name]) for name in sources], limit_s / 2)
    for asked, answer in zip(targets.values(), answers, strict=True):
        for number, look in enumerate(asked):
            yield look, answer[number] if isinstance(answer, list) else _unseen(look, answer)


def _grouped(looks: Sequence[_Look], host: Callable[[_Look], str]) -> Looks:
    groups: dict[str, list[_Look]] = {}
    for look in looks:
        groups.setdefault(host(look), []).append(look)
    return groups


def _marker(host: HostPort, looks: Sequence[_Look]) -> Callable[[], dict[tuple[str, str], tuple[str, ...]]]:
    """The marks by guest and disk."""

    def mark() -> dict[tuple[str, str], tuple[str, ...]]:
        disks = {(look.uuid, disk.target): disk for look in looks for disk in look.before}
        return {key: sight.marks for key, sight in zip(disks, host.mark_disks(list(disks.values())), strict=True)}

    return mark


def _remover(host: HostPort) -> Callable[[], None]:
    def remove() -> None:
        with contextlib.suppress(VmferryError):  # they go by themselves
            host.unmark_disks()

    return remove


def _guessed(guest: GuestFacts, shares: Mapping[str, Shares], target: str, views: tuple[View, View]) -> _Look | None:
    """`views`: the source's and the target's."""
    needed = (*guest.guest.disks, *(each.as_disk() for each in guest.needs.files))
    missed = [disk for disk in needed if not _alike(disk.target, *views)]
    changes = edits(missed, shares[guest.guest.host], shares[target])
    before = tuple(disk for disk in missed if edited(disk, changes) != disk)
    after = tuple(edited(disk, changes) for disk in before)
    return _Look(guest.guest.uuid, guest.guest.host, target, changes, before, after, certain=False) if before else None


def _alike(target: str, here: View, there: View) -> bool:
    """Both see the same at the same place, as far as one look tells; whether it is the same is judged later."""
    seen = [sight for view in (here, there) for sight in view.disks if sight.target == target and sight.seen]
    return len(seen) == 2 and seen[0].identity == seen[1].identity


def _given(guest: GuestFacts, target: str, given: str) -> _Look | None:
    """None also where it cannot be read, of which a rule speaks."""
    try:
        changes = renamed(guest.migratable_xml or guest.live_xml, given)
        there = {disk.target: disk for disk in disks_of(parse(given, "the given definition"))}
    except BadXml:
        return None
    before, after = [], []
    for disk in guest.guest.disks:
        new = there.get(disk.target, disk)
        new = replace(new, backing=new.backing or edited(disk, changes).backing)
        if (new.source, new.backing) != (disk.source, disk.backing):
            before.append(disk)
            after.append(new)
    look = _Look(guest.guest.uuid, guest.guest.host, target, changes, tuple(before), tuple(after), certain=True)
    return look if changes or before else None


def _looker(
    host: HostPort, looks: Sequence[_Look], marks: Mapping[tuple[str, str], tuple[str, ...]]
) -> Callable[[], list[tuple[DiskSight, ...]]]:
    """One list of sights a look, all in one question."""

    def look() -> list[tuple[DiskSight, ...]]:
        disks = [(each.uuid, disk) for each in looks for disk in each.after]
        names = [marks.get((uuid, disk.target), ()) for uuid, disk in disks]
        sights = iter(host.see_disks([disk for _, disk in disks], names) if disks else ())
        return [tuple(next(sights) for _ in each.after) for each in looks]

    return look


def _unseen(look: _Look, answer: object) -> tuple[DiskSight, ...]:
    """`answer`: what kept the host from answering, or says it."""
    if isinstance(answer, Exception) and not isinstance(answer, VmferryError | TimeoutError):
        raise answer
    problem = answer.message if isinstance(answer, VmferryError) else str(answer)
    return tuple(DiskSight(disk.target, None, problem=problem) for disk in look.after)


def _corrected(view: View, look: _Look, sights: Sequence[DiskSight]) -> View:
    believed = {sight.target: sight for sight in sights if look.certain or sight.seen}
    if look.after and not believed:
        return view
    changes = tuple(each for each in look.changes if look.certain or _touches(each, look.after, believed))
    kept = tuple(believed.pop(sight.target, sight) for sight in view.disks)
    return replace(view, disks=(*kept, *believed.values()), edits=changes)


def _touches(change: Edit, disks: Sequence[Disk], believed: Mapping[str, DiskSight]) -> bool:
    for disk in (each for each in disks if each.target in believed):
        pool = (disk.source or "").partition("/")[0] if disk.kind == "volume" else None
        if change.after in (disk.source, *disk.backing) or (change.naming is Naming.POOL and change.after == pool):
            return True
    return False
