"""Look at a job that another process works on, and ask something of it."""

from __future__ import annotations

from collections.abc import Callable

from vmferry.errors import Refused
from vmferry.flow.states import AT_REST, State
from vmferry.forecast.progress import Progress
from vmferry.model.job import Ask, Job
from vmferry.ports import Clock, Jobs
from vmferry.service.watching import uncancellable

LOOK_EVERY_S = 0.2


def follow(jobs: Jobs, clock: Clock, job: str, show: Callable[[Progress], None]) -> Job:
    """To its rest. Shows each reading once."""
    last = None
    while (found := jobs.job(job)).state not in AT_REST:
        progress = jobs.shown(job)
        if progress is not None and progress != last:
            show(progress)
            last = progress
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
