"""Every page over hosts in memory: what it shows, to whom, and what it is sent with."""

from __future__ import annotations

import re
import time

import pytest

from vmferry.model.access import Role
from vmferry.web.matrix import lines
from vmferry.web.static import files

from ...service_in_memory import MIB, Service

EYES = {"Accept": "text/html"}
LIMIT_S = 60.0


@pytest.fixture
def fleet(service: Service) -> Service:
    service.world.add_guest("web", "alpha", memory_bytes=64 * MIB)
    service.world.add_guest("mail", "beta", memory_bytes=64 * MIB)
    return service


def seen(service: Service, path: str, role: Role = Role.ADMIN, status: int = 200) -> str:
    answer = service.client(role).get(path, headers=EYES)
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"].startswith("text/html")
    return answer.text


def moved(service: Service, guest: str, to: str) -> str:
    """The job's page, once it is at its end."""
    service.run()
    answer = service.client().post(f"/guests/{guest}/migrate", data={"to": to})
    path = answer.headers["HX-Redirect"]
    deadline = time.monotonic() + LIMIT_S
    while 'data-outcome="migrated"' not in (text := seen(service, path)):
        assert time.monotonic() < deadline, text
        time.sleep(0.05)
    return path


def test_the_map_shows_every_host_with_its_guests(fleet: Service) -> None:
    text = seen(fleet, "/")
    alpha, beta = text.index('data-host="alpha"'), text.index('data-host="beta"')
    assert alpha < text.index(">web") < beta < text.index(">mail")


def test_the_search_finds_guests_and_hosts(fleet: Service) -> None:
    text = seen(fleet, "/fleet/map?q=MAI")
    assert ">mail" in text
    assert ">web" not in text
    assert 'data-host="alpha"' not in text
    assert ">web" in seen(fleet, "/fleet/map?q=alpha")
    assert "Nothing is named like" in seen(fleet, "/fleet/map?q=nothing")


def test_every_page_loads_nothing_from_elsewhere_and_has_no_code_in_it(fleet: Service) -> None:
    path = moved(fleet, "web", "beta")
    for each in ("/", "/jobs", "/audit", "/hosts/alpha", "/hosts/add", "/hosts/alpha/drain", "/guests/web", path):
        answer = fleet.client().get(each, headers=EYES)
        policy = answer.headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "http" not in policy
        assert "default-src 'none'" in policy
        assert not re.search(r"""(?:src|href|action|hx-\w+)=["'](?:https?:)?//""", answer.text)
        assert not re.search(r"<script(?! (?:src|type=\"application/json\"))", answer.text)
        assert not re.search(r"\son\w+=|\sstyle=|<style", answer.text)


def test_every_file_that_pages_name_is_there(fleet: Service) -> None:
    client = fleet.client()
    for name in re.findall(r'(?:src|href)="/(static/[^"]+)"', seen(fleet, moved(fleet, "web", "beta"))):
        answer = client.get(f"/{name}")
        assert answer.status_code == 200
        assert "immutable" in answer.headers["Cache-Control"]
    sheet = client.get("/static/patternfly.css").text
    assert {name for name in files() if name.endswith(".woff2")} <= set(re.findall(r'url\("\./(fonts/[^"]+)"\)', sheet))
    assert client.get("/static/../pages.py").status_code == 404
    assert client.get("/static/%2e%2e/pages.py").status_code == 404


def test_a_guest_s_page_shows_every_target(fleet: Service) -> None:
    text = seen(fleet, "/guests/web")
    assert 'hx-get="/guests/' in text
    table = seen(fleet, "/guests/web/targets?to=beta")
    assert "Migrate to beta" in table
    assert 'data-host="alpha"' not in table


def test_a_viewer_sees_no_button(fleet: Service) -> None:
    assert "Migrate to" not in seen(fleet, "/guests/web/targets", Role.VIEWER)
    assert "hx-post" not in seen(fleet, "/hosts/alpha", Role.VIEWER).replace('hx-post="/signout"', "")


def test_a_migration_is_watched_to_its_end(fleet: Service) -> None:
    path = moved(fleet, "web", "beta")
    text = seen(fleet, path)
    assert "Foretold and measured" in text
    assert "Cancel" not in text
    assert path in seen(fleet, "/jobs")
    assert path in seen(fleet, "/tasks")
    assert path not in seen(fleet, "/jobs?guest=mail")


def test_what_is_refused_is_told_in_words(fleet: Service) -> None:
    client = fleet.client()
    answer = client.post("/guests/web/migrate", data={"to": "nowhere"}, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert 'role="alert"' in answer.text
    assert "nowhere" in answer.text
    assert "HX-Redirect" not in answer.headers
    answer = client.post("/guests/web/migrate", data={"colour": "red"}, headers={"HX-Request": "true"})
    assert "colour" in answer.text
    assert "there is no guest" in seen(fleet, "/guests/nobody", status=404)
    assert "there is no host" in seen(fleet, "/hosts/nobody", status=404)


def test_names_are_never_markup(fleet: Service) -> None:
    assert "<b>" not in seen(fleet, "/fleet/map?q=<b>")
    assert "<b>" not in seen(fleet, "/jobs?guest=<b>")
    assert "<b>" not in fleet.client(None).get("/<b>", headers=EYES).text


def test_a_drain_is_planned_begun_and_seen_to_its_end(fleet: Service) -> None:
    fleet.run()
    plan = seen(fleet, "/hosts/alpha/drain/plan")
    assert 'data-guest="web" data-state="planned"' in plan
    answer = fleet.client().post("/hosts/alpha/drain", data={})
    assert answer.headers["HX-Redirect"] == "/hosts/alpha/drain", answer.text
    deadline = time.monotonic() + LIMIT_S
    while 'data-errand="done"' not in (text := seen(fleet, "/hosts/alpha/drain/course")):
        assert time.monotonic() < deadline, text
        time.sleep(0.05)
    assert 'data-guest="web" data-state="migrated"' in text
    assert [each.host for each in fleet.site.roll.seen().guests if each.name == "web"] != ["alpha"]
    assert fleet.client().post("/hosts/alpha/drain/stop").text.count("nothing of alpha is under way") == 1


def test_a_balancing_is_planned_approved_once_and_seen_to_its_end(fleet: Service) -> None:
    fleet.world.rate_bytes_s = 1 << 34
    for number in range(6):
        fleet.world.add_guest(f"many{number}", "alpha", memory_bytes=4096 * MIB)
    fleet.run()
    plan = seen(fleet, "/balance/plan?mode=even&eagerness=5")
    assert 'data-state="planned"' in plan, plan
    name = plan.partition('"plan": "')[2].partition('"')[0]
    assert fleet.client().post("/balance", data={"plan": name}).headers["HX-Redirect"] == "/balance"
    deadline = time.monotonic() + LIMIT_S
    while 'data-errand="done"' not in (text := seen(fleet, "/balance/course")):
        assert time.monotonic() < deadline, text
        time.sleep(0.05)
    assert 'data-state="migrated"' in text
    assert "make a new one" in fleet.client().post("/balance", data={"plan": name}).text, "it is taken once"


def finding(rule: str, severity: str, subject: str = "vda") -> dict[str, str]:
    return {"rule": rule, "severity": severity, "subject": subject}


def test_the_matrix_has_the_worst_of_each_rule_and_the_worst_rule_first() -> None:
    targets = [
        {"host": "a", "findings": [finding("disk.x", "warn"), finding("disk.x", "refuse"), finding("cpu.y", "info")]},
        {"host": "b", "findings": [finding("net.z", "warn"), finding("cpu.w", "unknown")]},
    ]
    found = lines(targets)
    assert [line.rule for line in found] == ["disk.x", "cpu.w", "net.z"]
    assert [[cell and cell["severity"] for cell in line.cells] for line in found] == [
        ["refuse", None],
        [None, "unknown"],
        [None, "warn"],
    ]
