"""Who gets in. Everything is closed but for what `OPEN` names; each route says which role it needs.

A request over the unix socket is its user's, by the kernel's word. Over TCP it brings a token, or the cookie of who
signed in; what changes anything then needs the session's mark too, which other sites cannot know. Nothing is believed
that a proxy adds: `serve` has it switched off.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Callable, Mapping
from typing import Annotated

from fastapi import Depends, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vmferry.api.peer import LOCAL, caller_of
from vmferry.api.problems import of_error, problem
from vmferry.api.site import Site
from vmferry.errors import VmferryError
from vmferry.model.access import Caller, Role
from vmferry.service.tokens import digest_of, is_valid

SIGN_IN = "/signin"
"""Where people send their name and password: a POST to it is open, too."""
OPEN = frozenset({"/openapi.json", "/health", "/ready"})
"""Without a sign-in, from anywhere."""
METRICS = "/metrics"
"""The same on loopback only."""
MOST_BYTES = 1 << 18
"""Of a body; the largest that is of use is a guest's definition."""
COOKIE = "vmferry_session"
MARK = b"x-vmferry-mark"
HARMLESS = frozenset({"GET", "HEAD"})
SCHEMES = {"WWW-Authenticate": 'Bearer realm="vmferry"'}


class Gate:
    """ASGI: answers 401, 403 and 413 itself, tells the routes who asks, and the browser to keep nothing."""

    def __init__(self, app: ASGIApp, site: Site, greet: Callable[[str], Response] | None = None) -> None:
        """`greet`: the page that asks to sign in, for whoever wanted that path."""
        self._app, self._site, self._greet = app, site, greet

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # there are no web sockets here
            await send({"type": "websocket.close", "code": 1008})
            return
        send = _never_cached(send)
        headers = dict(scope["headers"])
        if _declared(headers) > MOST_BYTES:
            await problem(413, f"a body of more than {MOST_BYTES} bytes is not read")(scope, receive, send)
            return
        if not is_open(scope):
            try:
                caller, why = await run_in_threadpool(self._caller, scope, headers)
            except VmferryError as error:
                await of_error(error)(scope, receive, send)
                return
            if caller is None and self._greet is not None and _is_for_eyes(scope, headers):
                await self._greet(scope["path"])(scope, receive, send)
                return
            if caller is None:
                status, extra = (401, SCHEMES) if _client(scope) != LOCAL else (403, {})
                await problem(status, why, headers=extra)(scope, receive, send)
                return
            scope.setdefault("state", {})["caller"] = caller
        await self._app(scope, _limited(receive), send)

    def _caller(self, scope: Scope, headers: dict[bytes, bytes]) -> tuple[Caller | None, str]:
        """Who asks, or why that is not known."""
        if _client(scope) == LOCAL:
            words = "this user may not use the socket; it has to belong to the group vmferry"
            return caller_of(scope["client"][1]), words
        if b"authorization" not in headers and (secret := cookie_of(headers)):
            return self._signed_in(scope, headers, secret)
        scheme, _, secret = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            return None, "sign in, or send a token: Authorization: Bearer TOKEN; vmferry token add NAME makes one"
        token = self._site.register.token(digest_of(secret.strip()))
        if token is None or not is_valid(token, self._site.tools.now()):
            return None, "this token is not valid, or not any more"
        return Caller(f"token {token.name}", token.role), ""

    def _signed_in(self, scope: Scope, headers: dict[bytes, bytes], secret: str) -> tuple[Caller | None, str]:
        caller = self._site.door.who(secret)
        if caller is None:
            return None, "the session is over; sign in again"
        mark = headers.get(MARK, b"")
        if scope["method"] not in HARMLESS and not hmac.compare_digest(mark, caller.mark.encode()):
            return None, "this did not come from a page of vmferry; load the page again"
        return caller, ""


def _never_cached(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.setdefault("Cache-Control", "no-store")
            headers["X-Content-Type-Options"] = "nosniff"
        await send(message)

    return sent


def cookie_of(headers: Mapping[bytes, bytes]) -> str:
    """The session's secret; empty: there is none."""
    return cookie_parser(headers.get(b"cookie", b"").decode("latin-1")).get(COOKIE, "")


def _is_for_eyes(scope: Scope, headers: dict[bytes, bytes]) -> bool:
    return scope["method"] in HARMLESS and b"text/html" in headers.get(b"accept", b"") and _client(scope) != LOCAL


def is_open(scope: Scope) -> bool:
    path = scope["path"]
    signs_in = path == SIGN_IN and scope["method"] == "POST"
    return path in OPEN or signs_in or (path == METRICS and _is_loopback(_client(scope)))


def _client(scope: Scope) -> str:
    return str(scope["client"][0]) if scope.get("client") else ""


def _is_loopback(client: str) -> bool:
    try:
        return ipaddress.ip_address(client).is_loopback
    except ValueError:
        return False


def _declared(headers: dict[bytes, bytes]) -> int:
    length = headers.get(b"content-length", b"0")
    return int(length) if length.isdigit() else 0


def _limited(receive: Receive) -> Receive:
    """A body that was not declared may be long all the same: it is cut off, and so is not what it should be."""
    left = MOST_BYTES

    async def limited() -> Message:
        nonlocal left
        message = await receive()
        if message["type"] == "http.request":
            body = message.get("body", b"")
            left -= len(body)
            if left < 0:
                return {"type": "http.disconnect"}
        return message

    return limited


class Needs:
    """What a route asks of its caller; `serve` starts with no route that asks nothing."""

    def __init__(self, role: Role) -> None:
        self.role = role

    def __call__(self, request: Request) -> Caller:
        caller: Caller = request.state.caller
        if not caller.role.covers(self.role):
            raise HTTPException(403, f"{caller.name} is {caller.role}, and this needs {self.role}")
        return caller


Viewer = Annotated[Caller, Depends(Needs(Role.VIEWER))]
Operator = Annotated[Caller, Depends(Needs(Role.OPERATOR))]
Admin = Annotated[Caller, Depends(Needs(Role.ADMIN))]


def site_of(request: Request) -> Site:
    site: Site = request.app.state.site
    return site


Here = Annotated[Site, Depends(site_of)]
