"""`/audit`: who asked for what."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from vmferry.api.gate import Admin, Here
from vmferry.web.render import page

router = APIRouter()
MOST = 100


@router.get("/audit")
def audit(
    site: Here, caller: Admin, request: Request, before: Annotated[int | None, Query(ge=1, le=1 << 53)] = None
) -> Response:
    found = site.register.acts(before=before, most=MOST + 1)
    more = found[MOST - 1][0] if len(found) > MOST else None
    return page(request, "audit.html", caller, acts=found[:MOST], next=more)
