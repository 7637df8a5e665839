"""`/guests/GUEST`: what it is, where it may go and why not, and a start."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from vmferry.api import migrations
from vmferry.api.gate import Here, Operator, Viewer
from vmferry.api.inventory import Name, guests_named
from vmferry.api.migrations import Move
from vmferry.web.forms import Form, content, done, filled
from vmferry.web.matrix import lines
from vmferry.web.render import page

router = APIRouter()
To = Annotated[str, Query(max_length=255)]


@router.get("/guests/{guest}")
def show(site: Here, caller: Viewer, request: Request, guest: Name, to: To = "") -> Response:
    seen = site.roll.seen()
    found = guests_named(seen, guest)
    jobs = site.tools.jobs.jobs(guest=found[0].name, most=5)
    return page(request, "guest.html", caller, guest=found[0], copies=found, to=to, jobs=jobs, at=seen.at)


@router.get("/guests/{guest}/targets")
def targets(site: Here, caller: Viewer, request: Request, guest: Name, to: To = "") -> Response:
    """Asks the hosts now: it takes a moment, and the page waits for it alone."""
    document = content(migrations.plan(site, caller, guest))
    found = document["targets"]
    shown = {"guest": document["guest"], "targets": found, "lines": lines(found), "to": to}
    return page(request, "targets.html", caller, **shown)


@router.post("/guests/{guest}/migrate")
def migrate(site: Here, caller: Operator, request: Request, guest: Name, form: Form) -> Response:
    answer = migrations.migrate(site, caller, request, guest, filled(Move, form))
    return done(answer, answer.headers.get("Location", "/").removeprefix("/api/v1"))
