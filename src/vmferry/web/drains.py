"""`/hosts/HOST/drain`: the plan as a chart, a start, and how it goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response

from vmferry.api import drains as api
from vmferry.api.drains import Draining, Return, errand_document
from vmferry.api.gate import Here, Operator, Viewer
from vmferry.api.inventory import Name
from vmferry.service.errands import Errand
from vmferry.web.forms import Form, content, done, filled
from vmferry.web.render import page, segment

router = APIRouter()

WIDE = 1000
"""Of a chart, in its own units."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One guest's move in the chart; `x` and `width` in units of the chart."""

    guest: str
    target: str
    x: float
    width: float
    start_s: float
    end_s: float
    state: str
    """`planned`, `moving`, or an outcome."""


def chart(plan: dict[str, Any], states: dict[str, str]) -> dict[str, Any]:
    """What the chart of a plan needs. `states`: by guest, of those that are not just planned."""
    scale = WIDE / max(plan["makespan_s"], plan["bound_s"], 1e-9)
    bars = [_bar(move, states.get(move["guest"], "planned"), scale) for move in plan["moves"]]
    return {"plan": plan, "bars": bars, "bound_x": scale * plan["bound_s"]}


def _bar(move: dict[str, Any], state: str, scale: float) -> Bar:
    start_s, end_s = move["start_s"], move["end_s"]
    width = max(scale * (end_s - start_s), 2.0)
    return Bar(move["guest"], move["to"], scale * start_s, width, start_s, end_s, state)


@router.get("/hosts/{host}/drain")
def show(site: Here, caller: Viewer, request: Request, host: Name) -> Response:
    errand = site.errands.of(host)
    return page(request, "drain.html", caller, host=host, going=errand is not None and not errand.over)


@router.get("/hosts/{host}/drain/plan")
def plan(site: Here, caller: Viewer, request: Request, host: Name) -> Response:
    """Asks the hosts now: it takes a moment."""
    document = content(api.plan_drain(site, caller, host))
    return page(request, "drain_plan.html", caller, host=host, **chart(document["plan"], {}))


@router.get("/hosts/{host}/drain/course")
def course(site: Here, caller: Viewer, request: Request, host: Name) -> Response:
    """Of the one that this daemon has in hand, or had at last."""
    shown = course_of(site.errands.of(host))
    return page(request, "drain_course.html", caller, stop=f"/hosts/{segment(host)}/drain/stop", **shown)


def course_of(errand: Errand | None) -> dict[str, Any]:
    if errand is None:
        return {"errand": None}
    document = msgspec.json.decode(msgspec.json.encode(errand_document(errand)))
    states = dict.fromkeys(document["under_way"], "moving")
    states |= {job["guest"]: job["outcome"] for job in document["jobs"]}
    return {"errand": document, **chart(document["plan"], states)}


@router.post("/hosts/{host}/drain")
def begin(site: Here, caller: Operator, request: Request, host: Name, form: Form) -> Response:
    return done(api.begin(site, caller, request, host, filled(Draining, form)), f"/hosts/{host}/drain")


@router.post("/hosts/{host}/drain/stop")
def stop(site: Here, caller: Operator, request: Request, host: Name) -> Response:
    return done(api.stop(site, caller, request, host), f"/hosts/{host}/drain")


@router.post("/hosts/{host}/undrain")
def undrain(site: Here, caller: Operator, request: Request, host: Name, form: Form) -> Response:
    return done(api.undrain(site, caller, request, host, filled(Return, form)), f"/hosts/{host}")
