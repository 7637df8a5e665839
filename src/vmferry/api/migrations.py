"""`/guests/GUEST/check`, `plan` and `migrate`."""

from __future__ import annotations

import threading
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from vmferry.api.acting import Acting
from vmferry.api.answers import CHECKED, JOBS, answer, told
from vmferry.api.gate import Here, Operator, Viewer
from vmferry.api.inventory import Name
from vmferry.api.site import Site
from vmferry.model.storage import Storage, StorageWish
from vmferry.model.wish import Copying, Wish
from vmferry.service.check import check as run_check
from vmferry.service.documents import check_document, jobs_document, migration_document, plan_document
from vmferry.service.ground import request_of, survey_ground
from vmferry.service.listening import Quiet
from vmferry.service.migrate import Migration
from vmferry.service.predict import predict_each

router = APIRouter(tags=["migration"])

To = Annotated[str | None, Query(max_length=255, description="Only this target; without it, every host.")]
Copies = Annotated[Storage | None, Query(description="How disks are to be treated.")]


class Move(BaseModel):
    """The options of `vmferry migrate`, by their names."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"to": "h2", "bandwidth_bytes_s": 100_000_000, "max_downtime_ms": 300}},
    )

    to: str | None = Field(None, max_length=255, description="The target; without it, the best one.")
    storage: Storage | None = None
    bandwidth_bytes_s: int | None = Field(None, ge=1, le=1 << 53)
    max_downtime_ms: int | None = Field(None, ge=1, le=2_000_000)
    max_time_s: float | None = Field(None, gt=0, le=1e7)
    post_copy: bool | None = Field(None, description="Allow it, or never; without it, as the policy has it.")
    yes: bool = Field(False, description="Go on although something could not be looked at.")
    dry_run: bool = Field(False, description="Check, choose and predict only.")


@router.get("/guests/{guest}/check", responses=told(CHECKED))
def check(site: Here, caller: Viewer, guest: Name, to: To = None, storage: Copies = None) -> Response:
    """Everything that can be said before anything moves. The hosts are asked now; nothing is changed."""
    wish = site.usual_wish(storage)
    with site.fleet() as fleet:
        ground = survey_ground(fleet, site.tools.store, guest, to)
        report = run_check(ground.source, ground.guest, ground.targets, ground.unreached, site.standing.policy, wish)
    site.checked(report)
    return answer(check_document(report))


@router.get("/guests/{guest}/plan", responses=told(CHECKED))
def plan(
    site: Here,
    caller: Viewer,
    guest: Name,
    storage: Copies = None,
    measure_s: Annotated[int, Query(ge=1, le=60, description="For so long the guest's dirty rate is measured.")] = 2,
) -> Response:
    """The targets in order, with reasons and what a migration to each would take."""
    wish = site.usual_wish(storage)
    with site.fleet() as fleet:
        ground = survey_ground(fleet, site.tools.store, guest, None)
        report = run_check(ground.source, ground.guest, ground.targets, ground.unreached, site.standing.policy, wish)
        forecasts = predict_each(report, ground.source, ground.targets, site.tools.store, measure_s=measure_s)
    site.checked(report)
    return answer(plan_document(report, forecasts))


@router.post("/guests/{guest}/migrate", status_code=202, responses=told(JOBS, status=202) | told(JOBS))
def migrate(site: Here, caller: Operator, request: Request, guest: Name, move: Move) -> Response:
    """Move a guest live: 202 and the job, of which `/jobs/JOB` and `/jobs/JOB/events` tell.

    A dry run is answered whole, with 200.
    """
    copying = Copying(
        bandwidth_bytes_s=move.bandwidth_bytes_s,
        max_downtime_ms=move.max_downtime_ms,
        max_time_s=move.max_time_s,
        post_copy=move.post_copy,
        storage=StorageWish(choice=move.storage),
    )
    wish = Wish(guest, move.to, copying, move.yes)
    if move.dry_run:
        return _dry_run(site, wish)
    return Acting(site, caller, request, "migrate", guest, move.model_dump()).carry_out(lambda: _queued(site, wish))


def _queued(site: Site, wish: Wish) -> Response:
    with site.fleet() as fleet:
        ground = survey_ground(fleet, site.tools.store, wish.guest, wish.to)
        migration = Migration(request_of(wish, ground, site.standing), site.tools, Quiet(), threading.Event())
        job = migration.queue(wish)
    site.hurry()
    return answer(jobs_document([job]), 202, {"Location": f"/api/v1/jobs/{job.id}"})


def _dry_run(site: Site, wish: Wish) -> Response:
    with site.fleet() as fleet:
        ground = survey_ground(fleet, site.tools.store, wish.guest, wish.to)
        request = request_of(wish, ground, site.standing, dry_run=True)
        result = Migration(request, site.tools, Quiet(), threading.Event()).run()
    return answer({"jobs": [migration_document(result) | {"state": "", "worker": None}]})
