"""`/signin` and `/signout`. The page that asks to sign in brings its own style, for nothing else is open to it."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response

from vmferry.api.gate import COOKIE, SIGN_IN, Here, Viewer, cookie_of
from vmferry.errors import Refused
from vmferry.model.access import Act
from vmferry.service.people import LASTS
from vmferry.service.steps import stamp
from vmferry.web.forms import Form
from vmferry.web.render import HEADERS, html, rendered

router = APIRouter()

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;display:grid;place-items:center;min-height:95vh;margin:0;color-scheme:"
    "light dark;background:light-dark(#f2f2f2,#151515);color:light-dark(#151515,#fff)}"
    "main{background:light-dark(#fff,#292929);padding:2rem;border-radius:16px;width:min(22rem,90vw);box-sizing:"
    "border-box}h1{font-size:1.5rem;margin:0 0 1rem}label{display:block;margin:.75rem 0 .25rem}"
    "input{font:inherit;width:100%;box-sizing:border-box;padding:.375rem .5rem;border:1px solid #8a8d90;"
    "border-radius:6px}"
    "button{font:inherit;margin-top:1.25rem;width:100%;padding:.375rem;border:0;border-radius:999px;background:#06c;"
    "color:#fff}p{margin:0 0 .5rem}.wrong{color:light-dark(#b1380b,#f9a8a0)}"
)
_digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
OWN = HEADERS | {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_digest}'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "WWW-Authenticate": 'Bearer realm="vmferry"',
}


def greet(path: str, wrong: str = "", status: int = 401) -> Response:
    """Asks to sign in, and leads to that path then."""
    shown = {"style": STYLE, "next": path, "wrong": wrong}
    return html(rendered("signin.html", shown), status, OWN)


@router.get(SIGN_IN)
def signed_in(caller: Viewer) -> Response:
    """Who reloads the page is asked by the gate; who is in already has nothing to do here."""
    return Response(status_code=303, headers={"Location": "/"})


@router.post(SIGN_IN)
def sign_in(site: Here, request: Request, form: Form) -> Response:
    path, name = _own_path(form.get("next", "")), form.get("name", "")
    if not _is_ours(request):
        return greet(path, "this did not come from this page; try again", 403)
    address = request.client.host if request.client else ""
    try:
        secret, _ = site.door.sign_in(name, form.get("password", ""), address)
    except Refused as error:
        site.register.record(Act(stamp(site.tools.now()), name[:100], "sign in", address, 401, error.message))
        return greet(path, error.message)
    site.register.record(Act(stamp(site.tools.now()), name, "sign in", address, 303))
    answer = Response(status_code=303, headers={"Location": path})
    secure = request.url.scheme == "https"
    answer.set_cookie(
        COOKIE, secret, int(LASTS.total_seconds()), path="/", secure=secure, httponly=True, samesite="strict"
    )
    return answer


@router.post("/signout")
def sign_out(site: Here, caller: Viewer, request: Request) -> Response:
    site.door.sign_out(cookie_of(dict(request.scope["headers"])))
    answer = Response(status_code=204, headers={"HX-Redirect": "/"})
    answer.delete_cookie(COOKIE, path="/")
    return answer


def _is_ours(request: Request) -> bool:
    """Browsers tell where a form comes from."""
    origin = request.headers.get("origin")
    fetched = request.headers.get("sec-fetch-site", "same-origin")
    return fetched == "same-origin" and (origin is None or urlsplit(origin).netloc == request.headers.get("host"))


def _own_path(text: str) -> str:
    """Nobody is led elsewhere."""
    return text if text.startswith("/") and text[1:2] not in ("/", "\\") and text.isprintable() else "/"
