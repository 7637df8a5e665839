"""Errors as `application/problem+json` (RFC 9457), with the exit code that the same would have on the command line."""

from __future__ import annotations

import http
from collections.abc import Callable
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from vmferry.errors import (
    Failed,
    Fenced,
    HostError,
    HostUnreachable,
    InDoubt,
    Refused,
    Unknown,
    UserError,
    VmferryError,
)

STATUSES: tuple[tuple[type[VmferryError], int], ...] = (
    (HostUnreachable, 504),
    (HostError, 502),
    (Unknown, 404),
    (UserError, 422),
    (Refused, 409),
    (InDoubt, 409),
    (Fenced, 409),
    (Failed, 503),
)
"""The first that fits."""
MEDIA_TYPE = "application/problem+json"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "about:blank, or urn:vmferry: and the kind of error"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What, why, and what to do next"},
        "exit_code": {"type": "integer", "description": "Of the command line, for the same error"},
        "text": {"type": "string", "description": "What libvirt or ssh said, verbatim"},
    },
    "example": {
        "type": "urn:vmferry:refused",
        "title": "Conflict",
        "status": 409,
        "detail": "guest web is being migrated already, by job 20260101-120000-a1b2c3; wait for its end",
        "exit_code": 3,
    },
}


def problem(
    status: int, detail: str, *, kind: str = "", headers: dict[str, str] | None = None, **more: str | int
) -> Response:
    document = {
        "type": f"urn:vmferry:{kind}" if kind else "about:blank",
        "title": http.HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        **{name: value for name, value in more.items() if value != ""},
    }
    return Response(msgspec.json.encode(document), status, headers, MEDIA_TYPE)


def of_error(error: VmferryError) -> Response:
    status = next((status for kind, status in STATUSES if isinstance(error, kind)), 500)
    kind = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in type(error).__name__).lstrip("-")
    return problem(status, error.message, kind=kind, exit_code=error.exit_code, text=error.detail)


Shown = Callable[[Request, Response], Response]
"""Makes something for people of a problem that was met on their way to a page."""


def as_it_is(request: Request, answer: Response) -> Response:
    return answer


def add_handlers(app: FastAPI, shown: Shown = as_it_is) -> None:
    @app.exception_handler(VmferryError)
    def _ours(request: Request, error: VmferryError) -> Response:
        return shown(request, of_error(error))

    @app.exception_handler(HTTPException)
    def _http(request: Request, error: HTTPException) -> Response:
        return shown(request, problem(error.status_code, str(error.detail), headers=dict(error.headers or {})))

    @app.exception_handler(RequestValidationError)
    def _invalid(request: Request, error: RequestValidationError) -> Response:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        return shown(request, problem(422, wrong or "the request is not as it should be", kind="invalid", exit_code=2))

    @app.exception_handler(Exception)
    def _fault(request: Request, error: Exception) -> Response:
        """Its traceback goes to the log, not to whoever asked."""
        said = "vmferry failed at it; its log says where: report that"
        return shown(request, problem(500, said, kind="internal", exit_code=1))
