"""`/tokens`, `/audit` and `/me`: who may do what, and what was done."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from vmferry.api.acting import Acting
from vmferry.api.answers import TEXT, answer, many, ref, shape, told
from vmferry.api.gate import Admin, Here, Viewer
from vmferry.api.inventory import Limit
from vmferry.model.access import Act, Role, Token
from vmferry.service.steps import stamp
from vmferry.service.tokens import NAME, digest_of, new_secret

router = APIRouter(tags=["access"])

TOKENS = shape({"tokens": many(ref(Token))}, {"secret": TEXT, "removed": many(TEXT)})
AUDIT = shape(
    {
        "acts": many({"allOf": [ref(Act), {"type": "object", "required": ["number"]}]}),
        "next": {"type": ["integer", "null"]},
    }
)
CALLER = {
    "type": "object",
    "required": ["name", "role"],
    "properties": {"name": TEXT, "role": {"enum": [each.value for each in Role]}},
}
TokenName = Annotated[str, Path(pattern=NAME, examples=["ansible"])]


class NewToken(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=NAME, examples=["ansible"])
    role: Role = Role.VIEWER
    days: int | None = Field(None, ge=1, le=3650, description="It opens nothing after so many; without it, it lasts.")


@router.get("/me", responses=told(shape({"caller": CALLER})))
def me(site: Here, caller: Viewer) -> Response:
    """Who this is, by the token or the socket."""
    return answer({"caller": {"name": caller.name, "role": caller.role}})


@router.get("/tokens", responses=told(TOKENS))
def list_tokens(site: Here, caller: Admin) -> Response:
    """By name, without their secrets, which are kept nowhere."""
    return answer({"tokens": list(site.register.tokens())})


@router.post("/tokens", status_code=201, responses=told(TOKENS, status=201))
def add(site: Here, caller: Admin, request: Request, new: NewToken) -> Response:
    """Make a token. Its secret is told now and never again; an answer that was lost means to make another one."""
    now = site.tools.now()
    expires = None if new.days is None else stamp(now + timedelta(days=new.days))
    token, secret = Token(new.name, new.role, stamp(now), expires), new_secret()

    def work() -> Response:
        site.register.add_token(token, digest_of(secret))
        return answer({"tokens": [token], "secret": secret}, 201)

    return Acting(site, caller, request, "token add", new.name, new.model_dump()).carry_out(work, keep=False)


@router.delete("/tokens/{name}", responses=told(TOKENS))
def remove(site: Here, caller: Admin, request: Request, name: TokenName) -> Response:
    """From now on it opens nothing."""

    def work() -> Response:
        site.register.remove_token(name)
        return answer({"tokens": [], "removed": [name]})

    return Acting(site, caller, request, "token remove", name).carry_out(work)


@router.get("/audit", responses=told(AUDIT))
def audit(
    site: Here,
    caller: Admin,
    limit: Limit = 100,
    before: Annotated[int | None, Query(ge=1, le=1 << 53, description="`next` of the page before.")] = None,
) -> Response:
    """What was asked for and by whom, the newest first."""
    found = site.register.acts(before=before, most=limit + 1)
    page = [{"number": number, **msgspec.to_builtins(act)} for number, act in found[:limit]]
    return answer({"acts": page, "next": page[-1]["number"] if len(found) > limit else None})
