"""Look at a job that another process works on, and ask something of it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from vmferry.errors import Refused
from vmferry.flow.states import AT_REST, State
from vmferry.forecast.progress import Progress
from vmferry.model.job import Ask, Job
from vmferry.ports import Clock, Jobs
from vmferry.service.watching import uncancellable

LOOK_EVERY_S = 0.2


def follow(
    jobs: Jobs,
    clock: Clock,
    job: str,
    show: Callable[[Progress], None],
    cancel: threading.Event | None = None,
    note: Callable[[str], None] = lambda text: None,
) -> Job:
    """To its rest. Shows each reading once.

    Once `cancel` is set, its worker is asked for the end of it; where no worker is left, it is given back as it is.
    """
    last, asked, alone = None, False, False
    while (found := jobs.job(job)).state not in AT_REST:
        progress = jobs.shown(job)
        if progress is not None and progress != last:
            show(progress)
            last = progress
        if cancel is not None:
            left = not jobs.held(job) and not jobs.workers()
            if cancel.is_set() and not asked:
                jobs.ask(job, Ask.CANCEL)
                asked = True
            if left and asked:
                return found
            if left and not alone:
                note(f"no worker is left for job {job}: it waits for the next one; Ctrl-C ends it")
            alone = left
        clock.sleep(LOOK_EVERY_S)
    return found


def cancel(jobs: Jobs, clock: Clock, job: str) -> Job:
    """Ask its worker for the end of it, and wait for that. `need_cancellable` first."""
    jobs.ask(job, Ask.CANCEL)
    return follow(jobs, clock, job, lambda progress: None)


def force(jobs: Jobs, job: Job) -> None:
    """Ask its worker to bring it to its end now. Raises Refused where no copy runs that could be."""
    if job.state in AT_REST:
        raise Refused(f"job {job.id} is at rest: {job.state.replace('_', ' ')}; there is nothing to force")
    if job.state not in (State.COPYING, State.PLANNED, State.CHECKED, State.RESERVED, State.PREPARED):
        how = job.state.replace("_", " ")
        raise Refused(f"job {job.id} is {how}: its end needs no force any more; see vmferry job watch {job.id}")
    jobs.ask(job.id, Ask.FORCE)


def need_cancellable(job: Job) -> None:
    """Raises Refused where it cannot be cancelled any more, with why."""
    if job.state in AT_REST:
        raise Refused(f"job {job.id} is at rest: {job.state.replace('_', ' ')}; there is nothing to cancel")
    if job.state == State.POST_COPY:
        where = uncancellable(job.result.source, job.result.target or "its target")
        raise Refused(f"job {job.id} is {where}; see vmferry job watch {job.id}")
    if job.state in (State.SWITCHED, State.VERIFIED):
        raise Refused(f"job {job.id}: the guest is on {job.result.target} already; migrate it back to undo that")
