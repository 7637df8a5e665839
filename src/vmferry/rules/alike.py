"""What makes two moves, pairs or hosts alike to a rule, names apart: what passes for one passes for the other.

Over a fleet most is alike and passes, so that a judge looks once. Each function here has to name all that decides
whether its rules pass. Of one snapshot an object is itself, so that its identity stands for all of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable
from dataclasses import replace
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import urlsplit

from vmferry.facts.disk import DiskSight
from vmferry.facts.guest import GuestFacts
from vmferry.facts.host import HostFacts, KnownGuest
from vmferry.facts.move import MoveFacts, PairFacts
from vmferry.facts.wish import NO_WISH, MoveWish

MOST_KEPT = 1 << 16
"""Of each kind: then all of it is forgotten and worked out anew."""

T = TypeVar("T")


def of_the_same(work_out: Callable[..., T]) -> Callable[..., T]:
    """Remembers what was worked out of these very objects."""
    found: dict[tuple[int, ...], tuple[tuple[object, ...], T]] = {}

    @wraps(work_out)
    def remembered(*things: Any) -> T:  # noqa: ANN401 - whatever it is worked out of
        key = tuple(map(id, things))
        known = found.get(key)
        if known is None:
            if len(found) >= MOST_KEPT:
                found.clear()
            # With the things themselves, so that no other gets the identity of one of them.
            known = found[key] = (things, work_out(*things))
        return known[1]

    return remembered


_numbers: dict[Hashable, int] = {}
_next = itertools.count()


def number(value: Hashable) -> int:
    """Equal values have one number, and no number is ever given twice: it is quicker to compare."""
    known = _numbers.get(value)
    if known is None:
        if len(_numbers) >= MOST_KEPT:
            _numbers.clear()
        known = _numbers[value] = next(_next)
    return known


def by_shape(move: MoveFacts) -> Hashable:
    """What the guest is like and asks for, whoever it is; and all of the target."""
    if not _is_plain(move.wish):
        return id(move.target.host), id(move.guest), id(move.source), move.wish
    return id(move.target.host), _shape(move.guest), move.guest.needs.cpu.unchecked and id(move.source)


@of_the_same
def _is_plain(wish: MoveWish) -> bool:
    """It asks for nothing, but maybe for encryption, which clashes only with what else is asked for, for groups, which
    have rules of their own, and for an order.
    """
    plain = replace(wish, encryption=NO_WISH.encryption, tls=False, groups=NO_WISH.groups, weights=NO_WISH.weights)
    return plain == NO_WISH


@of_the_same
def _shape(guest: GuestFacts) -> int:
    needs = guest.needs
    asked = (needs.cpu, needs.pages, needs.nodes, needs.pins, needs.secrets)
    models = (*(nic.model for nic in guest.guest.nics), *guest.sounds)
    return number((guest.virt_type, guest.arch, guest.machine, asked, models))


def by_setup(host: HostFacts) -> Hashable:
    """What is set on the host, and by what way the others are told to come."""
    return _system(host), _way(host)


@of_the_same
def _way(host: HostFacts) -> Hashable:
    try:
        parts = urlsplit(host.peer_uri or "")
        return parts.scheme, parts.port, bool(parts.hostname)
    except ValueError:
        return host.peer_uri


def by_systems(pair: PairFacts) -> Hashable:
    """The releases of both hosts, and all that is set on them, whatever they are called."""
    return _system(pair.source), _system(pair.target)


@of_the_same
def _system(host: HostFacts) -> int:
    return number((host.system, host.libvirt, host.qemu))


def by_hosts(move: MoveFacts) -> Hashable:
    """The source, and whether TLS is asked for, whatever the guest."""
    return id(move.source), move.wish.encryption, move.wish.tls, move.wish.tls_destination


def by_files(move: MoveFacts) -> Hashable:
    """How both hosts see this guest's files, what lets the target's QEMU open them, and who else uses them."""
    target, host = move.target, move.target.host
    return (
        id(move.guest),
        id(move.source),
        id(move.source_disks),
        id(target.disks),
        id(target.edits),
        _openness(host),
        None if _is_stranger(move) and _is_plain(move.wish) else (id(host), move.wish),
    )


def _is_stranger(move: MoveFacts) -> bool:
    """The target knows no guest of this name, UUID or disks, and keeps none of its storage."""
    host, guest = move.target.host, move.guest.guest
    words = _words(host.guests)
    if guest.name in words or guest.uuid in words or not _names(guest.disks, move.source_disks).isdisjoint(words):
        return False
    if host.storage is not None and host.storage.exports:
        return False
    own = _own_addresses(host)
    return own.isdisjoint(_addresses(move.source_disks)) and own.isdisjoint(_addresses(move.target.disks))


@of_the_same
def _openness(host: HostFacts) -> int:
    system = host.system
    conf = system.conf("qemu.conf") if system is not None else None
    owning = conf.setting("dynamic_ownership") if conf is not None else None
    pools = [(each.name, each.kind, each.active, each.serves, each.path) for each in host.pools or ()]
    return number(
        (
            host.libvirt,
            (system.selinux, system.selinux_booleans, system.swtpm) if system is not None else None,
            owning.value if owning is not None else None,
            host.pools is not None and tuple(pools),
            host.storage.gluster_clients if host.storage is not None else (),
            tuple((each.virt_type, each.arch, each.tpm_backends) for each in host.domains),
        )
    )


@of_the_same
def _names(disks: tuple[Any, ...], sights: tuple[DiskSight, ...]) -> frozenset[str]:
    """Of the disks, as the definition and as the source itself says."""
    paths = {sight.file.path for sight in sights if sight.file is not None}
    return frozenset(paths | {disk.source for disk in disks if disk.source is not None})


@of_the_same
def _words(guests: tuple[KnownGuest, ...]) -> frozenset[str]:
    """What the host's guests are called, and what they write to."""
    return frozenset(word for guest in guests for word in (guest.name, guest.uuid, *guest.disks))


@of_the_same
def _addresses(sights: tuple[DiskSight, ...]) -> frozenset[str]:
    """Of all servers, those of what the images rest on too."""
    own = (address for sight in sights for server in sight.servers for address in server.addresses)
    below = (address for sight in sights for address in _addresses(sight.backing))
    return frozenset((*own, *below))


@of_the_same
def _own_addresses(host: HostFacts) -> frozenset[str]:
    addresses = host.network.addresses if host.network is not None else None
    return frozenset(each.address for each in addresses or ())
