"""What [migration] tls of the configuration comes to: what libvirt is told, and when it is told nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from vmferry.facts.tls import Certificate, Role, TlsFacts, TlsFile, Use
from vmferry.fakes import FakeGuest, FakeWorld, copying
from vmferry.model.guest import Probe
from vmferry.model.migration import MigrationOrder

from .conftest import Vmferry

NOW_S, DAY_S = 1_800_000_000, 86_400


def certificates(host: str, days: int = 365) -> TlsFacts:
    own = Certificate(f"CN={host}", (host,), NOW_S - DAY_S, NOW_S + days * DAY_S, f"print of {host}", "ca")
    ca = replace(own, names=("ca",), not_after_s=NOW_S + 3650 * DAY_S, fingerprint="ca")
    held = {Role.CA: ca, Role.SERVER: own, Role.CLIENT: own}
    return TlsFacts(
        NOW_S, tuple(TlsFile(Use.MIGRATION, role, f"/pki/{role}.pem", (each,)) for role, each in held.items())
    )


@pytest.fixture
def web(world: FakeWorld) -> FakeGuest:
    return world.add_guest("web", "alpha", probe=Probe("10.0.0.101"))


@pytest.fixture
def orders(monkeypatch: pytest.MonkeyPatch) -> list[MigrationOrder]:
    """What the source's libvirt is told."""
    told: list[MigrationOrder] = []
    begin = copying.begin

    def noted(world: FakeWorld, source: copying.FakeHost, order: MigrationOrder) -> copying.FakeCopy:
        told.append(order)
        return begin(world, source, order)

    monkeypatch.setattr(copying, "begin", noted)
    return told


def config(home: Path, word: str) -> str:
    path = home / "config.toml"
    path.write_text(f'[migration]\ntls = "{word}"\n')
    return str(path)


@pytest.mark.parametrize(
    ("word", "there", "code", "told"),
    [
        ("auto", 365, 0, [True]),
        ("auto", None, 0, [False]),
        ("auto", -1, 3, []),
        ("require", 365, 0, [True]),
        ("require", None, 3, []),
        ("require", -1, 3, []),
        ("off", 365, 0, [False]),
    ],
)
def test_migrate(
    vmferry: Vmferry,
    world: FakeWorld,
    web: FakeGuest,
    orders: list[MigrationOrder],
    home: Path,
    word: str,
    there: int | None,
    code: int,
    told: list[bool],
) -> None:
    """`there`: the days that the target's certificate has left; None: it has none."""
    missing = tuple(TlsFile(Use.MIGRATION, role, f"/pki/{role}.pem", problem="missing") for role in Role)
    world.host("alpha").tls = certificates("alpha")
    world.host("beta").tls = TlsFacts(NOW_S, missing) if there is None else certificates("beta", there)
    ran = vmferry("--config", config(home, word), "migrate", "web", "--to", "beta")
    assert ran.code == code, ran.err
    assert [order.tuning.tls for order in orders] == told
    assert world.running_on(web) == ("beta" if told else "alpha",)
    if code:
        assert "beta:/pki/server.pem" in ran.err
        assert "vmferry tls init --host beta" in ran.err


@pytest.mark.parametrize("command", [("check", "web"), ("plan", "web"), ("check", "--all", "-v")])
def test_what_is_laid_down_is_checked(
    vmferry: Vmferry, world: FakeWorld, web: FakeGuest, home: Path, command: tuple[str, ...]
) -> None:
    for name in ("alpha", "beta", "gamma"):
        world.host(name).tls = certificates(name, -1 if name == "gamma" else 365)
    ran = vmferry("--config", config(home, "require"), *command)
    assert "transport.tls-migration" in ran.out
    assert "it expired on" in ran.out
