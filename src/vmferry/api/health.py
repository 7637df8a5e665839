"""`/health`, `/ready` and `/metrics`: for those who watch the service itself."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from vmferry.api.answers import answer, shape, told
from vmferry.api.gate import Here
from vmferry.api.problems import problem
from vmferry.errors import VmferryError

router = APIRouter(tags=["health"])
STATUS = shape({"status": {"const": "ok"}})


@router.get("/health", responses=told(STATUS))
def health() -> Response:
    """It runs."""
    return answer({"status": "ok"})


@router.get("/ready", responses=told(STATUS))
def ready(site: Here) -> Response:
    """Its store answers, and a worker takes jobs."""
    try:
        workers = site.tools.jobs.workers()
    except VmferryError:
        return problem(503, "the store does not answer", kind="not-ready")
    if not workers:
        return problem(503, "no worker takes jobs", kind="not-ready")
    return answer({"status": "ok"})


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"description": "For Prometheus", "content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def metrics(request: Request) -> Response:
    """In Prometheus's text format. On loopback without a sign-in."""
    return Response(generate_latest(request.app.state.figures.registry), media_type=CONTENT_TYPE_LATEST)
