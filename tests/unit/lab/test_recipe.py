from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from vmferry.lab.recipe import customize, make_recipe

RECIPE = make_recipe("trixie", ("tgt",))


@pytest.mark.parametrize(
    "other",
    [
        make_recipe("bookworm", ("tgt",)),
        make_recipe("trixie", ()),
        replace(RECIPE, masked=()),
        replace(RECIPE, removed=()),
        replace(RECIPE, files=()),
        replace(RECIPE, enabled=()),
    ],
)
def test_another_recipe_has_another_key(other: object) -> None:
    assert getattr(other, "key") != RECIPE.key  # noqa: B009


def test_the_order_of_packages_is_of_no_account() -> None:
    assert make_recipe("trixie", ("b", "a")).key == make_recipe("trixie", ("a", "b", "a")).key


def test_only_what_a_host_needs_stays_enabled(tmp_path: Path) -> None:
    wants = tmp_path / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(parents=True)
    for unit in ("libvirtd.service", "tgt.service", "apt-daily.timer"):
        # Absolute and of the root to be: nothing on the machine that builds it.
        (wants / unit).symlink_to(f"/nowhere/systemd/system/{unit}")
    customize(tmp_path, RECIPE)
    assert [link.name for link in wants.iterdir()] == ["libvirtd.service"]


def test_units_are_masked_also_where_they_were_enabled(tmp_path: Path) -> None:
    unit = tmp_path / "etc/systemd/system" / RECIPE.masked[0]
    unit.parent.mkdir(parents=True)
    unit.symlink_to("/usr/lib/systemd/system/x")
    customize(tmp_path, RECIPE)
    assert unit.readlink() == Path("/dev/null")


def test_identities_are_removed(tmp_path: Path) -> None:
    for name in ("etc/machine-id", "etc/ssh/ssh_host_ed25519_key"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("somebody")
    customize(tmp_path, RECIPE)
    assert not (tmp_path / "etc/machine-id").exists()
    assert not (tmp_path / "etc/ssh/ssh_host_ed25519_key").exists()
