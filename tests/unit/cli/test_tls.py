"""`vmferry tls` as somebody types it, on hosts in memory: shown, asked, done on all hosts or on none, put back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from vmferry.facts.system import Unit
from vmferry.facts.tls import Certificate, Role, TlsFacts, TlsFile, Use
from vmferry.fakes import FakeDisk, FakeMenders, FakeWorld
from vmferry.fakes.system import SYSTEM
from vmferry.service.credentials import now_utc

Vmferry = Callable[..., Any]

NOW_S = 1_800_000_000
PKI = "/etc/pki/qemu"
FILES = (
    TlsFile(Use.MIGRATION, Role.CA, f"{PKI}/ca-cert.pem", problem="missing"),
    TlsFile(Use.MIGRATION, Role.SERVER, f"{PKI}/server-cert.pem", problem="missing", key=f"{PKI}/server-key.pem"),
    TlsFile(Use.MIGRATION, Role.CLIENT, f"{PKI}/client-cert.pem", problem="missing", key=f"{PKI}/client-key.pem"),
)
PATHS = sorted(file.path for file in FILES)


@pytest.fixture
def disks(world: FakeWorld, menders: FakeMenders) -> dict[str, FakeDisk]:
    """Every host looks for its certificates where QEMU does by itself."""
    for host in world.hosts.values():
        host.tls = TlsFacts(NOW_S, FILES)
    return menders.disks


def document(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    assert found["schema"] == "vmferry/1"
    return found


def state(disks: dict[str, FakeDisk]) -> list[tuple[object, ...]]:
    return [(dict(disk.files), dict(disk.keys), dict(disk.directories), dict(disk.backups)) for disk in disks.values()]


def test_every_host_gets_its_own(vmferry: Vmferry, disks: dict[str, FakeDisk], home: Path) -> None:
    ran = vmferry("tls", "init", "--yes", "-o", "json")
    assert ran.code == 0, ran.err
    assert [host["host"] for host in document(ran.out)["hosts"]] == ["alpha", "beta", "gamma"]
    assert all(sorted(disk.files) == PATHS for disk in disks.values())
    assert len({disk.files[f"{PKI}/ca-cert.pem"] for disk in disks.values()}) == 1
    assert len({disk.files[f"{PKI}/server-cert.pem"] for disk in disks.values()}) == 3
    assert {text.split()[1] for disk in disks.values() for text in disk.keys.values()} == {"64055:109"}
    again = vmferry("tls", "init", "--yes")
    assert (again.code, again.out.count("nothing to do")) == (0, 3)


def test_no_key_is_printed_or_written_down(vmferry: Vmferry, disks: dict[str, FakeDisk], home: Path) -> None:
    shown = [
        vmferry("tls", *words, *how)
        for words in (["init", "--yes"], ["renew", "--within", "400", "--yes"])
        for how in ([], ["-o", "json"])
    ]
    assert all("PRIVATE" not in ran.out + ran.err for ran in shown)
    assert "PRIVATE" not in "".join(str(record) for disk in disks.values() for record in disk.records.values())
    (key,) = (path for path in home.rglob("*") if path.is_file() and "PRIVATE KEY" in path.read_text(errors="ignore"))
    assert (key.name, key.stat().st_mode & 0o777) == ("ca-key.pem", 0o600)


def test_a_dry_run_makes_nothing(vmferry: Vmferry, disks: dict[str, FakeDisk], home: Path) -> None:
    ran = vmferry("tls", "init", "--dry-run")
    assert ran.code == 0
    assert f"alpha: {PKI}/server-cert.pem" in ran.out
    assert "things would be changed on 3 hosts" in ran.err
    assert all(disk.files == disk.records == {} for disk in disks.values())
    assert not list(home.rglob("ca-*.pem"))


def test_nobody_to_ask(vmferry: Vmferry, disks: dict[str, FakeDisk], home: Path) -> None:
    ran = vmferry("tls", "init")
    assert ran.code == 2
    assert "no terminal" in ran.err
    assert not list(home.rglob("ca-*.pem"))
    assert all(disk.files == {} for disk in disks.values())


def test_one_host_only(vmferry: Vmferry, disks: dict[str, FakeDisk]) -> None:
    assert vmferry("tls", "init", "--host", "beta", "--yes").code == 0
    assert [name for name, disk in disks.items() if disk.files] == ["beta"]
    assert vmferry("tls", "init", "--host", "betta", "--yes").code == 2


@pytest.mark.parametrize("broken", ["alpha", "beta", "gamma"])
def test_a_host_that_fails_leaves_all_as_they_were(vmferry: Vmferry, disks: dict[str, FakeDisk], broken: str) -> None:
    before = state(disks)
    disks[broken].fails.add(f"{PKI}/client-key.pem")
    ran = vmferry("tls", "init", "--yes")
    assert ran.code == 1
    assert "no space left" in ran.err
    assert state(disks) == before
    assert vmferry("tls", "init", "--undo", "--yes").out.count("nothing to do") == 3


def test_ctrl_c_leaves_all_as_they_were(vmferry: Vmferry, disks: dict[str, FakeDisk]) -> None:
    before = state(disks)
    disks["beta"].interrupts = f"{PKI}/client-key.pem"
    assert vmferry("tls", "init", "--yes").code == 130
    assert state(disks) == before


def test_put_back(vmferry: Vmferry, disks: dict[str, FakeDisk]) -> None:
    before = state(disks)
    vmferry("tls", "init", "--yes")
    vmferry("tls", "renew", "--within", "400", "--yes")
    ran = vmferry("tls", "init", "--undo", "--yes")
    assert ran.code == 0
    assert state(disks) == before


def test_a_libvirt_that_needs_them_keeps_them(vmferry: Vmferry, disks: dict[str, FakeDisk]) -> None:
    vmferry("tls", "init", "--yes")
    socket = Unit("libvirtd-tls.socket", "loaded", "active", "enabled")
    disks["beta"].system = replace(SYSTEM, units=(*(SYSTEM.units or ()), socket))
    after = state(disks)
    ran = vmferry("tls", "init", "--undo", "--yes")
    assert (ran.code, state(disks)) == (3, after)
    assert "beta listens for TLS" in ran.err
    assert vmferry("tls", "init", "--undo", "--host", "alpha", "--yes").code == 0


def test_host_fix_does_not_put_it_back(vmferry: Vmferry, disks: dict[str, FakeDisk]) -> None:
    """Each command's changes are its own."""
    vmferry("tls", "init", "--yes")
    assert "nothing to do" in vmferry("host", "fix", "alpha", "--undo", "--yes").out
    assert sorted(disks["alpha"].files) == PATHS


def test_renew(vmferry: Vmferry, disks: dict[str, FakeDisk]) -> None:
    assert vmferry("tls", "renew").code == 2
    vmferry("tls", "init", "--host", "alpha", "--days", "20", "--yes")
    vmferry("tls", "init", "--host", "beta", "--yes")
    first = {name: dict(disk.files) for name, disk in disks.items()}
    assert vmferry("tls", "renew", "--within", "10", "--yes").out.count("nothing to do") == 3
    ran = vmferry("tls", "renew", "--yes")
    assert ran.code == 0
    changed = {name for name, disk in disks.items() if disk.files != first[name]}
    assert changed == {"alpha"}
    assert disks["alpha"].files[f"{PKI}/ca-cert.pem"] == first["alpha"][f"{PKI}/ca-cert.pem"]


def test_the_authority_itself_is_renewed_in_its_last_year(
    vmferry: Vmferry, disks: dict[str, FakeDisk], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On all hosts at once, with its key: what it signed before stays good."""
    vmferry("tls", "init", "--yes", "--days", "3650")
    key = (home / "state/tls/ca-key.pem").read_text()
    before = {name: dict(disk.files) for name, disk in disks.items()}
    later = now_utc() + timedelta(days=3400)
    monkeypatch.setattr("vmferry.service.credentials.now_utc", lambda: later)
    alone = vmferry("tls", "renew", "--host", "beta", "--yes")
    assert alone.code == 2
    assert "on all hosts" in alone.err
    assert vmferry("tls", "renew", "--yes").code == 0
    for name, disk in disks.items():
        assert {path for path in PATHS if disk.files[path] != before[name][path]} == {f"{PKI}/ca-cert.pem"}
    assert (home / "state/tls/ca-key.pem").read_text() == key
    assert (home / "state/tls/ca-cert.pem").read_text().count("BEGIN") == 2
    assert vmferry("tls", "renew", "--yes").out.count("nothing to do") == 3


def test_an_authority_that_cannot_be_used(vmferry: Vmferry, disks: dict[str, FakeDisk], home: Path) -> None:
    vmferry("tls", "init", "--yes")
    path = home / "state/tls/ca-key.pem"
    path.write_text("nonsense\n")
    ran = vmferry("tls", "init", "--yes")
    assert (ran.code, "backup" in ran.err) == (1, True)
    path.chmod(0o644)
    assert "chmod 600" in vmferry("tls", "renew", "--yes").err
    assert vmferry("tls", "status").code == 0


def test_somebody_elses_are_replaced_only_when_told_to(vmferry: Vmferry, disks: dict[str, FakeDisk]) -> None:
    disks["beta"].files[f"{PKI}/ca-cert.pem"] = "another's\n"
    ran = vmferry("tls", "init", "--yes")
    assert f"beta: left as it is: {PKI}/ca-cert.pem" in ran.out
    assert disks["beta"].files == {f"{PKI}/ca-cert.pem": "another's\n"}
    vmferry("tls", "init", "--replace", "--yes")
    assert sorted(disks["beta"].files) == PATHS
    assert "another's\n" in disks["beta"].backups.values()


def test_a_host_that_cannot_be_asked(vmferry: Vmferry, disks: dict[str, FakeDisk], world: FakeWorld) -> None:
    world.host("gamma").faults.unreachable = "no route to host"
    ran = vmferry("tls", "init", "--yes")
    assert ran.code == 7
    assert all(disk.files == {} for disk in disks.values())


def test_who_may_not(vmferry: Vmferry, disks: dict[str, FakeDisk]) -> None:
    disks["beta"].root = False
    ran = vmferry("tls", "init", "--yes")
    assert (ran.code, disks["alpha"].files) == (2, {})
    assert "beta" in ran.err


def test_status(vmferry: Vmferry, disks: dict[str, FakeDisk], world: FakeWorld) -> None:
    vmferry("tls", "init", "--host", "alpha", "--yes")
    ours = document(vmferry("tls", "status", "-o", "json").out)
    assert ours["authority"] is True
    assert {file["problem"] for host in ours["hosts"] for file in host["files"]} == {"missing"}
    foreign = Certificate("CN=x", ("alpha", "10.0.0.1"), NOW_S, NOW_S + 40 * 86_400, "print", "theirs")
    held = TlsFile(Use.MIGRATION, Role.SERVER, f"{PKI}/server-cert.pem", (foreign,))
    world.host("alpha").tls = TlsFacts(NOW_S, (held,))
    world.host("beta").tls = None
    world.host("gamma").faults.unreachable = "no route to host"
    ran = vmferry("tls", "status", "-o", "json")
    assert ran.code == 7
    alpha, beta, gamma = document(ran.out)["hosts"]
    (file,) = alpha["files"]
    assert (file["days_left"], file["ours"], file["names"]) == (40, False, ["alpha", "10.0.0.1"])
    assert beta["problem"] == "its shell did not tell of its certificates"
    assert "gamma" in gamma["problem"]
    assert "another" in vmferry("tls", "status").out
