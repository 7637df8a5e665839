from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from vmferry.cli.app import run
from vmferry.fakes import FakeConnector, FakeMenders, FakeProber, FakeWorld, MemoryJobs, MemoryRegister, MemoryStore
from vmferry.store.chest import FileChest
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
def jobs(world: FakeWorld) -> MemoryJobs:
    return MemoryJobs(world.time)


@pytest.fixture
def vmferry(
    world: FakeWorld,
    store: MemoryStore,
    jobs: MemoryJobs,
    menders: FakeMenders,
    home: Path,
    capfd: pytest.CaptureFixture[str],
) -> Vmferry:
    """Runs one command on the fake world."""
    register = MemoryRegister()
    wiring = Wiring(
        connector=lambda: FakeConnector(world),
        store=lambda path: store,
        prober=lambda: FakeProber(world),
        menders=lambda: menders,
        jobs=lambda path: jobs,
        clock=lambda: world.time,
        worker=lambda: "this process",
        register=lambda path: register,
        chest=lambda path: FileChest(home / "state/tls"),
    )

    def vmferry(*arguments: str) -> Ran:
        code = run(arguments, wiring)
        out, err = capfd.readouterr()
        return Ran(code, out, err)

    return vmferry
