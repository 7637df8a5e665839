"""`/hosts/HOST/drain`: where all guests of a host would go, and when. Nothing is marked, and nothing moves."""

from __future__ import annotations

import threading
from typing import Annotated

from fastapi import APIRouter, Query, Response

from vmferry.api.answers import JOB, TEXT, answer, many, shape, told
from vmferry.api.gate import Here, Viewer
from vmferry.api.inventory import Name
from vmferry.api.site import Site
from vmferry.model.guest import Guest
from vmferry.model.migration import MigrationResult
from vmferry.service.drain import Drain, Drained, Orders
from vmferry.service.drain_document import drain_document
from vmferry.service.listening import Quiet

router = APIRouter(tags=["drain"])

SECONDS = {"type": "number"}
MOVE = {
    "type": "object",
    "required": ["guest", "from", "to", "start_s", "end_s"],
    "properties": {"guest": TEXT, "from": TEXT, "to": TEXT, "start_s": SECONDS, "end_s": SECONDS},
}
UNPLACEABLE = {
    "type": "object",
    "required": ["guest", "reasons"],
    "properties": {"guest": TEXT, "reasons": many(TEXT)},
}
PLAN = {
    "type": "object",
    "required": ["feasible", "unplaceable", "moves", "makespan_s", "bound_s", "n_plus_one", "off"],
    "properties": {
        "feasible": {"type": "boolean"},
        "unplaceable": many(UNPLACEABLE),
        "moves": many(MOVE),
        "makespan_s": SECONDS,
        "bound_s": SECONDS,
        "n_plus_one": {"type": "boolean"},
        "off": many(TEXT),
    },
}


class Silent:
    """A watcher of nothing: a plan begins no migration."""

    def begins(self, guest: Guest, target: str, attempt: int) -> None: ...

    def ended(self, result: MigrationResult) -> None: ...


@router.get("/hosts/{host}/drain", responses=told(shape({"plan": PLAN, "jobs": many(JOB)})))
def plan_drain(
    site: Here,
    caller: Viewer,
    host: Name,
    parallel: Annotated[int | None, Query(ge=1, le=10_000, description="So many at once at the most.")] = None,
) -> Response:
    """As `vmferry drain HOST --dry-run`. The hosts are asked now."""
    return answer(drain_document(Drained(_work(site, parallel).plan([host]))))


def _work(site: Site, parallel: int | None) -> Drain:
    orders = Orders(wish=site.usual_wish(), parallel=parallel)
    return Drain(site.tools, site.fleet, site.standing, orders, Silent(), lambda guest: Quiet(), threading.Event())
