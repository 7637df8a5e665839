"""A fleet of any size, made of the facts of a few real hosts and guests: names, sizes, places and gaps vary."""

from __future__ import annotations

import random
import uuid
from dataclasses import replace

from vmferry.facts.guest import GuestFacts
from vmferry.facts.host import HostFacts, KnownGuest
from vmferry.facts.move import View
from vmferry.facts.path import PathFacts
from vmferry.facts.snapshot import Snapshot
from vmferry.model.guest import Guest

GIB = 1 << 30
MEMORY_GIB = (64, 128, 256, 512)
GUEST_MEMORY_GIB = (1, 2, 4, 8, 16)
BLIND = 0.03
"""Of the hosts: do not see a guest's disks."""
LACKING = 0.05
"""Of the hosts: lack the guests' networks."""


def fleet(seen: Snapshot, hosts: int, guests: int, seed: int = 1) -> Snapshot:
    """`seen` has two hosts and a guest at the least, all of them answered."""
    draw = random.Random(seed)
    names = [f"host{number:04}" for number in range(hosts)]
    placed = [guest_like(seen.guests[number % len(seen.guests)], number, names, draw) for number in range(guests)]
    here: dict[str, list[Guest]] = {name: [] for name in names}
    for guest in placed:
        here[guest.guest.host].append(guest.guest)
    made = [
        host_like(seen.hosts[number % len(seen.hosts)], name, here[name], draw) for number, name in enumerate(names)
    ]
    views = {}
    for number, guest in enumerate(placed):
        views[guest.guest.uuid] = _views(seen, seen.guests[number % len(seen.guests)], guest, names, draw)
    sources = dict.fromkeys(guest.guest.host for guest in placed)
    paths = {name: _paths(seen, names.index(name), names) for name in sources}
    return Snapshot(seen.taken, tuple(made), tuple(placed), views, paths)


def _uuid(draw: random.Random) -> str:
    return str(uuid.UUID(int=draw.getrandbits(128), version=4))


def host_like(base: HostFacts, name: str, guests: list[Guest], draw: random.Random) -> HostFacts:
    memory_bytes = draw.choice(MEMORY_GIB) * GIB
    return replace(
        base,
        name=name,
        host_uuid=_uuid(draw),
        peer_uri=f"qemu+ssh://root@{name}/system",
        memory_bytes=memory_bytes,
        memory_free_bytes=int(memory_bytes * draw.random()),
        guests=tuple(KnownGuest(each.name, each.uuid, active=True) for each in guests),
        networks=() if draw.random() < LACKING else base.networks,
    )


def guest_like(base: GuestFacts, number: int, names: list[str], draw: random.Random) -> GuestFacts:
    name, own = f"guest{number:05}", _uuid(draw)
    memory_bytes = draw.choice(GUEST_MEMORY_GIB) * GIB
    disks = tuple(
        replace(disk, source=None if disk.source is None else f"{disk.source}-{number}") for disk in base.guest.disks
    )
    nics = tuple(replace(nic, mac=f"52:54:{draw.getrandbits(32):08x}") for nic in base.guest.nics)
    host = names[number % len(names)]
    guest = replace(base.guest, name=name, uuid=own, host=host, memory_bytes=memory_bytes, disks=disks, nics=nics)
    xml = base.live_xml.replace(base.guest.name, name).replace(base.guest.uuid, own)
    return replace(base, guest=guest, live_xml=xml, memory_used_bytes=memory_bytes // 2)


def _views(
    seen: Snapshot, base: GuestFacts, guest: GuestFacts, names: list[str], draw: random.Random
) -> dict[str, View]:
    """As the real hosts see the real guest: hosts of one kind see it alike."""
    kinds = [own_view(seen.views[base.guest.uuid][host.name], base, guest) for host in seen.hosts]
    blind = [blinded(view) for view in kinds]
    views = {
        name: (blind if draw.random() < BLIND else kinds)[number % len(kinds)] for number, name in enumerate(names)
    }
    source = next(place for place, host in enumerate(seen.hosts) if host.name == base.guest.host)
    return views | {guest.guest.host: kinds[source]}


def blinded(view: View) -> View:
    """Of a host that does not see the guest's disks."""
    return replace(view, disks=tuple(replace(each, seen=False, problem="not there") for each in view.disks))


def own_view(view: View, base: GuestFacts, guest: GuestFacts) -> View:
    """The same sights of the guest's own disks: they are other bytes."""
    number = guest.guest.name.removeprefix("guest")
    disks = tuple(
        replace(each, identity=None if each.identity is None else f"{each.identity} {number}") for each in view.disks
    )
    return replace(view, disks=disks)


def _paths(seen: Snapshot, source: int, names: list[str]) -> dict[str, PathFacts]:
    """Between two hosts of one kind, as between the two real ones that were tried."""
    tried = [path for paths in seen.paths.values() for path in paths.values()]
    return {name: tried[(source + number) % len(tried)] for number, name in enumerate(names)} if tried else {}
