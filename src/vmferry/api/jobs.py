"""`/jobs`: migrations while they run and afterwards."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from vmferry.api.acting import Acting
from vmferry.api.answers import JOBS, answer, told
from vmferry.api.gate import Here, Operator, Viewer
from vmferry.api.inventory import Limit
from vmferry.api.site import Site
from vmferry.model.access import Caller
from vmferry.model.job import Ask, Job
from vmferry.service.documents import job_document, jobs_document
from vmferry.service.following import force as force_job
from vmferry.service.following import need_cancellable
from vmferry.service.reconcile import reconciler_of
from vmferry.service.repairing import forget as forget_job
from vmferry.service.repairing import repair as repair_job

router = APIRouter(prefix="/jobs", tags=["jobs"])

REPAIR_S = 20.0


class Repair(BaseModel):
    model_config = ConfigDict(extra="forbid")

    forget: bool = Field(default=False, description="You have put it right by hand: end the job, touch no host.")


JobName = Annotated[str, Path(min_length=1, max_length=100, examples=["20260101-120000-a1b2c3"])]


@router.get("", responses=told(JOBS))
def list_jobs(
    site: Here,
    caller: Viewer,
    running: Annotated[bool, Query(description="Only those that are not at their end.")] = False,
    guest: Annotated[str | None, Query(max_length=255, description="Only those of this guest.")] = None,
    limit: Limit = 20,
    before: Annotated[str | None, Query(max_length=100, description="`next` of the page before.")] = None,
) -> Response:
    """The newest first. `next` is there where there are more."""
    found = site.tools.jobs.jobs(unfinished=running, guest=guest, most=limit + 1, before=before)
    page = found[:limit]
    return answer(jobs_document(page) | {"next": page[-1].id if len(found) > limit else None})


@router.get("/{job}", responses=told(JOBS))
def show(site: Here, caller: Viewer, job: JobName) -> Response:
    """One migration with its journal and its progress."""
    jobs = site.tools.jobs
    found = jobs.job(job)
    return answer(job_document(found, jobs.journal(found.id), jobs.shown(found.id)))


@router.post("/{job}/cancel", status_code=202, responses=told(JOBS, status=202))
def cancel(site: Here, caller: Operator, request: Request, job: JobName) -> Response:
    """Ask for the end of a running migration: the guest stays on its source."""

    def ask(found: Job) -> None:
        need_cancellable(found)
        site.tools.jobs.ask(found.id, Ask.CANCEL)

    return _asked(site, caller, request, "job cancel", job, ask)


@router.post("/{job}/force", status_code=202, responses=told(JOBS, status=202))
def force(site: Here, caller: Operator, request: Request, job: JobName) -> Response:
    """Bring a running migration to its end now, by post-copy where that may be, else by a longer stop."""
    return _asked(site, caller, request, "job force", job, lambda found: force_job(site.tools.jobs, found))


@router.post("/{job}/repair", status_code=202, responses=told(JOBS, status=202))
def repair(site: Here, caller: Operator, request: Request, job: JobName, given: Repair) -> Response:
    """Ask the hosts of a migration in doubt again, and do what follows from their answers; or end it untouched."""

    def ask(found: Job) -> None:
        if given.forget:
            forget_job(site.tools, found)
        else:
            _repaired(site, found)

    return _asked(site, caller, request, "job repair", job, ask)


def _repaired(site: Site, found: Job) -> None:
    """What a copy that still runs becomes is not waited for: the job's news tell."""

    def work() -> None:
        with site.fleet() as fleet:
            repair_job(reconciler_of(site.tools, fleet), found)

    pool = ThreadPoolExecutor(1)
    going = pool.submit(work)
    pool.shutdown(wait=False)
    with contextlib.suppress(TimeoutError):
        going.result(REPAIR_S)


def _asked(site: Site, caller: Caller, request: Request, what: str, name: str, ask: Callable[[Job], None]) -> Response:
    def work() -> Response:
        found = site.tools.jobs.job(name)
        ask(found)
        site.hurry()
        return answer(jobs_document([site.tools.jobs.job(found.id)]), 202)

    return Acting(site, caller, request, what, name).carry_out(work)
