"""Who gets to the pages, with a browser's cookie, and tricks."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from vmferry.api.gate import COOKIE
from vmferry.model.access import Role
from vmferry.service.people import FREE_TRIES, new_user

from ...service_in_memory import NOW, Service

SECRET = "correct horse"
EYES = {"Accept": "text/html"}


def signed_in(service: Service, role: Role = Role.OPERATOR) -> TestClient:
    new_user(service.site.register, "anna", role, SECRET, NOW)
    client = service.client(None)
    answer = client.post("/signin", data={"name": "anna", "password": SECRET, "next": "/jobs"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/jobs")
    return client


def mark_of(client: TestClient) -> dict[str, str]:
    text = client.get("/jobs", headers=EYES).text
    return {"X-Vmferry-Mark": text.partition('X-Vmferry-Mark": "')[2].partition('"')[0]}


def test_who_is_not_signed_in_is_asked_to(service: Service) -> None:
    answer = service.client(None).get("/guests/web", headers=EYES)
    assert answer.status_code == 401
    assert 'value="/guests/web"' in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


def test_a_sign_in_page_that_is_reloaded_asks_again(service: Service) -> None:
    assert service.client(None).get("/signin", headers=EYES).status_code == 401
    assert signed_in(service).get("/signin", headers=EYES, follow_redirects=False).headers["Location"] == "/"


def test_the_cookie_is_for_this_site_alone(service: Service) -> None:
    new_user(service.site.register, "anna", Role.VIEWER, SECRET, NOW)
    form = {"name": "anna", "password": SECRET}
    cookie = service.client(None).post("/signin", data=form, follow_redirects=False).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert SECRET not in cookie


@pytest.mark.parametrize(
    "to", ["//elsewhere", "https://elsewhere/", "/\\elsewhere", "", "javascript:alert(1)", "/a\nb"]
)
def test_nobody_is_led_elsewhere(service: Service, to: str) -> None:
    new_user(service.site.register, "anna", Role.VIEWER, SECRET, NOW)
    form = {"name": "anna", "password": SECRET, "next": to}
    answer = service.client(None).post("/signin", data=form, follow_redirects=False)
    assert answer.headers["Location"] == "/"


def test_a_page_of_another_site_cannot_sign_in(service: Service) -> None:
    new_user(service.site.register, "anna", Role.VIEWER, SECRET, NOW)
    form = {"name": "anna", "password": SECRET}
    for header in ({"Origin": "https://elsewhere"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
        answer = service.client(None).post("/signin", data=form, headers=header, follow_redirects=False)
        assert answer.status_code == 403
        assert "Set-Cookie" not in answer.headers


def test_guessing_is_written_down_and_slowed(service: Service) -> None:
    new_user(service.site.register, "anna", Role.VIEWER, SECRET, NOW)
    client = service.client(None)
    for _ in range(FREE_TRIES):
        answer = client.post("/signin", data={"name": "anna", "password": "wrong horse"})
        assert answer.status_code == 401
        assert "wrong" in answer.text
    assert "too many" in client.post("/signin", data={"name": "anna", "password": SECRET}).text
    acts = [act for _, act in service.site.register.acts()]
    assert [act.status for act in acts] == [401] * (FREE_TRIES + 1)
    assert all("horse" not in f"{act}" for act in acts)


def test_what_changes_anything_needs_the_mark(service: Service) -> None:
    service.world.add_guest("web", "alpha")
    client = signed_in(service)
    assert client.get("/api/v1/me").json()["caller"] == {"name": "anna", "role": "operator"}
    for path in ("/signout", "/api/v1/guests/web/migrate", "/guests/web/migrate"):
        for header in ({}, {"X-Vmferry-Mark": ""}, {"X-Vmferry-Mark": "forged"}):
            assert client.post(path, headers=header).status_code == 401
    assert not service.site.tools.jobs.jobs()
    answer = client.post("/api/v1/guests/web/migrate", json={"to": "beta"}, headers=mark_of(client))
    assert answer.status_code == 202
    assert service.site.register.acts()[0][1].who == "anna"


def test_roles_hold_for_people_too(service: Service) -> None:
    client = signed_in(service, Role.VIEWER)
    mark = mark_of(client)
    assert client.post("/api/v1/guests/web/migrate", json={}, headers=mark).status_code == 403
    assert client.get("/audit", headers=EYES).status_code == 403
    assert "this needs admin" in client.get("/audit", headers=EYES).text


def test_a_cookie_beside_a_forged_token_is_no_way_in(service: Service) -> None:
    client = signed_in(service)
    assert client.get("/api/v1/hosts", headers={"Authorization": "Bearer forged"}).status_code == 401


def test_who_signed_out_is_asked_again(service: Service) -> None:
    client = signed_in(service)
    secret = client.cookies[COOKIE]
    answer = client.post("/signout", headers=mark_of(client))
    assert answer.headers["HX-Redirect"] == "/"
    client.cookies.set(COOKIE, secret)
    assert client.get("/jobs", headers=EYES).status_code == 401


@pytest.mark.parametrize("cookie", ["", "forged", "a; vmferry_session=b", "\xff", "x" * 4000])
def test_no_other_cookie_opens(service: Service, cookie: str) -> None:
    header = {"Cookie": f"{COOKIE}={cookie}".encode("latin-1")}
    assert service.client(None).get("/api/v1/hosts", headers=header).status_code == 401
