"""What every command that touches jobs does first: jobs whose process is dead are brought to rest."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from vmferry.cli.context import App
from vmferry.flow.states import AT_REST

if TYPE_CHECKING:
    from vmferry.forecast.progress import Progress
    from vmferry.model.job import Job
    from vmferry.model.migration import MigrationResult
    from vmferry.service.fleet import Fleet
    from vmferry.service.reconcile import Reconciler


def reconcile_dead(app: App, fleet: Fleet) -> None:
    """Says of each what became of it. Asks no host where there is no such job."""
    if not app.jobs.jobs(unfinished=True, most=1):
        return
    for result in reconciler(app, fleet).dead():
        outcome = str(result.outcome).replace("_", " ")
        app.note(
            f"vmferry: job {result.job} of {result.guest}, left by a dead process: {outcome}; {result.error or ''}"
        )


def reconcile_before(app: App, timeout_s: float) -> None:
    """Of a command that needs its hosts only later: none is connected to where every job is at its end."""
    if app.jobs.jobs(unfinished=True, most=1):
        with app.fleet(timeout_s) as fleet:
            reconcile_dead(app, fleet)


def adopt(
    app: App,
    fleet: Fleet,
    job: Job,
    cancel: threading.Event | None = None,
    show: Callable[[Progress], None] = lambda progress: None,
) -> MigrationResult | None:
    """Go on here with a job that nobody works on; None where somebody does, or it is at rest."""
    if job.state in AT_REST or app.jobs.held(job.id):
        return None
    lease = app.jobs.take_over(job.id, app.tools.worker)
    return None if lease is None else reconciler(app, fleet, cancel, show).go_on(job, lease)


def reconciler(
    app: App,
    fleet: Fleet,
    cancel: threading.Event | None = None,
    show: Callable[[Progress], None] = lambda progress: None,
) -> Reconciler:
    from vmferry.service.reconcile import reconciler_of

    return reconciler_of(app.tools, fleet, cancel, show, note=lambda text: app.note(f"vmferry: {text}"))
