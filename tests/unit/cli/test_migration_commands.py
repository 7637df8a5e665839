"""check, plan and migrate as they are typed: words, JSON, exit codes, bad input."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from vmferry.fakes import FakeGuest, FakeWorld, MemoryStore
from vmferry.fakes.faults import CopyEffect, CopyFault
from vmferry.model.guest import Disk, GuestState, Nic, Probe

from .conftest import Vmferry


@pytest.fixture
def web(world: FakeWorld) -> FakeGuest:
    disk = Disk("vda", "disk", "file", "/srv/shared/web.img", "raw", "none")
    nic = Nic("52:54:00:00:00:01", "network", "lab")
    return world.add_guest("web", "alpha", disks=(disk,), nics=(nic,), probe=Probe("10.0.0.101"))


def test_migrate(vmferry: Vmferry, world: FakeWorld, web: FakeGuest) -> None:
    ran = vmferry("migrate", "web", "--to", "beta", "-o", "json")
    assert ran.code == 0, ran.err
    document = json.loads(ran.out)
    assert document["schema"] == "vmferry/1"
    assert (document["guest"], document["source"], document["target"]) == ("web", "alpha", "beta")
    assert document["outcome"] == "migrated"
    assert set(document["measured"]) >= {"duration_s", "downtime_ms", "transferred_bytes", "disk_bytes", "rounds"}
    assert set(document["forecast"]["duration_s"]) == {"p10", "p50", "p90"}
    assert all(set(check) == {"what", "ok", "detail"} for check in document["verification"])
    assert all(set(step) == {"step", "state", "started", "ended"} for step in document["steps"])
    assert document["steps"][0]["started"].endswith("Z")
    assert world.running_on(web) == ("beta",)


def test_in_a_big_fleet_only_those_that_matter_are_judged(
    vmferry: Vmferry, world: FakeWorld, store: MemoryStore, web: FakeGuest
) -> None:
    for number in range(70):
        store.add_host(world.add_host(f"host{number:02}", memory_bytes=(64 + number) << 30))
    planned = json.loads(vmferry("plan", "web", "-o", "json").out)["targets"]
    assert len(planned) == 72
    dry = vmferry("migrate", "web", "--dry-run", "-o", "json")
    assert "not judged" not in dry.err, "a dry run tells of all"
    ran = vmferry("migrate", "web", "-o", "json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["target"] == planned[0]["host"] != "beta"
    assert "more hosts were not judged" in ran.err


def test_where_it_would_not_converge_the_other_ways_are_told(
    vmferry: Vmferry, world: FakeWorld, web: FakeGuest
) -> None:
    world.guests[web.uuid] = replace(web, memory_bytes=4 << 30, dirty_rate_bytes_s=400_000_000)
    said = vmferry("plan", "web").out
    assert "it will NOT converge" in said
    assert "post-copy after the first round: about " in said
    assert "auto-converge: " in said
    told = json.loads(vmferry("plan", "web", "-o", "json").out)["targets"][0]
    assert {score["name"] for score in told["scores"]} == {"memory", "cpu"}
    assert [each["way"] for each in told["forecast"]["instead"]] == ["auto-converge", "post-copy after the first round"]


def test_what_its_rounds_told_of_the_guest_is_kept_for_the_next_forecast(
    vmferry: Vmferry, world: FakeWorld, web: FakeGuest
) -> None:
    world.guests[web.uuid] = replace(web, memory_bytes=4 << 30, dirty_rate_bytes_s=20_000_000)
    told = json.loads(vmferry("migrate", "web", "--to", "beta", "-o", "json").out)
    assert told["measured"]["dirtied"]
    world.hosts["beta"].faults.unknown.add("dirty_rate")
    basis = json.loads(vmferry("migrate", "web", "--to", "alpha", "-o", "json").out)["forecast"]["basis"]
    assert f"{len(told['measured']['dirtied'])} rounds of its last migrations" in basis


def test_what_people_see(vmferry: Vmferry, web: FakeGuest) -> None:
    ran = vmferry("migrate", "web")
    assert ran.code == 0
    assert "predicted" in ran.out
    assert "measured" in ran.out
    assert "Checked:" in ran.err
    assert "Verified:" in ran.err
    assert "\x1b" not in ran.out + ran.err


def test_quiet_says_the_result_only(vmferry: Vmferry, web: FakeGuest) -> None:
    ran = vmferry("migrate", "web", "-q")
    assert ran.err == ""
    assert ran.out.startswith("web: migrated, alpha -> ")


def test_by_uuid(vmferry: Vmferry, world: FakeWorld, web: FakeGuest) -> None:
    assert vmferry("migrate", web.uuid, "--to", "gamma").code == 0
    assert world.running_on(web) == ("gamma",)


def test_dry_run(vmferry: Vmferry, world: FakeWorld, web: FakeGuest) -> None:
    ran = vmferry("migrate", "web", "--dry-run", "-o", "json")
    assert ran.code == 0
    assert json.loads(ran.out)["outcome"] is None
    assert world.running_on(web) == ("alpha",)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("nosuch",), 2, "no guest 'nosuch'"),
        (("web", "--to", "delta"), 2, "no host 'delta'"),
        (("web", "--to", "beta;reboot"), 2, "no host 'beta;reboot'"),
        (("web", "--to", "alpha"), 2, "is on alpha already"),
        (("web", "--bandwidth", "fast"), 2, "is not a size"),
        (("web", "--bandwidth", "0"), 2, "more than nothing"),
        (("web", "--max-downtime", "-1"), 2, "max-downtime"),
        ((), 2, "Missing argument"),
    ],
)
def test_bad_input(
    vmferry: Vmferry, world: FakeWorld, web: FakeGuest, arguments: tuple[str, ...], code: int, words: str
) -> None:
    ran = vmferry("migrate", *arguments)
    assert ran.code == code
    assert words in ran.err
    assert ran.err.startswith("vmferry: ")
    assert len(ran.err.splitlines()) == 1
    assert ran.out == ""
    assert world.running_on(web) == ("alpha",)


def test_a_guest_that_is_shut_off(vmferry: Vmferry, world: FakeWorld) -> None:
    guest = world.add_guest("old", "alpha", GuestState.SHUT_OFF)
    ran = vmferry("migrate", "old", "--to", "beta", "-q")
    assert ran.code == 3
    assert "guest.running: its state is shut-off" in ran.err
    assert world.defined_on(guest) == ("alpha",)


def test_a_name_on_two_hosts(vmferry: Vmferry, world: FakeWorld, web: FakeGuest) -> None:
    other = world.add_guest("web", "beta")
    ran = vmferry("migrate", "web")
    assert ran.code == 2
    assert "UUID" in ran.err
    assert web.uuid in ran.err
    assert other.uuid in ran.err


def test_a_target_that_does_not_answer(vmferry: Vmferry, world: FakeWorld, web: FakeGuest) -> None:
    world.host("beta").faults.unreachable = "connection refused"
    ran = vmferry("migrate", "web", "--to", "beta")
    assert ran.code == 7
    assert "connection refused" in ran.err
    assert world.running_on(web) == ("alpha",)


def test_a_silent_host_is_a_reason_but_no_hindrance(vmferry: Vmferry, world: FakeWorld, web: FakeGuest) -> None:
    world.host("beta").faults.unreachable = "connection refused"
    ran = vmferry("migrate", "web")
    assert ran.code == 0
    assert "beta: refused" in ran.err
    assert world.running_on(web) == ("gamma",)


def test_a_refusal_names_rule_observation_and_remedy(vmferry: Vmferry, world: FakeWorld, web: FakeGuest) -> None:
    world.host("beta").networks = ()
    ran = vmferry("migrate", "web", "--to", "beta")
    assert ran.code == 3
    assert "network.present" in ran.err
    assert "beta has no network" in ran.err
    assert "virsh net-define" in ran.err


def test_a_failed_copy(vmferry: Vmferry, world: FakeWorld, web: FakeGuest) -> None:
    world.plan_fault(web, CopyFault(CopyEffect.FAILS))
    ran = vmferry("migrate", "web", "--to", "beta", "-o", "json")
    assert ran.code == 4
    assert json.loads(ran.out)["outcome"] == "rolled_back"
    assert "operation failed: job 'migration out' unexpectedly failed" in ran.err
    assert world.running_on(web) == ("alpha",)


def test_a_failed_verification_needs_an_operator(vmferry: Vmferry, world: FakeWorld, web: FakeGuest) -> None:
    world.silent_guests.add(web.uuid)
    ran = vmferry("migrate", "web", "--to", "beta", "-o", "json")
    assert ran.code == 6
    assert json.loads(ran.out)["outcome"] == "migrated"
    assert world.running_on(web) == ("beta",)


def test_check(vmferry: Vmferry, world: FakeWorld, web: FakeGuest) -> None:
    world.host("gamma").networks = ()
    ran = vmferry("check", "web", "-o", "json")
    assert ran.code == 0
    document = json.loads(ran.out)
    assert [(target["host"], target["verdict"]) for target in document["targets"]] == [
        ("beta", "pass"),
        ("gamma", "refuse"),
    ]
    finding = next(f for f in document["targets"][1]["findings"] if f["severity"] == "refuse")
    assert set(finding) == {"rule", "severity", "subject", "observed", "required", "remedy", "reference"}
    assert vmferry("check", "web", "--to", "gamma").code == 3


def test_plan(vmferry: Vmferry, world: FakeWorld, web: FakeGuest) -> None:
    world.guests[web.uuid] = replace(web, dirty_rate_bytes_s=10_000_000)
    world.host("beta").memory_bytes = 2 << 30
    ran = vmferry("plan", "web", "--measure", "1", "-o", "json")
    assert ran.code == 0
    targets = json.loads(ran.out)["targets"]
    assert [target["host"] for target in targets] == ["gamma", "beta"]
    assert targets[0]["score"] > targets[1]["score"]
    assert targets[0]["reasons"]
    assert "9.54 MiB/s over 1 s dirtied, measured" in targets[0]["forecast"]["basis"]


def test_no_hosts(vmferry: Vmferry, store: MemoryStore) -> None:
    for name in ("alpha", "beta", "gamma"):
        store.remove_host(name)
    ran = vmferry("migrate", "web")
    assert ran.code == 2
    assert "vmferry host add" in ran.err
