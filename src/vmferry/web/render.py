"""Templates, and what goes with every page: nothing is loaded from anywhere else, and no script or style is in it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from fastapi import Request, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from vmferry import __version__
from vmferry.model.access import Caller, Role
from vmferry.model.units import format_bytes, format_duration, format_rate
from vmferry.web.static import version_of

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
UNKNOWN = "\N{EN DASH}"
HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


def page(request: Request, template: str, caller: Caller, /, status: int = 200, **values: Any) -> Response:  # noqa: ANN401
    """`values`: what the template shows."""
    shown = {"caller": caller, "may": functools.partial(_may, caller), "path": request.url.path, **values}
    return html(rendered(template, shown), status)


def html(text: str, status: int = 200, headers: Mapping[str, str] = HEADERS) -> Response:
    return Response(text, status, headers, "text/html; charset=utf-8")


def rendered(template: str, values: Mapping[str, Any]) -> str:
    return _templates().get_template(template).render(values)


def _may(caller: Caller, role: str) -> bool:
    return caller.role.covers(Role(role))


@functools.cache
def _templates() -> Environment:
    made = Environment(
        loader=PackageLoader("vmferry.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "bytes": functools.partial(_if_known, format_bytes),
        "rate": functools.partial(_if_known, format_rate),
        "seconds": functools.partial(_if_known, format_duration),
        "words": lambda value: str(value).replace("_", " "),
        "clock": clock,
        "segment": segment,
    }
    made.globals |= {"version": __version__, "static": lambda name: f"/static/{name}?v={version_of(name)}"}
    return made


def _if_known(shown: Callable[[float], str], value: float | None) -> str:
    return UNKNOWN if value is None else shown(value)


def clock(at: str | None) -> str:
    """Of RFC 3339: the day, and the time to the second, as it is (UTC)."""
    return UNKNOWN if not at else f"{at[:10]} {at[11:19]}"


def segment(text: str) -> str:
    """As one segment of a path."""
    return quote(text, safe="")
