from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from vmferry.cli.app import run
from vmferry.fakes import FakeConnector, FakeMenders, FakeProber, FakeWorld, MemoryStore
from vmferry.wiring import Wiring


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    out: str
    err: str


Vmferry = Callable[..., Ran]


@pytest.fixture
def world() -> FakeWorld:
    world = FakeWorld()
    for name in ("alpha", "beta", "gamma"):
        world.add_host(name)
    return world


@pytest.fixture
def store(world: FakeWorld) -> MemoryStore:
    return MemoryStore([host.entry for host in world.hosts.values()])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's own home, with nothing of this machine's configuration or lab in sight."""
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "VMFERRY_CONFIG", "VMFERRY_OUTPUT", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("vmferry.config.RUN", tmp_path / "run")
    monkeypatch.setattr("vmferry.config.ETC", tmp_path / "etc/config.toml")
    return tmp_path


@pytest.fixture
def menders(world: FakeWorld) -> FakeMenders:
    return FakeMenders(world)


@pytest.fixture
def vmferry(
    world: FakeWorld, store: MemoryStore, menders: FakeMenders, home: Path, capfd: pytest.CaptureFixture[str]
) -> Vmferry:
    """Runs one command on the fake world."""
    wiring = Wiring(lambda: FakeConnector(world), lambda path: store, lambda: FakeProber(world), lambda: menders)

    def vmferry(*arguments: str) -> Ran:
        code = run(arguments, wiring)
        out, err = capfd.readouterr()
        return Ran(code, out, err)

    return vmferry
