"""`/`: hosts with their guests, as a map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from weakref import WeakKeyDictionary

from fastapi import APIRouter, Query, Request, Response
from markupsafe import Markup

from vmferry.api import inventory
from vmferry.api.gate import Admin, Here, Viewer
from vmferry.api.site import Site
from vmferry.model.guest import Guest
from vmferry.model.host import Host
from vmferry.service.roll import Roll, Seen
from vmferry.web.forms import Form, done, filled
from vmferry.web.render import html, page, rendered

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


def tiles(seen: Seen, wanted: str) -> list[Tile]:
    """`wanted`: what names contain. A host that is named so is shown whole; one with nothing of it is not shown."""
    word = wanted.strip().lower()
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
    return page(request, "fleet.html", caller, map=drawn(site, q), q=q)


@router.get("/fleet/map")
def fleet_map(site: Here, caller: Viewer, q: Search = "") -> Response:
    return html(drawn(site, q))


_drawn: WeakKeyDictionary[Roll, tuple[Seen, dict[str, Markup]]] = WeakKeyDictionary()
"""Of the last look at the fleet, by what was searched for: news make all who look ask for the same one at once."""
MOST_DRAWN = 100


def drawn(site: Site, wanted: str) -> Markup:
    """The map is the same for everybody."""
    seen = site.roll.seen()
    before, found = _drawn.get(site.roll, (None, {}))
    if before is not seen or len(found) > MOST_DRAWN:
        found = {}
        _drawn[site.roll] = seen, found
    if wanted not in found:
        shown = {"tiles": tiles(seen, wanted), "q": wanted, "at": seen.at, "hosts": len(seen.hosts)}
        found[wanted] = Markup(rendered("map.html", shown))
    return found[wanted]


@router.get("/hosts/add")
def form(caller: Admin, request: Request) -> Response:
    return page(request, "host_add.html", caller)


@router.post("/hosts/add")
def add(site: Here, caller: Admin, request: Request, form: Form) -> Response:
    return done(inventory.add(site, caller, request, filled(inventory.NewHost, form)), "/")
