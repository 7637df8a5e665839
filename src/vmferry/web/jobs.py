"""`/jobs` and `/jobs/JOB`: migrations while they run and afterwards, and the few newest below every page."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request, Response

from vmferry.api import jobs as api
from vmferry.api.gate import Here, Operator, Viewer
from vmferry.api.jobs import JobName, Repair
from vmferry.api.site import Site
from vmferry.flow.states import AT_REST
from vmferry.service.documents import job_document
from vmferry.service.repairing import FORGETTABLE
from vmferry.web.forms import Form, done, filled
from vmferry.web.render import page

router = APIRouter()
MOST = 50
FEW = 5


@router.get("/jobs")
def history(
    site: Here,
    caller: Viewer,
    request: Request,
    guest: Annotated[str, Query(max_length=255)] = "",
    running: bool = False,
    before: Annotated[str | None, Query(max_length=100)] = None,
) -> Response:
    found = site.tools.jobs.jobs(unfinished=running, guest=guest or None, most=MOST + 1, before=before)
    more = found[MOST - 1].id if len(found) > MOST else None
    shown: dict[str, Any] = {"jobs": found[:MOST], "guest": guest, "running": running, "next": more}
    return page(request, "jobs.html", caller, **shown)


@router.get("/tasks")
def tasks(site: Here, caller: Viewer, request: Request) -> Response:
    """The task log."""
    found = site.tools.jobs.jobs(most=FEW)
    shown = [(job, site.tools.jobs.shown(job.id) if job.state not in AT_REST else None) for job in found]
    return page(request, "tasks.html", caller, tasks=shown)


@router.get("/jobs/{job}")
def show(site: Here, caller: Viewer, request: Request, job: JobName) -> Response:
    values = _values(site, job)
    return page(request, "job.html", caller, **values, seen=site.bulletin.of(values["job"]["job"]))


@router.get("/jobs/{job}/state")
def state(site: Here, caller: Viewer, request: Request, job: JobName) -> Response:
    """What changes of the page when the job goes on."""
    return page(request, "job_state.html", caller, **_values(site, job))


def _values(site: Site, name: str) -> dict[str, Any]:
    jobs = site.tools.jobs
    found = jobs.job(name)
    document = job_document(found, jobs.journal(found.id), jobs.shown(found.id))
    shown = msgspec.json.decode(msgspec.json.encode(document["jobs"][0]))
    return {"job": shown, "at_rest": found.state in AT_REST, "waits": found.state in FORGETTABLE}


@router.post("/jobs/{job}/cancel")
def cancel(site: Here, caller: Operator, request: Request, job: JobName) -> Response:
    return done(api.cancel(site, caller, request, job), f"/jobs/{job}")


@router.post("/jobs/{job}/force")
def force(site: Here, caller: Operator, request: Request, job: JobName) -> Response:
    return done(api.force(site, caller, request, job), f"/jobs/{job}")


@router.post("/jobs/{job}/repair")
def repair(site: Here, caller: Operator, request: Request, job: JobName, form: Form) -> Response:
    return done(api.repair(site, caller, request, job, filled(Repair, form)), f"/jobs/{job}")
