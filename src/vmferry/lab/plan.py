"""What a lab consists of: pure values, worked out before anything is made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network

from vmferry.errors import Failed, UserError

TRIXIE, BOOKWORM = "trixie", "bookworm"
RELEASES = {TRIXIE: "Debian 13", BOOKWORM: "Debian 12"}
MAX_HOSTS = 8
STORAGE = "storage"
_FIRST_HOST, _FIRST_GUEST, _STORAGE = 11, 101, 2
SUBNET_BITS = 24
_PRIVATE = tuple(
    IPv4Network(text) for text in ("10.213.0.0/16", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "198.18.0.0/15")
)
"""Where a lab looks for subnets, in this order. What is at the beginning of 10.0.0.0/8 is what others take first."""


@dataclass(frozen=True, slots=True)
class HostPlan:
    """`migration_address` is empty for the storage host, which takes no part in migrations."""

    name: str
    release: str
    address: str
    migration_address: str = ""


@dataclass(frozen=True, slots=True)
class LabPlan:
    name: str
    lab_subnet: IPv4Network
    migration_subnet: IPv4Network
    hosts: tuple[HostPlan, ...]
    """The hypervisors h1, h2, … and then the storage host."""

    @property
    def hypervisors(self) -> tuple[HostPlan, ...]:
        return tuple(host for host in self.hosts if host.name != STORAGE)

    @property
    def storage(self) -> HostPlan:
        return next(host for host in self.hosts if host.name == STORAGE)

    @property
    def machine_address(self) -> str:
        return str(self.lab_subnet[1])

    @property
    def mixed(self) -> bool:
        return any(host.release == BOOKWORM for host in self.hosts)

    @property
    def releases(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(host.release for host in self.hosts))

    def guest_address(self, index: int) -> str:
        """`index` counts from 0."""
        return str(self.lab_subnet[_FIRST_GUEST + index])

    def host(self, name: str) -> HostPlan:
        for host in self.hosts:
            if host.name == name:
                return host
        names = ", ".join(host.name for host in self.hosts)
        raise UserError(f"the lab has no host {name!r}: its hosts are {names}")


def make_plan(name: str, hosts: int, mixed: bool, routes: Iterable[IPv4Network]) -> LabPlan:
    """`routes` are the networks that the machine reaches already, but for its default route."""
    if not 1 <= hosts <= MAX_HOSTS:
        raise UserError(f"a lab has 1 to {MAX_HOSTS} hosts, not {hosts}")
    if mixed and hosts < 2:
        raise UserError("a mixed lab needs two hosts at least: give --hosts 2 or more")
    lab, migration = free_subnets(list(routes))
    hypervisors = [
        HostPlan(
            name=f"h{number}",
            release=BOOKWORM if mixed and number == hosts else TRIXIE,
            address=str(lab[_FIRST_HOST + number - 1]),
            migration_address=str(migration[_FIRST_HOST + number - 1]),
        )
        for number in range(1, hosts + 1)
    ]
    storage = HostPlan(STORAGE, TRIXIE, str(lab[_STORAGE]))
    return LabPlan(name, lab, migration, (*hypervisors, storage))


def free_subnets(routes: list[IPv4Network]) -> tuple[IPv4Network, IPv4Network]:
    """Two neighbouring subnets that no route of the machine overlaps; the first of a pair is even in its third byte."""
    for lab, migration in _candidates():
        if not any(route.overlaps(lab) or route.overlaps(migration) for route in routes):
            return lab, migration
    in_the_way = sorted({route for route in routes if any(route.overlaps(private) for private in _PRIVATE)})
    widest = ", ".join(str(route) for route in sorted(in_the_way, key=lambda route: route.prefixlen)[:4])
    raise Failed(
        f"no free subnet: routes of the machine ({widest}) leave none of {', '.join(map(str, _PRIVATE))};"
        " remove one, as by ending a VPN, and try again"
    )


def _candidates() -> Iterator[tuple[IPv4Network, IPv4Network]]:
    for private in _PRIVATE:
        subnets = private.subnets(new_prefix=SUBNET_BITS)
        yield from zip(subnets, subnets, strict=True)
