"""`vmferry host fix` as somebody types it: what is shown, asked, done and put back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import click
import pytest

from vmferry.facts.conf import ConfFile, Setting
from vmferry.facts.system import Unit
from vmferry.fakes import FakeDisk, FakeMenders, FakeWorld
from vmferry.fakes.system import SYSTEM

Vmferry = Callable[..., Any]

CONF = "/etc/libvirt/libvirtd.conf"
OLD, NEW = '# kept\nauth_tcp = "none"\n', '# kept\nauth_tcp = "sasl"\n'


@pytest.fixture
def disk(world: FakeWorld, menders: FakeMenders) -> FakeDisk:
    """Alpha's, whose libvirtd.conf lets everybody in."""
    disk = menders.disks["alpha"]
    disk.files[CONF] = OLD
    conf = ConfFile(CONF, (Setting("auth_tcp", "none", 2),))
    disk.system = replace(SYSTEM, confs=(conf,))
    return disk


@pytest.fixture
def stopped(disk: FakeDisk, world: FakeWorld) -> FakeDisk:
    """Libvirt of alpha does not run: only its shell tells of it."""
    disk.units = {name: Unit(name, "loaded", "inactive", "disabled") for name in disk.units}
    world.host("alpha").faults.unreachable = "connection refused"
    return disk


@pytest.fixture
def open_host(disk: FakeDisk, world: FakeWorld) -> FakeDisk:
    """Its libvirt answers, and tells of the same file."""
    world.host("alpha").system = disk.system
    return disk


def document(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    assert found["schema"] == "vmferry/1"
    return found


def test_the_contracts_changes(vmferry: Vmferry, open_host: FakeDisk) -> None:
    ran = vmferry("host", "fix", "alpha", "--yes", "-o", "json")
    assert ran.code == 0, ran.err
    (change,) = document(ran.out)["changes"]
    assert change.keys() >= {"what", "before", "after", "undo"}
    assert (change["what"], change["before"], change["after"]) == (f"auth_tcp in {CONF}", "none", "sasl")
    assert change["undo"] == "vmferry host fix alpha --undo"
    assert "daemon.config.auth_tcp" in {finding["rule"] for finding in document(ran.out)["findings"]}
    assert document(ran.out)["restarted"] == ["libvirtd.service"]
    assert open_host.files[CONF] == NEW


def test_a_dry_run_changes_nothing(vmferry: Vmferry, open_host: FakeDisk) -> None:
    ran = vmferry("host", "fix", "alpha", "--dry-run")
    assert ran.code == 0
    assert '-auth_tcp = "none"' in ran.out
    assert '+auth_tcp = "sasl"' in ran.out
    assert "restart libvirtd.service" in ran.out
    assert (open_host.files[CONF], open_host.records) == (OLD, {})


def test_without_a_terminal_it_says_so_and_changes_nothing(vmferry: Vmferry, open_host: FakeDisk) -> None:
    ran = vmferry("host", "fix", "alpha")
    assert ran.code == 2
    assert ran.err.startswith("vmferry: nothing was changed on alpha: there is no terminal")
    assert (open_host.files[CONF], open_host.records) == (OLD, {})


@pytest.mark.parametrize(
    ("answer", "code", "text"), [(True, 0, NEW), (False, 1, OLD), (click.Abort, 130, OLD)], ids=["yes", "no", "Ctrl-C"]
)
def test_the_question(
    vmferry: Vmferry, open_host: FakeDisk, monkeypatch: pytest.MonkeyPatch, answer: object, code: int, text: str
) -> None:
    def confirm(question: str, err: bool) -> object:
        assert (question, err) == ("Make these changes on alpha?", True)
        if answer is click.Abort:
            raise click.Abort
        return answer

    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("click.confirm", confirm)
    assert vmferry("host", "fix", "alpha").code == code
    assert open_host.files[CONF] == text


def test_a_daemon_that_does_not_run(vmferry: Vmferry, stopped: FakeDisk) -> None:
    """Its file is mended too, but what only libvirt tells waits for the next run."""
    ran = vmferry("host", "fix", "alpha", "--dry-run", "-o", "json")
    whats = [change["what"] for change in document(ran.out)["changes"]]
    assert whats == [f"auth_tcp in {CONF}", "libvirtd starts with the host", "libvirtd runs"]
    assert [left["what"] for left in document(ran.out)["left"]] == ["storage pools and guests"]


def test_a_file_with_a_syntax_error_is_named_and_left(vmferry: Vmferry, stopped: FakeDisk) -> None:
    stopped.files[CONF] = "# kept\nauth_tcp = = 1\n"
    ran = vmferry("host", "fix", "alpha", "--dry-run")
    assert f"left as it is: {CONF}: line 2" in ran.out


def test_put_back(vmferry: Vmferry, open_host: FakeDisk) -> None:
    vmferry("host", "fix", "alpha", "--yes")
    shown = vmferry("host", "fix", "alpha", "--undo", "--dry-run")
    assert '+auth_tcp = "none"' in shown.out
    assert open_host.files[CONF] == NEW
    ran = vmferry("host", "fix", "alpha", "--undo", "--yes", "-o", "json")
    assert ran.code == 0
    assert [(change["before"], change["after"]) for change in document(ran.out)["changes"]] == [("sasl", "none")]
    assert open_host.files[CONF] == OLD
    assert "nothing to do" in vmferry("host", "fix", "alpha", "--undo", "--yes").out


def test_nothing_to_do(vmferry: Vmferry, menders: FakeMenders) -> None:
    ran = vmferry("host", "fix", "beta", "--yes")
    assert ran.code == 0
    assert "beta: nothing to do" in ran.out
    assert menders.disks["beta"].records == {}


def test_who_may_not(vmferry: Vmferry, menders: FakeMenders) -> None:
    menders.disks["alpha"].root = False
    menders.disks["beta"].shell = False
    assert vmferry("host", "fix", "alpha").code == 2
    assert "no shell" in vmferry("host", "fix", "beta").err
    assert "did you mean gamma" in vmferry("host", "fix", "gama").err


def test_while_a_guest_migrates_it_is_refused(vmferry: Vmferry, open_host: FakeDisk) -> None:
    open_host.jobs = (("web", "outgoing migration"),)
    ran = vmferry("host", "fix", "alpha", "--yes")
    assert (ran.code, open_host.files[CONF]) == (3, OLD)
    assert "web (outgoing migration)" in ran.err
