"""`/events` and `/jobs/JOB/events`: news as server-sent events, each with an id to go on from after a break."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Header, Request, Response
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from vmferry.api.answers import PROBLEM
from vmferry.api.gate import Here, Viewer
from vmferry.api.jobs import JobName
from vmferry.api.site import Site
from vmferry.flow.states import AT_REST
from vmferry.service.bulletin import END, JOB, RESET, News
from vmferry.service.documents import job_news

router = APIRouter(tags=["events"])

MOST_WAITING = 1000
"""Of a listener that does not read: then it is let go, and comes back with the id of the last one that it got."""
PING_S = 15
LASTS_S = 300.0
"""A stream ends then; who comes back for what follows has to be let in still."""
LastId = Annotated[str | None, Header(alias="Last-Event-ID", max_length=100)]
STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events `job` (what changes of one), `inventory` (look again), `reset` (look at all again)",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    },
    "default": PROBLEM,
}


@router.get("/events", response_class=Response, responses=STREAM)
async def events(site: Here, caller: Viewer, request: Request, last: LastId = None) -> Response:
    """All news: of jobs, and of the inventory."""
    return _stream(site, last)


@router.get("/jobs/{job}/events", response_class=Response, responses=STREAM)
async def job_events(site: Here, caller: Viewer, request: Request, job: JobName, last: LastId = None) -> Response:
    """The news of one job, first how it stands; ends with its end."""
    found = await run_in_threadpool(site.tools.jobs.job, job)
    return _stream(site, last, found.id)


def _stream(site: Site, last: str | None, job: str | None = None) -> Response:
    return EventSourceResponse(_told(site, last, job), ping=PING_S, headers={"Cache-Control": "no-store"})


async def _told(site: Site, last: str | None, job: str | None) -> AsyncIterator[ServerSentEvent]:
    loop = asyncio.get_running_loop()
    waiting: asyncio.Queue[News | None] = asyncio.Queue()

    def hear(news: News) -> None:
        """From the bulletin's thread."""
        loop.call_soon_threadsafe(put, news)

    def put(news: News) -> None:
        if waiting.qsize() < MOST_WAITING:
            waiting.put_nowait(news)
        else:
            waiting.put_nowait(None)

    until_s = loop.time() + LASTS_S
    leave = await run_in_threadpool(site.bulletin.listen, hear, last)
    try:
        if job is not None:
            now, at_rest = await run_in_threadpool(_stands, site, job)
            yield _event(JOB, now, None)
            if at_rest:
                return
        while (news := await _next(waiting, until_s)) is not None and news.kind != END:
            if job is not None and news.job != job and news.kind != RESET:
                continue
            yield _event(news.kind, news.document, news.id)
            if job is not None and news.document.get("outcome") is not None:
                return
    finally:
        leave()


async def _next(waiting: asyncio.Queue[News | None], until_s: float) -> News | None:
    """None: the stream is to end."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout_at(until_s):
            return await waiting.get()
    return None


def _stands(site: Site, name: str) -> tuple[dict[str, Any], bool]:
    job = site.tools.jobs.job(name)
    return job_news(job, site.tools.jobs.shown(job.id)), job.state in AT_REST


def _event(kind: str, document: dict[str, Any], name: str | None) -> ServerSentEvent:
    return ServerSentEvent(msgspec.json.encode(document).decode(), event=kind, id=name)
