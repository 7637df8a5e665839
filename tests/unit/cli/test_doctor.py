"""`vmferry doctor`: each part that may be missing is told with what brings it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from vmferry import native
from vmferry.fakes import FakeWorld

from .conftest import Vmferry


def states(vmferry: Vmferry) -> tuple[int, dict[str, str], dict[str, str]]:
    ran = vmferry("doctor", "-o", "json")
    checks = json.loads(ran.out)["checks"]
    return (
        ran.code,
        {each["what"]: each["state"] for each in checks},
        {each["what"]: each["remedy"] for each in checks if each["remedy"]},
    )


def test_a_whole_installation(vmferry: Vmferry, world: FakeWorld) -> None:
    code, found, _ = states(vmferry)
    assert code == 0
    assert set(found.values()) <= {"ok", "warn"}
    assert found["hosts"] == "ok"
    for name in world.hosts:
        vmferry("host", "remove", name)
    code, found, remedies = states(vmferry)
    assert (code, found["hosts"]) == (0, "warn")
    assert remedies["hosts"] == "vmferry host add NAME URI"


def test_what_is_missing(vmferry: Vmferry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    native.library.cache_clear()
    monkeypatch.setattr(native, "FILE", tmp_path / "nowhere.so")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delitem(sys.modules, "vmferry.hosts.client", raising=False)
    monkeypatch.setitem(sys.modules, "libvirt", None)
    code, found, remedies = states(vmferry)
    native.library.cache_clear()
    assert code == 1
    assert (found["native library"], found["ssh"], found["augeas"]) == ("fail", "fail", "warn")
    assert "openssh-client" in remedies["ssh"]
    assert found["libvirt's client"] == "fail"


def test_a_broken_configuration_is_one_line_of_it(vmferry: Vmferry, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("[nonsense]\n")
    ran = vmferry("--config", str(config), "doctor")
    assert ran.code == 1
    assert "nonsense" in ran.out
    assert "Traceback" not in ran.out + ran.err
