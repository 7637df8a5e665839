"""All pages, for the application."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, Request, Response

from vmferry.web import audit, balances, drains, fleet, guests, hosts, jobs, signing, static
from vmferry.web.forms import content, trouble
from vmferry.web.render import page

MODULES = (signing, static, fleet, hosts, guests, drains, balances, jobs, audit)


class Pages:
    """`api.app.Pages`. Raises Failed where the package was not built whole."""

    def __init__(self) -> None:
        static.files()

    @property
    def routers(self) -> Sequence[APIRouter]:
        return [module.router for module in MODULES]

    def greet(self, path: str) -> Response:
        return signing.greet(path)

    def trouble(self, request: Request, answer: Response) -> Response:
        if request.url.path.startswith("/api/") or not _is_for_eyes(request):
            return answer
        if "hx-request" in request.headers:
            return trouble(answer)
        return page(request, "error.html", request.state.caller, answer.status_code, problem=content(answer))


def _is_for_eyes(request: Request) -> bool:
    return "hx-request" in request.headers or "text/html" in request.headers.get("accept", "")
