"""The application: the routes, the gate before them, and the document that describes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from vmferry import __version__
from vmferry.api import access, balances, drains, events, health, inventory, jobs, migrations, problems, rules
from vmferry.api.answers import components
from vmferry.api.gate import METRICS, OPEN, SIGN_IN, Gate, Needs
from vmferry.api.metrics import Figures
from vmferry.api.site import Site
from vmferry.model.access import Role

PREFIX = "/api/v1"
ROUTERS = (inventory, migrations, drains, balances, jobs, events, rules, access)
DESCRIPTION = """Live migration for plain libvirt/KVM hosts. Answers are the command line's JSON
(`"schema": "vmferry/1"`); errors are `application/problem+json`. Requests that change anything may carry an
`Idempotency-Key`: sent again with the same one within a day, they are answered as the first time and not carried out
again."""


class Pages(Protocol):
    """What people look at."""

    @property
    def routers(self) -> Sequence[APIRouter]: ...

    def greet(self, path: str) -> Response:
        """Asks whoever wanted that path to sign in."""

    def trouble(self, request: Request, answer: Response) -> Response:
        """A problem as people read it, where they are who asked."""


def make_app(site: Site, pages: Pages | None = None) -> FastAPI:
    """Raises RuntimeError where a route does not say who may use it."""
    app = FastAPI(
        title="vmferry",
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,  # they would fetch their code from elsewhere
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
    )
    app.state.site = site
    app.state.figures = Figures(site)
    site.bulletin.listen(app.state.figures.hear)
    site.checked = app.state.figures.checked
    problems.add_handlers(app, pages.trouble if pages is not None else problems.as_it_is)
    app.include_router(health.router)
    api = APIRouter(prefix=PREFIX)
    for part in ROUTERS:
        api.include_router(part.router)
    app.include_router(api)
    shown = () if pages is None else pages.routers
    for router in shown:
        app.include_router(router, include_in_schema=False)
    for path, route in routes(shown):
        if role_of(route) is None and path not in {*OPEN, METRICS, SIGN_IN}:
            raise RuntimeError(f"{path} does not say who may use it")
    _describe(app)
    app.add_middleware(Gate, site=site, greet=None if pages is None else pages.greet)
    return app


def routes(pages: Sequence[APIRouter] = ()) -> Iterator[tuple[str, BaseRoute]]:
    """All that are served, with their whole paths."""
    for prefix, parts in (("", (health.router, *pages)), (PREFIX, [part.router for part in ROUTERS])):
        for part in parts:
            for route in part.routes:
                yield f"{prefix}{getattr(route, 'path', '')}", route


def role_of(route: BaseRoute) -> Role | None:
    """Which one it needs; None: it asks nothing."""
    if not isinstance(route, APIRoute):
        return None
    return next((call.role for call in _calls(route.dependant) if isinstance(call, Needs)), None)


def _calls(dependant: Dependant) -> Iterator[object]:
    for each in dependant.dependencies:
        yield each.call
        yield from _calls(each)


def _describe(app: FastAPI) -> None:
    """With the schemas of what answers are made of, and how to sign in."""
    usual = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = usual()
            parts = document.setdefault("components", {})
            parts.setdefault("schemas", {}).update(components())
            parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
            for path, operations in document["paths"].items():
                for operation in operations.values():
                    operation["security"] = [] if path in OPEN else [{"token": []}]
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]
