"""What every command that touches jobs does first: jobs whose process is dead are brought to rest."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from vmferry.cli.context import App
from vmferry.errors import VmferryError

if TYPE_CHECKING:
    from vmferry.ports import HostPort
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


def reconciler(app: App, fleet: Fleet, cancel: threading.Event | None = None) -> Reconciler:
    from vmferry.service.reconcile import Reconciler

    def find(name: str) -> HostPort | None:
        try:
            return fleet.host(name)
        except VmferryError:
            return None

    def others() -> list[HostPort]:
        return [host for entry in fleet.entries if (host := find(entry.name)) is not None]

    return Reconciler(app.tools, find, others, cancel or threading.Event())
