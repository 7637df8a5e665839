"""Who gets in: every route of the table, and tricks."""

from __future__ import annotations

import os

import pytest
from fastapi.routing import APIRoute

from vmferry.api.app import make_app, role_of, routes
from vmferry.api.gate import METRICS, MOST_BYTES, OPEN, SIGN_IN
from vmferry.model.access import Role, Token
from vmferry.service.tokens import digest_of
from vmferry.web.pages import Pages

from ...service_in_memory import Service

VIEWER, OPERATOR, ADMIN = Role
V1 = "/api/v1"
NEEDS = {
    ("GET", f"{V1}/hosts"): VIEWER,
    ("GET", f"{V1}/hosts/{{host}}"): VIEWER,
    ("POST", f"{V1}/hosts"): ADMIN,
    ("DELETE", f"{V1}/hosts/{{host}}"): ADMIN,
    ("GET", f"{V1}/hosts/{{host}}/check"): VIEWER,
    ("GET", f"{V1}/hosts/{{host}}/drain"): VIEWER,
    ("POST", f"{V1}/hosts/{{host}}/drain"): OPERATOR,
    ("POST", f"{V1}/hosts/{{host}}/drain/stop"): OPERATOR,
    ("POST", f"{V1}/hosts/{{host}}/undrain"): OPERATOR,
    ("GET", f"{V1}/drains"): VIEWER,
    ("GET", f"{V1}/balance"): VIEWER,
    ("POST", f"{V1}/balance"): OPERATOR,
    ("POST", f"{V1}/balance/stop"): OPERATOR,
    ("GET", f"{V1}/guests"): VIEWER,
    ("GET", f"{V1}/guests/{{guest}}"): VIEWER,
    ("GET", f"{V1}/guests/{{guest}}/check"): VIEWER,
    ("GET", f"{V1}/guests/{{guest}}/plan"): VIEWER,
    ("POST", f"{V1}/guests/{{guest}}/migrate"): OPERATOR,
    ("GET", f"{V1}/jobs"): VIEWER,
    ("GET", f"{V1}/jobs/{{job}}"): VIEWER,
    ("GET", f"{V1}/jobs/{{job}}/events"): VIEWER,
    ("POST", f"{V1}/jobs/{{job}}/cancel"): OPERATOR,
    ("POST", f"{V1}/jobs/{{job}}/force"): OPERATOR,
    ("POST", f"{V1}/jobs/{{job}}/repair"): OPERATOR,
    ("GET", f"{V1}/events"): VIEWER,
    ("GET", f"{V1}/rules"): VIEWER,
    ("GET", f"{V1}/rules/{{rule}}"): VIEWER,
    ("GET", f"{V1}/me"): VIEWER,
    ("GET", f"{V1}/tokens"): ADMIN,
    ("POST", f"{V1}/tokens"): ADMIN,
    ("DELETE", f"{V1}/tokens/{{name}}"): ADMIN,
    ("GET", f"{V1}/audit"): ADMIN,
}
PAGES = {
    ("GET", "/signin"): VIEWER,
    ("POST", "/signout"): VIEWER,
    ("GET", "/static/{name:path}"): VIEWER,
    ("GET", "/"): VIEWER,
    ("GET", "/fleet/map"): VIEWER,
    ("GET", "/hosts/add"): ADMIN,
    ("POST", "/hosts/add"): ADMIN,
    ("GET", "/hosts/{host}"): VIEWER,
    ("GET", "/hosts/{host}/findings"): VIEWER,
    ("POST", "/hosts/{host}/remove"): ADMIN,
    ("GET", "/hosts/{host}/drain"): VIEWER,
    ("GET", "/hosts/{host}/drain/plan"): VIEWER,
    ("GET", "/hosts/{host}/drain/course"): VIEWER,
    ("POST", "/hosts/{host}/drain"): OPERATOR,
    ("POST", "/hosts/{host}/drain/stop"): OPERATOR,
    ("POST", "/hosts/{host}/undrain"): OPERATOR,
    ("GET", "/guests/{guest}"): VIEWER,
    ("GET", "/guests/{guest}/targets"): VIEWER,
    ("POST", "/guests/{guest}/migrate"): OPERATOR,
    ("GET", "/jobs"): VIEWER,
    ("GET", "/tasks"): VIEWER,
    ("GET", "/jobs/{job}"): VIEWER,
    ("GET", "/jobs/{job}/state"): VIEWER,
    ("POST", "/jobs/{job}/cancel"): OPERATOR,
    ("POST", "/jobs/{job}/force"): OPERATOR,
    ("POST", "/jobs/{job}/repair"): OPERATOR,
    ("GET", "/balance"): VIEWER,
    ("GET", "/balance/plan"): VIEWER,
    ("GET", "/balance/course"): VIEWER,
    ("POST", "/balance"): OPERATOR,
    ("POST", "/balance/stop"): OPERATOR,
    ("GET", "/audit"): ADMIN,
}
EVERY = NEEDS | PAGES
STREAMS = {f"{V1}/events"}
"""They never end where they are let in."""


def concrete(path: str) -> str:
    return (
        path.replace("{host}", "alpha")
        .replace("{guest}", "web")
        .replace("{job}", "j")
        .replace("{name}", "t")
        .replace("{name:path}", "app.js")
    )


def test_the_table_names_every_route(service: Service) -> None:
    described = {
        (method.upper(), path) for path, operations in service.app.openapi()["paths"].items() for method in operations
    }
    assert {each for each in described if each[1] not in {*OPEN, METRICS}} == set(NEEDS)
    table = {(method, path): role_of(route) for path, route in routes(Pages().routers) for method in route.methods}
    assert {each: role for each, role in table.items() if each[1] not in {*OPEN, METRICS}} == EVERY | {
        ("POST", SIGN_IN): None
    }


def test_a_route_without_a_rule_is_no_application(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    from vmferry.api import rules

    route = APIRoute("/rules/bare", lambda: "hello")
    monkeypatch.setattr(rules.router, "routes", [*rules.router.routes, route])
    with pytest.raises(RuntimeError, match="bare"):
        make_app(service.site)


@pytest.mark.parametrize("route", EVERY, ids=" ".join)
def test_nobody_gets_in_without_a_sign_in(service: Service, route: tuple[str, str]) -> None:
    method, path = route
    answer = service.client(None).request(method, concrete(path))
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert service.site.register.acts() == ()


@pytest.mark.parametrize("route", EVERY, ids=" ".join)
def test_each_role_gets_as_far_as_it_may(service: Service, route: tuple[str, str]) -> None:
    method, path = route
    for role in Role:
        if path in STREAMS and role.covers(EVERY[method, path]):
            continue
        answer = service.client(role).request(method, concrete(path))
        refused = not role.covers(EVERY[method, path])
        assert (answer.status_code == 403) is refused, (role, answer.text)
        assert answer.status_code != 401
        if refused:
            assert service.site.register.acts() == ()


@pytest.mark.parametrize("path", sorted(OPEN))
def test_what_is_open_is_open(service: Service, path: str) -> None:
    assert service.client(None).get(path).status_code in (200, 503)


def test_metrics_are_open_on_loopback_only(service: Service) -> None:
    assert service.client(None, "127.0.0.1").get(METRICS).status_code == 200
    assert service.client(None, "::1").get(METRICS).status_code == 200
    assert service.client(None).get(METRICS).status_code == 401
    assert service.client(None).get(METRICS, headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 401
    assert service.client(Role.VIEWER).get(METRICS).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Bearer vmferry_forged",
        "Basic c2VjcmV0IG9mIGFkbWlu",
        f"Bearer {digest_of('secret of admin')}",
        "bearer\tsecret of admin",
        "secret of admin",
        "Bearer secret of admin, Bearer secret of admin",
        "Bearer \xff\xfe",
    ],
)
def test_no_other_word_opens(service: Service, header: str) -> None:
    service.client(Role.ADMIN)  # makes the token
    answer = service.client(None).get(f"{V1}/hosts", headers={"Authorization": header.encode("latin-1")})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "/openapi.json/../api/v1/tokens",
        "/openapi.json%2f..%2fapi/v1/tokens",
        "//api/v1/tokens",
        "/api/v1//tokens",
        "/api/v1/tokens/",
        "/API/V1/tokens",
        "/api/v1/tokens;/openapi.json",
        "/health/../api/v1/tokens",
        "/docs",
        "/redoc",
        "/",
    ],
)
def test_no_way_around(service: Service, path: str) -> None:
    service.client(Role.ADMIN)
    assert service.client(None).get(path).status_code in (401, 404)
    assert "tokens" not in service.client(Role.VIEWER).get(path).text


@pytest.mark.parametrize(
    "header",
    [
        "X-Forwarded-For",
        "X-Real-IP",
        "Forwarded",
        "X-Forwarded-User",
        "X-Remote-User",
        "X-Original-URL",
        "X-HTTP-Method-Override",
    ],
)
def test_no_header_makes_anybody_local(service: Service, header: str) -> None:
    for value in ("unix socket", "127.0.0.1", "root", "/openapi.json", "GET"):
        assert service.client(None).post(f"{V1}/tokens", headers={header: value}).status_code == 401


def test_a_token_that_has_expired(service: Service) -> None:
    token = Token("old", ADMIN, "2026-01-01T00:00:00Z", "2026-02-28T23:59:59Z")
    service.site.register.add_token(token, digest_of("once good"))
    answer = service.client(None).get(f"{V1}/hosts", headers={"Authorization": "Bearer once good"})
    assert answer.status_code == 401


def test_a_token_that_is_removed(service: Service) -> None:
    client = service.client(Role.ADMIN)
    assert client.delete(f"{V1}/tokens/admin").status_code == 200
    assert client.get(f"{V1}/hosts").status_code == 401


def test_an_oversized_body_is_not_read(service: Service) -> None:
    client = service.client(Role.ADMIN)
    whole = b"x" * (MOST_BYTES + 1)
    assert client.post(f"{V1}/hosts", content=whole).status_code == 413
    assert client.post(f"{V1}/hosts", content=iter([whole[:MOST_BYTES], whole])).status_code >= 400
    assert service.site.tools.store.hosts() == service.site.entries
    assert service.site.register.acts() == ()


def test_the_socket_knows_its_users(service: Service) -> None:
    assert service.local(0).get(f"{V1}/me").json()["caller"] == {"name": "user root", "role": "admin"}
    assert service.local(os.geteuid()).get(f"{V1}/me").json()["caller"]["role"] == "admin"
    stranger = service.local(64123).get(f"{V1}/hosts")
    assert stranger.status_code == 403
    assert "group vmferry" in stranger.json()["detail"]


def test_no_secret_is_ever_told_again(service: Service) -> None:
    client = service.client(Role.ADMIN)
    made = client.post(f"{V1}/tokens", json={"name": "ci"}, headers={"Idempotency-Key": "k"}).json()
    assert made["secret"].startswith("vmferry_")
    for path in ("tokens", "audit", "me"):
        assert made["secret"] not in client.get(f"{V1}/{path}").text
    again = client.post(f"{V1}/tokens", json={"name": "ci"}, headers={"Idempotency-Key": "k"})
    assert made["secret"] not in again.text
    headers = {"Authorization": f"Bearer {made['secret']}"}
    assert service.client(None).get(f"{V1}/me", headers=headers).json()["caller"]["name"] == "token ci"
