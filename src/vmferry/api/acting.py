"""What changes anything goes through here: it is written into the audit, and sent twice it is done once."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from fastapi import Request, Response

from vmferry.api.problems import of_error, problem
from vmferry.api.site import Site
from vmferry.errors import VmferryError
from vmferry.model.access import Act, Caller, Reply
from vmferry.service.steps import stamp

KEY = "idempotency-key"
MOST_KEY = 200


@dataclass(slots=True)
class Acting:
    """Of one request."""

    site: Site
    caller: Caller
    request: Request
    what: str
    subject: str
    body: Any = None
    """Built-in types, or a value that msgspec knows."""

    def carry_out(self, work: Callable[[], Response], *, keep: bool = True) -> Response:
        """`work` may raise what vmferry raises on purpose. Without `keep`, its answer is not to be written anywhere."""
        key = self.request.headers.get(KEY)
        if key is None:
            return self._recorded(work)
        if not key or len(key) > MOST_KEY or not key.isprintable():
            return problem(422, f"an Idempotency-Key has 1 to {MOST_KEY} printable characters", exit_code=2)
        with _alone((self.caller.name, key)) as alone:
            if not alone:
                return problem(409, "the request with this Idempotency-Key is still being answered; ask again later")
            return self._once(key, work, keep=keep)

    def _once(self, key: str, work: Callable[[], Response], *, keep: bool) -> Response:
        register, mark = self.site.register, self._fingerprint()
        known = register.reply(self.caller.name, key)
        if known is not None and known.fingerprint != mark:
            return problem(422, "this Idempotency-Key was used for another request; take a new one", exit_code=2)
        if known is not None:
            kind = "application/json" if known.status < 400 else "application/problem+json"
            return Response(known.document, known.status, {"Idempotency-Replayed": "true"}, kind)
        response = self._recorded(work)
        if response.status_code < 500:  # what failed for reasons of ours may be tried again
            text = bytes(response.body).decode() if keep or response.status_code >= 400 else "{}"
            register.keep_reply(self.caller.name, key, Reply(mark, response.status_code, text))
        return response

    def _fingerprint(self) -> str:
        whole = msgspec.json.encode([self.request.method, self.request.url.path, self.body], order="sorted")
        return hashlib.sha256(whole).hexdigest()

    def _recorded(self, work: Callable[[], Response]) -> Response:
        detail = ""
        try:
            response = work()
        except VmferryError as error:
            response, detail = of_error(error), error.message
        at = stamp(self.site.tools.now())
        self.site.register.record(Act(at, self.caller.name, self.what, self.subject, response.status_code, detail))
        return response


_under_way: set[tuple[str, str]] = set()
"""Callers and keys of requests that are being answered."""
_lock = threading.Lock()
"""Held to look at or change them."""


@contextlib.contextmanager
def _alone(key: tuple[str, str]) -> Iterator[bool]:
    """Whether nobody else is at it."""
    with _lock:
        alone = key not in _under_way
        _under_way.add(key)
    try:
        yield alone
    finally:
        if alone:
            with _lock:
                _under_way.discard(key)
