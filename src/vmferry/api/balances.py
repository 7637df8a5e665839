"""`/balance`: even out the fleet, or empty hosts that it does not need: first the plan, then exactly that one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from vmferry.api.acting import Acting
from vmferry.api.answers import JOB, TEXT, answer, many, shape, told
from vmferry.api.drains import DRAINS, MOVE, PLAN, Draining, errand_document, errand_of, work_of
from vmferry.api.gate import Here, Operator, Viewer
from vmferry.api.site import FLEET
from vmferry.model.aim import Mode
from vmferry.service.balance import Balancing
from vmferry.service.balance_document import balance_document
from vmferry.service.drain import Drained
from vmferry.service.tools import new_job

router = APIRouter(prefix="/balance", tags=["balance"])

NUMBER = {"type": "number"}
REASONED = {"type": "object", "required": ["reason"], "properties": {"reason": TEXT}}
BALANCED = {
    "allOf": [
        PLAN,
        {
            "type": "object",
            "required": ["score_before", "score_after", "cost_s", "held", "left_out"],
            "properties": {
                "moves": many({"allOf": [MOVE, REASONED]}),
                "score_before": NUMBER,
                "score_after": NUMBER,
                "cost_s": NUMBER,
                "held": many(REASONED),
                "left_out": many(REASONED),
            },
        },
    ]
}


class Approved(BaseModel):
    model_config = ConfigDict(extra="forbid")

    plan: str = Field(max_length=100, description="`plan_id` of the plan that is to be carried out.")


@router.get("", responses=told(shape({"plan_id": TEXT, "plan": BALANCED, "jobs": many(JOB)})))
def plan(
    site: Here,
    caller: Viewer,
    mode: Annotated[Mode | None, Query(description="Alike hosts, or as few as are needed.")] = None,
    eagerness: Annotated[int | None, Query(ge=1, le=5, description="How little a move may gain.")] = None,
    max_moves: Annotated[int | None, Query(ge=1, le=10_000)] = None,
    sample_s: Annotated[float | None, Query(ge=1, le=60, description="So long is CPU measured.")] = None,
) -> Response:
    """The few moves that are worth it. Hosts are asked twice, some seconds apart; nothing moves.

    The plan is good for 10 minutes.
    """
    drain = work_of(site, Draining(), errand_of(site, FLEET, "balance"))
    found = Balancing(drain, site.aim.asked(mode, eagerness, max_moves, sample_s)).plan()
    name = site.offers.keep(new_job(), found)
    return answer({"plan_id": name} | balance_document(found, Drained(found.moves)))


@router.post("", status_code=202, responses=told(DRAINS, status=202))
def begin(site: Here, caller: Operator, request: Request, approved: Approved) -> Response:
    """Carry a plan out. `/drains` tells how it goes, with an empty host's name."""

    def work() -> Response:
        found = site.offers.take(approved.plan)
        errand = errand_of(site, FLEET, "balance")
        drain = work_of(site, Draining(), errand)
        site.errands.begin(errand, lambda: found.moves, lambda moves: drain.carry_out(moves, elsewhere=False))
        return answer({"drains": [errand_document(errand)]}, 202)

    return Acting(site, caller, request, "balance", "", approved.model_dump()).carry_out(work)


@router.post("/stop", status_code=202, responses=told(DRAINS, status=202))
def stop(site: Here, caller: Operator, request: Request) -> Response:
    """Cancel its migrations, and begin no other one."""

    def work() -> Response:
        return answer({"drains": [errand_document(site.errands.stop(FLEET))]}, 202)

    return Acting(site, caller, request, "balance stop", "").carry_out(work)
