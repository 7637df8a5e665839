"""What the API answers: the command line's documents, and what changes anything once."""

from __future__ import annotations

import time
from typing import Any

import pytest
from starlette.testclient import TestClient

from vmferry.fakes import CopyEffect, CopyFault
from vmferry.model.access import Role

from ...service_in_memory import MIB, Service

V1 = "/api/v1"
LIMIT_S = 60.0


def ended(client: TestClient, job: str) -> dict[str, Any]:
    """The job at its end."""
    end_s = time.monotonic() + LIMIT_S
    while True:
        (found,) = client.get(f"{V1}/jobs/{job}").json()["jobs"]
        if found["outcome"] is not None:
            return dict(found)
        assert time.monotonic() < end_s, found
        time.sleep(0.02)


def test_hosts_and_guests_as_they_were_seen(service: Service) -> None:
    service.world.add_guest("web", "alpha", memory_bytes=64 * MIB)
    service.world.host("gamma").faults.unreachable = "no route to host"
    client = service.client(Role.VIEWER)
    hosts = client.get(f"{V1}/hosts").json()
    assert hosts["schema"] == "vmferry/1"
    assert hosts["seen_at"] == "2026-03-01T00:00:00.000Z"
    assert [(each["name"], each["state"]) for each in hosts["hosts"]] == [
        ("alpha", "ready"),
        ("beta", "ready"),
        ("gamma", "unreachable"),
    ]
    guests = client.get(f"{V1}/guests").json()
    assert [(each["name"], each["host"]) for each in guests["guests"]] == [("web", "alpha")]
    assert [each["host"] for each in guests["unreachable"]] == ["gamma"]
    assert client.get(f"{V1}/guests/web").json()["guests"] == guests["guests"]
    assert client.get(f"{V1}/hosts/alpha").json()["hosts"] == hosts["hosts"][:1]


def test_what_there_is_not(service: Service) -> None:
    client = service.client(Role.VIEWER)
    for path in ("hosts/delta", "hosts/delta/check", "guests/nobody", "guests/nobody/check", "jobs/none", "rules/none"):
        answer = client.get(f"{V1}/{path}")
        assert answer.status_code == 404, path
        problem = answer.json()
        assert (problem["type"], problem["exit_code"]) == ("urn:vmferry:unknown", 2)
        assert answer.headers["Content-Type"] == "application/problem+json"


def test_pages_of_guests(service: Service) -> None:
    for number in range(5):
        service.world.add_guest(f"g{number}", "alpha" if number % 2 else "beta", memory_bytes=MIB)
    client = service.client(Role.VIEWER)
    names, after = [], None
    while True:
        page = client.get(f"{V1}/guests", params={"limit": 2} | ({"after": after} if after else {})).json()
        names += [each["name"] for each in page["guests"]]
        after = page["next"]
        if after is None:
            break
    assert names == [f"g{number}" for number in range(5)]
    assert [each["name"] for each in client.get(f"{V1}/guests?host=alpha").json()["guests"]] == ["g1", "g3"]
    assert [each["name"] for each in client.get(f"{V1}/guests?name=g4").json()["guests"]] == ["g4"]


def test_a_check_and_a_plan(service: Service) -> None:
    service.world.add_guest("web", "alpha", memory_bytes=64 * MIB)
    client = service.client(Role.VIEWER)
    checked = client.get(f"{V1}/guests/web/check").json()
    assert {each["host"] for each in checked["targets"]} == {"beta", "gamma"}
    (one,) = client.get(f"{V1}/guests/web/check?to=beta").json()["targets"]
    assert one["host"] == "beta"
    assert one["findings"]
    planned = client.get(f"{V1}/guests/web/plan?measure_s=1").json()["targets"]
    assert planned[0]["forecast"]["duration_s"]["p50"] > 0
    assert client.get(f"{V1}/guests/web/check?to=alpha").status_code == 422


def test_a_drain_is_planned_and_nothing_is_marked(service: Service) -> None:
    for name in ("web", "db"):
        service.world.add_guest(name, "alpha", memory_bytes=64 * MIB)
    service.world.add_guest("huge", "beta", memory_bytes=1 << 50)
    client = service.client(Role.VIEWER)
    plan = client.get(f"{V1}/hosts/alpha/drain").json()["plan"]
    assert plan["feasible"]
    assert {(each["guest"], each["from"]) for each in plan["moves"]} == {("web", "alpha"), ("db", "alpha")}
    assert plan["makespan_s"] >= plan["bound_s"] > 0
    stuck = client.get(f"{V1}/hosts/beta/drain").json()["plan"]
    assert [each["guest"] for each in stuck["unplaceable"]] == ["huge"]
    assert dict(service.site.tools.store.withdrawn()) == {}
    assert client.get(f"{V1}/hosts/nowhere/drain").status_code == 404


def test_a_migration_from_its_request_to_its_end(service: Service) -> None:
    web = service.world.add_guest("web", "alpha", memory_bytes=64 * MIB)
    service.run()
    client = service.client(Role.OPERATOR)
    answer = client.post(f"{V1}/guests/web/migrate", json={"to": "beta"})
    assert answer.status_code == 202, answer.text
    (queued,) = answer.json()["jobs"]
    assert answer.headers["Location"] == f"{V1}/jobs/{queued['job']}"
    done = ended(client, queued["job"])
    assert (done["outcome"], done["target"]) == ("migrated", "beta")
    assert service.world.running_on(web) == ("beta",)
    assert done["journal"][0]["state"] == "planned"


def test_a_dry_run_moves_nothing(service: Service) -> None:
    web = service.world.add_guest("web", "alpha", memory_bytes=64 * MIB)
    client = service.client(Role.OPERATOR)
    (told,) = client.post(f"{V1}/guests/web/migrate", json={"dry_run": True}).json()["jobs"]
    assert told["outcome"] is None
    assert told["forecast"]["duration_s"]["p50"] > 0
    assert service.world.running_on(web) == ("alpha",)
    assert client.get(f"{V1}/jobs").json()["jobs"] == []


def test_a_migration_that_fails_is_told(service: Service) -> None:
    web = service.world.add_guest("web", "alpha", memory_bytes=64 * MIB)
    service.world.plan_fault(web, CopyFault(CopyEffect.FAILS, at_percent=40))
    service.run()
    client = service.client(Role.OPERATOR)
    (queued,) = client.post(f"{V1}/guests/web/migrate", json={"to": "beta"}).json()["jobs"]
    assert ended(client, queued["job"])["outcome"] == "rolled_back"
    assert service.world.running_on(web) == ("alpha",)


def test_the_same_request_twice_is_carried_out_once(service: Service) -> None:
    service.world.add_guest("web", "alpha", memory_bytes=64 * MIB)
    client = service.client(Role.OPERATOR)
    key = {"Idempotency-Key": "once"}
    first = client.post(f"{V1}/guests/web/migrate", json={"to": "beta"}, headers=key)
    again = client.post(f"{V1}/guests/web/migrate", json={"to": "beta"}, headers=key)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(client.get(f"{V1}/jobs").json()["jobs"]) == 1
    other = client.post(f"{V1}/guests/web/migrate", json={"to": "gamma"}, headers=key)
    assert other.status_code == 422
    assert client.post(f"{V1}/guests/web/migrate", json={"to": "beta"}).status_code == 409
    by_another = service.client(Role.ADMIN).post(f"{V1}/guests/web/migrate", json={"to": "gamma"}, headers=key)
    assert by_another.status_code == 409, "another's key is another one"


def test_a_job_is_cancelled(service: Service) -> None:
    web = service.world.add_guest("web", "alpha", memory_bytes=64 * MIB)
    client = service.client(Role.OPERATOR)
    (queued,) = client.post(f"{V1}/guests/web/migrate", json={"to": "beta"}).json()["jobs"]
    assert client.post(f"{V1}/jobs/{queued['job']}/cancel").status_code == 202
    service.run()
    done = ended(client, queued["job"])
    assert done["cancelled"] is True
    assert service.world.running_on(web) == ("alpha",)
    late = client.post(f"{V1}/jobs/{queued['job']}/cancel")
    assert late.status_code == 409
    assert "at rest" in late.json()["detail"]
    assert client.post(f"{V1}/jobs/{queued['job']}/force").status_code == 409


def test_pages_of_jobs(service: Service) -> None:
    service.world.add_guest("web", "alpha", memory_bytes=MIB)
    service.run()
    client, made = service.client(Role.OPERATOR), []
    for target in ("beta", "gamma", "alpha"):
        (queued,) = client.post(f"{V1}/guests/web/migrate", json={"to": target}).json()["jobs"]
        ended(client, queued["job"])
        made.append(queued["job"])
    first = client.get(f"{V1}/jobs?limit=2").json()
    assert [each["job"] for each in first["jobs"]] == [made[2], made[1]]
    rest = client.get(f"{V1}/jobs", params={"limit": 2, "before": first["next"]}).json()
    assert [each["job"] for each in rest["jobs"]] == [made[0]]
    assert rest["next"] is None


def test_a_host_is_added_and_removed(service: Service) -> None:
    client = service.client(Role.ADMIN)
    new = {"name": "delta", "uri": "qemu+ssh://root@delta/system"}
    added = client.post(f"{V1}/hosts", json=new)
    assert added.status_code == 201
    assert [(each["name"], each["state"]) for each in added.json()["hosts"]] == [("delta", "unreachable")]
    assert client.post(f"{V1}/hosts", json=new).status_code == 422
    assert client.post(f"{V1}/hosts", json=new | {"uri": "http://delta"}).status_code == 422
    assert "delta" in {each.name for each in service.site.tools.store.hosts()}
    assert client.delete(f"{V1}/hosts/delta").json()["removed"] == ["delta"]
    assert client.delete(f"{V1}/hosts/delta").status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"to": 7},
        {"unknown": 1},
        {"max_downtime_ms": 0},
        {"bandwidth_bytes_s": -1},
        {"storage": "tape"},
        [],
        "text",
        {"yes": "perhaps"},
    ],
)
def test_a_wrong_body_says_what_is_wrong(service: Service, body: object) -> None:
    service.world.add_guest("web", "alpha", memory_bytes=MIB)
    answer = service.client(Role.OPERATOR).post(f"{V1}/guests/web/migrate", json=body)
    assert answer.status_code == 422
    assert answer.json()["detail"]
    assert service.site.tools.jobs.jobs() == ()


def test_the_audit_says_who_did_what(service: Service) -> None:
    service.world.add_guest("web", "alpha", memory_bytes=MIB)
    service.client(Role.OPERATOR).post(f"{V1}/guests/web/migrate", json={"to": "beta"})
    service.client(Role.OPERATOR).post(f"{V1}/guests/web/migrate", json={"to": "beta"})
    service.client(Role.ADMIN).delete(f"{V1}/hosts/nobody")
    acts = service.client(Role.ADMIN).get(f"{V1}/audit").json()["acts"]
    assert [(each["who"], each["what"], each["subject"], each["status"]) for each in acts] == [
        ("token admin", "host remove", "nobody", 404),
        ("token operator", "migrate", "web", 409),
        ("token operator", "migrate", "web", 202),
    ]
    (older,) = service.client(Role.ADMIN).get(f"{V1}/audit?before=2").json()["acts"]
    assert older["number"] == 1


def test_ready_only_with_a_worker(service: Service) -> None:
    client = service.client(None)
    assert client.get("/health").status_code == 200
    assert client.get("/ready").status_code == 503
    service.site.tools.jobs.announce("somebody")
    assert client.get("/ready").status_code == 200


def test_metrics_count_what_ended(service: Service) -> None:
    service.world.add_guest("web", "alpha", memory_bytes=MIB)
    service.run()
    client = service.client(Role.OPERATOR)
    (queued,) = client.post(f"{V1}/guests/web/migrate", json={"to": "beta"}).json()["jobs"]
    ended(client, queued["job"])
    end_s = time.monotonic() + LIMIT_S
    while 'vmferry_migrations_total{outcome="migrated"} 1.0' not in (text := client.get("/metrics").text):
        assert time.monotonic() < end_s, text
        time.sleep(0.05)
    assert "vmferry_migration_duration_seconds_count 1.0" in text
    assert 'vmferry_hosts{state="ready"} 3.0' in text
    assert 'vmferry_job_step_seconds_count{step="copy"} 1.0' in text


def test_a_fault_of_ours_shows_no_inside(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> object:
        raise ZeroDivisionError("the secret of the inside")

    monkeypatch.setattr(service.site.roll, "seen", broken)
    answer = service.client(Role.VIEWER).get(f"{V1}/hosts")
    assert answer.status_code == 500
    assert answer.json()["type"] == "urn:vmferry:internal"
    assert "inside" not in answer.text.replace("internal", "")


def test_findings_are_counted_by_rule(service: Service) -> None:
    service.world.add_guest("web", "alpha", memory_bytes=1 << 50)
    client = service.client(Role.VIEWER)
    found = [
        (each["rule"], each["severity"])
        for target in client.get(f"{V1}/guests/web/check").json()["targets"]
        for each in target["findings"]
        if each["severity"] == "refuse"
    ]
    assert found, "no host has so much memory"
    for rule, severity in set(found):
        line = f'vmferry_findings_total{{rule="{rule}",severity="{severity}"}} {float(found.count((rule, severity)))}'
        assert line in client.get("/metrics").text


def test_a_migration_in_doubt_is_repaired(service: Service) -> None:
    service.world.rate_bytes_s = MIB
    service.world.add_guest("web", "alpha", memory_bytes=64 * MIB)
    service.run()
    client = service.client(Role.OPERATOR)
    (queued,) = client.post(f"{V1}/guests/web/migrate", json={"to": "beta"}).json()["jobs"]
    path = f"{V1}/jobs/{queued['job']}"
    end_s = time.monotonic() + LIMIT_S
    while client.get(path).json()["jobs"][0]["state"] != "copying":
        assert time.monotonic() < end_s
        time.sleep(0.02)
    assert client.post(f"{path}/repair", json={}).status_code == 409, "somebody works on it"
    assert client.post(f"{path}/repair", json={"forget": True}).status_code == 409
    service.world.hosts["beta"].faults.unreachable = "no route to host"
    client.post(f"{path}/cancel")
    assert ended(client, queued["job"])["outcome"] == "in_doubt"
    service.world.hosts["beta"].faults.unreachable = None
    assert client.post(f"{path}/repair", json={}).status_code == 202
    assert client.get(path).json()["jobs"][0]["outcome"] == "rolled_back"
    assert client.post(f"{path}/repair", json={}).status_code == 409, "it is at its end"
