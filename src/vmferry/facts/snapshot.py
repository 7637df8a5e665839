"""All that was observed at one time: of hosts, of guests, and of what each host sees of what a guest needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields

from vmferry.facts.compute import CommonCpu
from vmferry.facts.guest import GuestFacts
from vmferry.facts.host import HostFacts
from vmferry.facts.move import MoveFacts, TargetFacts, View
from vmferry.facts.path import NOTHING_TRIED, PathFacts
from vmferry.facts.wish import NO_WISH, MoveWish

NOT_LOOKED = View()

_VIEWED = tuple(each.name for each in fields(View))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that `check` judges, of any guest and target in it. Nothing else is looked at."""

    taken: str
    """RFC 3339, in UTC."""
    hosts: tuple[HostFacts, ...] = ()
    guests: tuple[GuestFacts, ...] = ()
    """Each on the host that it was found on; no two of one UUID."""
    views: dict[str, dict[str, View]] = field(default_factory=dict)
    """A guest's UUID and a host's name to how that host sees what the guest needs. Its source is among the hosts."""
    paths: dict[str, dict[str, PathFacts]] = field(default_factory=dict)
    """A source's and a target's name to what was tried between them."""
    common_cpus: tuple[CommonCpu, ...] = ()
    """Asked for only where a host cannot give a guest the CPU that it has."""

    def host(self, name: str) -> HostFacts:
        """Raises KeyError."""
        for host in self.hosts:
            if host.name == name:
                return host
        raise KeyError(name)

    def moves(self, guest: GuestFacts, to: str | None = None, wish: MoveWish = NO_WISH) -> Iterator[MoveFacts]:
        """The guest to every other host, or to that one, in the order of the hosts."""
        wanted = (each for each in self.hosts if each.name != guest.guest.host and to in (None, each.name))
        return self.moves_to(guest, wanted, wish)

    def moves_to(
        self,
        guest: GuestFacts,
        targets: Iterable[HostFacts],
        wish: MoveWish = NO_WISH,
        source: HostFacts | None = None,
    ) -> Iterator[MoveFacts]:
        """The guest to each of these, which are hosts of the snapshot. `source`: its own, where that is at hand."""
        source = source or self.host(guest.guest.host)
        views = self.views.get(guest.guest.uuid, {})
        paths = self.paths.get(source.name, {})
        here = views.get(source.name, NOT_LOOKED).disks
        kind = (guest.virt_type, guest.arch)
        cpu = next((each.cpu_xml for each in self.common_cpus if (each.virt_type, each.arch) == kind), None)
        for target in targets:
            seen = seen_by(target, views.get(target.name, NOT_LOOKED))
            path = paths.get(target.name, NOTHING_TRIED)
            yield MoveFacts(guest, source, here, seen, path, self.hosts, wish, cpu)


def seen_by(host: HostFacts, view: View) -> TargetFacts:
    return TargetFacts(host, **{name: getattr(view, name) for name in _VIEWED})
