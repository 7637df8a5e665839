"""check, host check, facts and rule as they are typed: words, JSON, exit codes, bad input; and facts replayed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vmferry.fakes import FakeGuest, FakeWorld, MemoryStore
from vmferry.model.guest import Disk, GuestState, Nic
from vmferry.rules import all_rules

from .conftest import Ran, Vmferry

POLICY = '[[severity]]\nrule = "network.present"\nseverity = "warn"\nreason = "made by a hook"\n'
RISK = '[[severity]]\nrule = "storage.shared"\nseverity = "warn"\nreason = "scratch"\naccept = "data may be lost"\n'


def json_of(ran: Ran) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(ran.out)
    assert document.pop("schema") == "vmferry/1"
    return document


@pytest.fixture
def web(world: FakeWorld) -> FakeGuest:
    disk = Disk("vda", "disk", "file", "/srv/shared/web.img", "raw", "none")
    return world.add_guest("web", "alpha", disks=(disk,), nics=(Nic("52:54:00:00:00:01", "network", "lab"),))


@pytest.fixture
def db(world: FakeWorld) -> FakeGuest:
    return world.add_guest("db", "beta", disks=(Disk("vda", "disk", "file", "/var/db.img", "raw", "none"),))


@pytest.fixture
def saved(vmferry: Vmferry, web: FakeGuest, db: FakeGuest, world: FakeWorld, tmp_path: Path) -> Path:
    """Facts of a fleet in which gamma lacks a network, and that is gone by now."""
    world.host("gamma").networks = ()
    path = tmp_path / "fleet.json.gz"
    assert vmferry("facts", "save", str(path)).code == 0
    return path


def test_what_is_said_of_the_guest_and_its_source_is_said_once(
    vmferry: Vmferry, world: FakeWorld, web: FakeGuest
) -> None:
    world.host("alpha").active[web.uuid] = GuestState.PAUSED
    ran = vmferry("check", "web")
    assert ran.code == 0
    assert ran.out.count("guest.running") == 1
    assert [line for line in ran.out.splitlines() if line.startswith(("  beta: ", "  gamma: "))]
    assert "guest.identity" not in ran.out
    assert "pass (-v shows them)" in ran.out
    assert "guest.identity" in vmferry("check", "web", "-v").out


def test_the_worst_comes_first(vmferry: Vmferry, world: FakeWorld, web: FakeGuest) -> None:
    world.host("alpha").active[web.uuid] = GuestState.PAUSED
    world.host("beta").networks = ()
    ran = vmferry("check", "web", "--to", "beta")
    assert ran.code == 3
    marks = [line.split()[0] for line in ran.out.splitlines() if line.startswith("    ") and line[4] != " "]
    order = ["REFUSED", "unknown", "warning", "note", "ok"]
    assert marks == sorted(marks, key=order.index)
    assert marks[0] == "REFUSED"


def test_all(vmferry: Vmferry, world: FakeWorld, web: FakeGuest, db: FakeGuest) -> None:
    world.host("gamma").networks = ()
    ran = vmferry("check", "--all", "-o", "json")
    assert ran.code == 3  # db has no target at all
    guests = json_of(ran)["guests"]
    assert [(each["guest"], each["source"]) for each in guests] == [("db", "beta"), ("web", "alpha")]
    verdicts = {each["guest"]: {target["host"]: target["verdict"] for target in each["targets"]} for each in guests}
    assert verdicts["db"] == {"alpha": "refuse", "gamma": "refuse"}
    assert verdicts["web"]["gamma"] == "refuse"
    gamma = next(target for target in guests[1]["targets"] if target["host"] == "gamma")
    assert "network.present" in {finding["rule"] for finding in gamma["findings"]}
    assert all(finding["severity"] != "info" for finding in gamma["findings"])


def test_all_as_people_see_it(vmferry: Vmferry, world: FakeWorld, web: FakeGuest, db: FakeGuest) -> None:
    world.host("gamma").networks = ()
    lines = vmferry("check", "--all").out.splitlines()
    cells = {line.split()[0]: line.split()[1:] for line in lines[:3]}
    assert cells["GUEST"] == ["alpha", "beta", "gamma"]
    assert cells["db"] == ["no", "here", "no"]
    assert cells["web"][0] == "here"
    assert cells["web"][2] == "no"
    why = lines.index("Why not, what concerns most first:")
    assert any("network.present" in line for line in lines[why:])
    assert any("guests: web; to: gamma" in line for line in lines[why:])


def test_all_says_the_same_as_one_by_one(vmferry: Vmferry, world: FakeWorld, web: FakeGuest, db: FakeGuest) -> None:
    world.host("gamma").networks = ()
    for row in json_of(vmferry("check", "--all", "-o", "json"))["guests"]:
        alone = json_of(vmferry("check", row["guest"], "-o", "json"))
        said = {each["host"]: each for each in alone["targets"]}
        for target in row["targets"]:
            findings = [each for each in said[target["host"]]["findings"] if each["severity"] != "info"]
            assert (target["verdict"], target["findings"]) == (said[target["host"]]["verdict"], findings)


@pytest.mark.parametrize("guest", ["web", "db"])
def test_what_is_replayed_is_what_was_found(vmferry: Vmferry, world: FakeWorld, saved: Path, guest: str) -> None:
    live = vmferry("check", guest, "-o", "json")
    for host in world.hosts.values():
        host.faults.unreachable = "it is switched off"
    replayed = vmferry("check", guest, "--facts", str(saved), "-o", "json")
    assert json_of(replayed) == json_of(live)
    assert replayed.code == live.code


def test_the_fleet_replayed(vmferry: Vmferry, world: FakeWorld, saved: Path) -> None:
    live = vmferry("check", "--all", "-o", "json")
    world.host("alpha").faults.unreachable = "it is switched off"
    assert json_of(vmferry("check", "--all", "--facts", str(saved), "-o", "json")) == json_of(live)


def test_one_target_of_the_facts(vmferry: Vmferry, saved: Path) -> None:
    document = json_of(vmferry("check", "web", "--facts", str(saved), "--to", "beta", "-o", "json"))
    assert [target["host"] for target in document["targets"]] == ["beta"]


def test_facts_of_some_guests(vmferry: Vmferry, web: FakeGuest, db: FakeGuest, tmp_path: Path) -> None:
    path = str(tmp_path / "web.json")
    assert json_of(vmferry("facts", "save", path, "--guest", web.uuid, "-o", "json"))["guests"] == 1
    assert vmferry("check", "web", "--facts", path).code == 0
    ran = vmferry("check", "db", "--facts", path)
    assert ran.code == 2
    assert "there is no guest 'db' in the facts" in ran.err


def test_a_silent_host_is_in_the_facts_too(vmferry: Vmferry, world: FakeWorld, web: FakeGuest, tmp_path: Path) -> None:
    world.host("gamma").faults.unreachable = "no route to host"
    path = str(tmp_path / "web.json")
    assert json_of(vmferry("facts", "save", path, "-o", "json"))["silent"] == ["gamma"]
    targets = json_of(vmferry("check", "web", "--facts", path, "-o", "json"))["targets"]
    assert {each["host"]: each["verdict"] for each in targets}["gamma"] == "refuse"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("check",), "name a guest"),
        (("check", "web", "--all"), "name a guest"),
        (("check", "--all", "--to", "beta"), "--to and --xml are for one guest"),
        (("check", "web", "--facts", "/nowhere/f.json"), "cannot be read"),
        (("check", "--all", "--facts", "/dev/zero"), "no regular file"),
        (("check", "web", "--policy", "/nowhere/p.toml"), "cannot read /nowhere/p.toml"),
        (("facts", "save", "/tmp/f.json", "--guest", "wbe"), "no guest 'wbe'"),
        (("host", "check"), "name one host"),
        (("host", "check", "alpha", "--all"), "name one host"),
        (("host", "check", "alhpa"), "did you mean alpha"),
        (("rule", "show", "storage.sharde"), "did you mean storage.shared"),
    ],
)
def test_bad_input(vmferry: Vmferry, web: FakeGuest, arguments: tuple[str, ...], words: str) -> None:
    ran = vmferry(*arguments)
    assert ran.code == 2
    assert words in ran.err
    assert ran.err.startswith("vmferry: ")
    assert len(ran.err.splitlines()) == 1
    assert ran.out == ""


def test_targets_that_the_facts_do_not_have(vmferry: Vmferry, saved: Path) -> None:
    for target, words in (("delta", "no host 'delta' in the facts"), ("alpha", "is on alpha already")):
        ran = vmferry("check", "web", "--facts", str(saved), "--to", target)
        assert ran.code == 2
        assert words in ran.err


def test_nobody_answers(vmferry: Vmferry, world: FakeWorld, web: FakeGuest) -> None:
    for host in world.hosts.values():
        host.faults.unreachable = "it is switched off"
    ran = vmferry("check", "--all")
    assert ran.code == 7
    assert "no host answered" in ran.err


def test_host_check(vmferry: Vmferry, world: FakeWorld) -> None:
    ran = vmferry("host", "check", "alpha", "-o", "json")
    document = json_of(ran)
    assert [each["host"] for each in document["hosts"]] == ["alpha"]
    keys = {"host", "rule", "severity", "subject", "observed", "required", "remedy", "reference"}
    assert all(set(finding) == keys for finding in document["findings"])
    assert "daemon.running" in {finding["rule"] for finding in document["findings"]}


def test_host_check_of_all_with_one_that_is_silent(vmferry: Vmferry, world: FakeWorld) -> None:
    world.host("beta").faults.unreachable = "no route to host"
    ran = vmferry("host", "check", "--all", "-o", "json")
    assert ran.code == 7
    document = json_of(ran)
    assert {each["host"]: each["verdict"] for each in document["hosts"]}["beta"] == "refuse"
    assert {each["rule"] for each in document["findings"] if each["host"] == "beta"} == {"daemon.running"}
    assert "beta: refused" in vmferry("host", "check", "beta").out


def test_a_policy_is_said_in_words_and_in_json(
    vmferry: Vmferry, world: FakeWorld, web: FakeGuest, tmp_path: Path
) -> None:
    world.host("gamma").networks = ()
    path = tmp_path / "p.toml"
    path.write_text(POLICY)
    assert vmferry("check", "web", "--to", "gamma").code == 3
    ran = vmferry("check", "web", "--to", "gamma", "--policy", str(path), "-o", "json")
    assert ran.code == 0
    (target,) = json_of(ran)["targets"]
    (found,) = (each for each in target["findings"] if each["rule"] == "network.present")
    assert (found["severity"], found["policy"]) == ("warn", {"was": "refuse", "reason": "made by a hook"})
    assert "policy: REFUSED without it; made by a hook" in vmferry("check", "web", "--policy", str(path)).out


def test_data_that_may_be_lost_is_said_in_every_report(
    vmferry: Vmferry, home: Path, web: FakeGuest, tmp_path: Path
) -> None:
    place = home / ".config/vmferry"
    place.mkdir(parents=True)
    (place / "config.toml").write_text("")
    (place / "policy.toml").write_text(RISK)
    for command in (("check", "web"), ("check", "--all"), ("plan", "web"), ("host", "check", "beta")):
        assert "data may be lost: scratch" in vmferry(*command).out, command
    assert "data may be lost: scratch" in vmferry("migrate", "web", "--dry-run").err
    (said,) = json_of(vmferry("check", "web", "-o", "json"))["policy"]
    assert (said["rule"], said["severity"], said["reason"]) == ("storage.shared", "warn", "scratch")


def test_rules_are_listed_and_shown(vmferry: Vmferry) -> None:
    listed = json_of(vmferry("rule", "list", "-o", "json"))["rules"]
    assert [each["id"] for each in listed] == [rule.id for rule in all_rules()]
    assert {"id", "severity", "title", "reference"} <= set(listed[0])
    for rule in all_rules():
        shown = vmferry("rule", "show", rule.id)
        assert shown.code == 0
        assert shown.out.startswith(f"{rule.id}: {rule.title}\n")


def test_rule_show_says_that_data_is_guarded(vmferry: Vmferry) -> None:
    assert "guards data" in vmferry("rule", "show", "storage.shared").out
    assert json_of(vmferry("rule", "show", "storage.shared", "-o", "json"))["rules"][0]["guards_data"] is True


def test_rules_complete(vmferry: Vmferry, store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_VMFERRY_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "vmferry rule show storage.sh")
    monkeypatch.setenv("COMP_CWORD", "3")
    assert "plain,storage.shared" in vmferry().out.splitlines()
