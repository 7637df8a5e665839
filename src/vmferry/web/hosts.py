"""`/hosts/HOST`: what it is, its guests, and what is found of it."""

from __future__ import annotations

import msgspec
from fastapi import APIRouter, Request, Response

from vmferry.api import inventory
from vmferry.api.gate import Admin, Here, Viewer
from vmferry.api.inventory import Name
from vmferry.api.problems import of_error
from vmferry.errors import VmferryError
from vmferry.service.fleet import unknown_host
from vmferry.web.fleet import tiles
from vmferry.web.forms import done, trouble
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
    try:
        document = msgspec.json.decode(bytes(inventory.check_host(site, caller, host).body))
    except VmferryError as error:
        return trouble(of_error(error))
    found = sorted(document["findings"], key=lambda each: (RANK.index(each["severity"]), each["rule"]))
    return page(request, "findings.html", caller, findings=found)


@router.post("/hosts/{host}/remove")
def remove(site: Here, caller: Admin, request: Request, host: Name) -> Response:
    return done(inventory.remove(site, caller, request, host), "/")
