"""`/balance`: the plan as a chart with a reason for each move, a start, and how it goes."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from vmferry.api import balances as api
from vmferry.api.balances import Approved
from vmferry.api.gate import Here, Operator, Viewer
from vmferry.api.site import FLEET
from vmferry.model.aim import Mode
from vmferry.web.drains import chart, course_of
from vmferry.web.forms import Form, content, done, filled
from vmferry.web.render import page

router = APIRouter()


@router.get("/balance")
def show(site: Here, caller: Viewer, request: Request) -> Response:
    return page(request, "balance.html", caller, sample_s=site.aim.sample_s, modes=list(Mode), usual=site.aim.mode)


@router.get("/balance/plan")
def plan(
    site: Here,
    caller: Viewer,
    request: Request,
    mode: Mode | None = None,
    eagerness: Annotated[int | None, Query(ge=1, le=5)] = None,
) -> Response:
    """Asks the hosts twice: it takes a moment."""
    document = content(api.plan(site, caller, mode, eagerness, None, None))
    return page(request, "balance_plan.html", caller, name=document["plan_id"], **chart(document["plan"], {}))


@router.get("/balance/course")
def course(site: Here, caller: Viewer, request: Request) -> Response:
    shown = course_of(site.errands.of(FLEET))
    return page(request, "drain_course.html", caller, stop="/balance/stop", **shown)


@router.post("/balance")
def begin(site: Here, caller: Operator, request: Request, form: Form) -> Response:
    return done(api.begin(site, caller, request, filled(Approved, form)), "/balance")


@router.post("/balance/stop")
def stop(site: Here, caller: Operator, request: Request) -> Response:
    return done(api.stop(site, caller, request), "/balance")
