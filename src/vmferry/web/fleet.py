"""`/`: hosts with their guests, as a map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from vmferry.api import inventory
from vmferry.api.gate import Admin, Here, Viewer
from vmferry.api.site import Site
from vmferry.model.guest import Guest
from vmferry.model.host import Host
from vmferry.web.forms import Form, done, filled
from vmferry.web.render import page

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Tile:
    """One host of the map, with those of its guests that were searched for."""

    host: Host
    guests: tuple[Guest, ...]
    given_bytes: int
    """Memory of its guests that run."""
    given_cpus: int

    @property
    def memory_share(self) -> float:
        return min(self.given_bytes / self.host.memory_bytes, 1.0) if self.host.memory_bytes else 0.0

    @property
    def cpu_share(self) -> float:
        """More virtual CPUs than there are are usual: a full bar is four for each."""
        return min(self.given_cpus / (4 * self.host.cpus), 1.0) if self.host.cpus else 0.0


def tiles(site: Site, wanted: str) -> list[Tile]:
    """`wanted`: what names contain. A host that is named so is shown whole; one with nothing of it is not shown."""
    seen, word = site.roll.seen(), wanted.strip().lower()
    by_host: dict[str, list[Guest]] = {host.name: [] for host in seen.hosts}
    for guest in seen.guests:
        by_host.setdefault(guest.host, []).append(guest)
    made = []
    for host in seen.hosts:
        all_, named = by_host[host.name], word in host.name.lower()
        shown = tuple(each for each in all_ if named or word in each.name.lower())
        if named or shown:
            active = [each for each in all_ if each.state.active]
            memory, cpus = sum(each.memory_bytes for each in active), sum(each.vcpus for each in active)
            made.append(Tile(host, shown, memory, cpus))
    return made


Search = Annotated[str, Query(max_length=255)]


@router.get("/")
def fleet(site: Here, caller: Viewer, request: Request, q: Search = "") -> Response:
    return page(request, "fleet.html", caller, **_shown(site, q))


@router.get("/fleet/map")
def fleet_map(site: Here, caller: Viewer, request: Request, q: Search = "") -> Response:
    return page(request, "map.html", caller, **_shown(site, q))


def _shown(site: Site, wanted: str) -> dict[str, Any]:
    seen = site.roll.seen()
    return {"tiles": tiles(site, wanted), "q": wanted, "at": seen.at, "hosts": len(seen.hosts)}


@router.get("/hosts/add")
def form(caller: Admin, request: Request) -> Response:
    return page(request, "host_add.html", caller)


@router.post("/hosts/add")
def add(site: Here, caller: Admin, request: Request, form: Form) -> Response:
    return done(inventory.add(site, caller, request, filled(inventory.NewHost, form)), "/")
