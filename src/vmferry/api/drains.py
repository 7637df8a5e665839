"""`/hosts/HOST/drain` and `undrain`: empty a host, and fill it again. The daemon goes on with it by itself."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from vmferry.api.acting import Acting
from vmferry.api.answers import JOB, NULLABLE, TEXT, answer, many, shape, told
from vmferry.api.gate import Here, Operator, Viewer
from vmferry.api.inventory import AT, Name
from vmferry.api.site import Site
from vmferry.errors import UserError
from vmferry.service.drain import NOTHING, Drain, Drained, Orders
from vmferry.service.drain_document import drain_document
from vmferry.service.drain_plan import DrainPlan
from vmferry.service.errands import Errand
from vmferry.service.listening import Quiet
from vmferry.service.steps import stamp

router = APIRouter(tags=["drain"])

SECONDS = {"type": "number"}
MOVE = {
    "type": "object",
    "required": ["guest", "from", "to", "start_s", "end_s"],
    "properties": {"guest": TEXT, "from": TEXT, "to": TEXT, "start_s": SECONDS, "end_s": SECONDS},
}
UNPLACEABLE = {
    "type": "object",
    "required": ["guest", "reasons"],
    "properties": {"guest": TEXT, "reasons": many(TEXT)},
}
PLAN = {
    "type": "object",
    "required": ["feasible", "unplaceable", "moves", "makespan_s", "bound_s", "n_plus_one", "off"],
    "properties": {
        "feasible": {"type": "boolean"},
        "unplaceable": many(UNPLACEABLE),
        "moves": many(MOVE),
        "makespan_s": SECONDS,
        "bound_s": SECONDS,
        "n_plus_one": {"type": "boolean"},
        "off": many(TEXT),
    },
}


ERRAND = {
    "type": "object",
    "required": ["host", "what", "state", "begun", "error", "under_way", "plan", "jobs"],
    "properties": {
        "host": TEXT,
        "what": {"enum": ["drain", "undrain", "balance"]},
        "state": {"enum": ["running", "stopping", "done", "stopped", "failed"]},
        "begun": AT,
        "error": NULLABLE,
        "under_way": many(TEXT),
        "plan": PLAN,
        "jobs": many(JOB),
    },
}
DRAINS = shape({"drains": many(ERRAND)})


class Draining(BaseModel):
    """The options of `vmferry drain`, by their names."""

    model_config = ConfigDict(extra="forbid")

    parallel: int | None = Field(default=None, ge=1, le=10_000, description="So many at once at the most.")
    partial: bool = Field(default=False, description="Move those that have a place although others have none.")
    keep_spare: bool = Field(default=False, description="Keep room for the guests of any one host, or move nothing.")
    yes: bool = Field(default=False, description="Go on although something could not be looked at.")


class Return(BaseModel):
    model_config = ConfigDict(extra="forbid")

    back: bool = Field(default=False, description="Bring back the guests that were moved away, too.")


@router.get("/hosts/{host}/drain", responses=told(shape({"plan": PLAN, "jobs": many(JOB)})))
def plan_drain(
    site: Here,
    caller: Viewer,
    host: Name,
    parallel: Annotated[int | None, Query(ge=1, le=10_000, description="So many at once at the most.")] = None,
) -> Response:
    """As `vmferry drain HOST --dry-run`. The hosts are asked now."""
    return answer(
        drain_document(Drained(work_of(site, Draining(parallel=parallel), errand_of(site, host)).plan([host])))
    )


@router.get("/drains", responses=told(DRAINS))
def list_drains(site: Here, caller: Viewer) -> Response:
    """Those that this daemon has in hand, and the last one of each host since it runs."""
    return answer({"drains": [errand_document(each) for each in site.errands.all()]})


@router.post("/hosts/{host}/drain", status_code=202, responses=told(DRAINS, status=202))
def begin(site: Here, caller: Operator, request: Request, host: Name, given: Draining) -> Response:
    """Mark the host, and move every running guest of it elsewhere: 202 once a place for all of them has been found.

    Where the daemon ends meanwhile, migrations that were begun go on, and the host stays marked.
    """

    def work() -> Response:
        errand = errand_of(site, host)
        drain = work_of(site, given, errand)
        site.errands.begin(errand, lambda: drain.marked([host]), lambda plan: drain.emptied([host], plan))
        site.roll.want()
        return answer({"drains": [errand_document(errand)]}, 202)

    return Acting(site, caller, request, "drain", host, given.model_dump()).carry_out(work)


@router.post("/hosts/{host}/drain/stop", status_code=202, responses=told(DRAINS, status=202))
def stop(site: Here, caller: Operator, request: Request, host: Name) -> Response:
    """Cancel its migrations, and begin no other one. The host stays marked."""

    def work() -> Response:
        return answer({"drains": [errand_document(site.errands.stop(host))]}, 202)

    return Acting(site, caller, request, "drain stop", host).carry_out(work)


@router.post("/hosts/{host}/undrain", status_code=202, responses=told(DRAINS, status=202))
def undrain(site: Here, caller: Operator, request: Request, host: Name, given: Return) -> Response:
    """Let the host take guests again; those that were moved away come back where that is wanted."""

    def work() -> Response:
        withdrawal = site.tools.store.withdrawn().get(host)
        if withdrawal is None:
            site.fleet().host(host)  # raises, with the nearest name
            raise UserError(f"host {host} takes guests already; there is no drain of it to take back")
        errand, left = errand_of(site, host, "undrain"), withdrawal.left if given.back else ()
        drain = work_of(site, Draining(), errand)

        def plan() -> DrainPlan:
            site.tools.store.readmit(host)
            return drain.approved(drain.plan_back(host, left))

        site.errands.begin(errand, plan, lambda plan: drain.carry_out(plan, elsewhere=False))
        site.roll.want()
        return answer({"drains": [errand_document(errand)]}, 202)

    return Acting(site, caller, request, "undrain", host, given.model_dump()).carry_out(work)


def errand_document(errand: Errand) -> dict[str, Any]:
    done = Drained(errand.plan or NOTHING, tuple(errand.results))
    told_ = {name: getattr(errand, name) for name in ("host", "what", "state", "begun", "error")}
    return told_ | {"under_way": sorted(errand.under_way)} | drain_document(done)


def errand_of(site: Site, host: str, what: str = "drain") -> Errand:
    return Errand(host, what, stamp(site.tools.now()))


def work_of(site: Site, given: Draining, errand: Errand) -> Drain:
    orders = Orders(
        wish=site.usual_wish(),
        accept_unknown=given.yes,
        partial=given.partial,
        parallel=given.parallel,
        keep_spare=given.keep_spare,
    )
    return Drain(site.tools, site.fleet, site.standing, orders, errand, lambda guest: Quiet(), errand.cancel)
