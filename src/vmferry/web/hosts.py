"""`/hosts/HOST`: what it is, its guests, and what is found of it."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from vmferry.api import inventory
from vmferry.api.gate import Admin, Here, Viewer
from vmferry.api.inventory import Name
from vmferry.service.fleet import unknown_host
from vmferry.web.fleet import tiles
from vmferry.web.forms import content, done
from vmferry.web.matrix import RANK
from vmferry.web.render import page

router = APIRouter()


@router.get("/hosts/{host}")
def show(site: Here, caller: Viewer, request: Request, host: Name) -> Response:
    found = [tile for tile in tiles(site.roll.seen(), "") if tile.host.name == host]
    if not found:
        raise unknown_host(host, [each.name for each in site.roll.seen().hosts])
    errand = site.errands.of(host)
    return page(request, "host.html", caller, tile=found[0], errand=errand, at=site.roll.seen().at)


@router.get("/hosts/{host}/findings")
def findings(site: Here, caller: Viewer, request: Request, host: Name) -> Response:
    """Asks the host now."""
    document = content(inventory.check_host(site, caller, host))
    found = sorted(document["findings"], key=lambda each: (RANK.index(each["severity"]), each["rule"]))
    return page(request, "findings.html", caller, findings=found)


@router.post("/hosts/{host}/remove")
def remove(site: Here, caller: Admin, request: Request, host: Name) -> Response:
    return done(inventory.remove(site, caller, request, host), "/")
