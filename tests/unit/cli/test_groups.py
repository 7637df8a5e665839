"""Groups of the configuration, as check, migrate, drain and balance keep to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from vmferry.fakes import FakeGuest, FakeWorld
from vmferry.model.guest import Disk, Nic

from .conftest import Ran, Vmferry

GIB = 1 << 30


def guest(world: FakeWorld, name: str, host: str) -> FakeGuest:
    disk = Disk("vda", "disk", "file", f"/srv/shared/{name}.img", "raw", "none")
    nic = Nic(f"52:54:00:00:00:{len(world.guests):02x}", "network", "lab")
    return world.add_guest(name, host, memory_bytes=8 * GIB, vcpus=2, cpus_used=1.0, disks=(disk,), nics=(nic,))


class With:
    """Commands with such a configuration."""

    def __init__(self, vmferry: Vmferry, file: Path, text: str) -> None:
        file.write_text(text)
        self.vmferry, self.file = vmferry, file

    def __call__(self, *arguments: str) -> Ran:
        return self.vmferry("--config", str(self.file), *arguments)


APART = '[groups.web]\nguests = ["web*"]\nkeep = "apart"\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "groups.toml"


def test_apart(vmferry: Vmferry, world: FakeWorld, file: Path) -> None:
    one = guest(world, "web1", "alpha")
    guest(world, "web2", "beta")
    kept = With(vmferry, file, APART)
    refused = kept("migrate", "web1", "--to", "beta")
    assert refused.code == 3
    assert "group.apart" in refused.err
    assert kept("migrate", "web1").code == 0
    assert world.running_on(one) == ("gamma",)


def test_only_should(vmferry: Vmferry, world: FakeWorld, file: Path) -> None:
    one = guest(world, "web1", "alpha")
    guest(world, "web2", "beta")
    assert With(vmferry, file, f"{APART}strict = false\n")("migrate", "web1", "--to", "beta").code == 0
    assert world.running_on(one) == ("beta",)


def test_where_they_belong(vmferry: Vmferry, world: FakeWorld, file: Path) -> None:
    guest(world, "db", "alpha")
    kept = With(vmferry, file, '[groups.licence]\nguests = ["db"]\nhosts = ["alpha", "beta"]\n')
    assert kept("migrate", "db", "--to", "gamma").code == 3
    assert kept("migrate", "db", "--to", "beta").code == 0


def test_a_drain_keeps_them_apart(vmferry: Vmferry, world: FakeWorld, file: Path) -> None:
    web = [guest(world, f"web{number}", "alpha") for number in range(2)]
    assert With(vmferry, file, APART)("drain", "alpha").code == 0
    assert {world.running_on(each) for each in web} == {("beta",), ("gamma",)}


def test_a_drain_that_cannot_keep_them_apart(vmferry: Vmferry, world: FakeWorld, file: Path) -> None:
    web = [guest(world, f"web{number}", "alpha") for number in range(3)]
    refused = With(vmferry, file, APART)("drain", "alpha")
    assert refused.code == 3
    assert {world.running_on(each) for each in web} == {("alpha",)}


def test_balance_keeps_them_apart(vmferry: Vmferry, world: FakeWorld, file: Path) -> None:
    """One is on each host, so none of them can go anywhere."""
    web = [guest(world, f"web{number}", host) for number, host in enumerate(("alpha", "beta", "gamma"))]
    others = [guest(world, f"other{number}", "alpha") for number in range(4)]
    assert With(vmferry, file, APART)("balance", "--yes").code == 0
    assert len({world.running_on(each) for each in web}) == 3
    assert len({world.running_on(each) for each in others}) > 1


def test_balance_leaves_those_that_are_together(vmferry: Vmferry, world: FakeWorld, file: Path) -> None:
    pair = [guest(world, name, "alpha") for name in ("app", "db")]
    guest(world, "other", "alpha")
    kept = With(vmferry, file, '[groups.pair]\nguests = ["app", "db"]\nkeep = "together"\n')
    ran = kept("balance", "--yes")
    assert {world.running_on(each) for each in pair} == {("alpha",)}
    assert "stays: app: its group pair is kept together" in kept("balance", "--dry-run").out
    assert ran.code == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[groups.web]\nkeep = "apart"\n', "groups.web.guests"),
        ('[groups.web]\nguests = []\nkeep = "apart"\n', "has no pattern"),
        ('[groups.web]\nguests = ["a"]\n', "says nothing"),
        ('[groups.web]\nguests = ["a"]\nkeep = "near"\n', "groups.web.keep"),
        ('[groups.web]\nguests = ["a"]\nkeep = "together"\nlabel = "rack"\n', "is only for keep"),
    ],
)
def test_what_makes_no_sense(vmferry: Vmferry, file: Path, text: str, words: str) -> None:
    ran = With(vmferry, file, text)("guest", "list")
    assert ran.code == 2
    assert words in ran.err
