"""The installed command with its real adapters, on a store of its own and libvirt's test driver."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Vmferry = Callable[..., "subprocess.CompletedProcess[str]"]

GARBAGE = b"this is no database at all\n" * 100


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "state" / "vmferry.db"


@pytest.fixture
def vmferry(tmp_path: Path, store: Path) -> Vmferry:
    """Runs one command with a configuration that names the store only."""
    config = tmp_path / "config.toml"
    config.write_text(f'[store]\npath = "{store}"\n')
    clean = {name: value for name, value in os.environ.items() if not name.startswith("VMFERRY_")}

    def vmferry(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "vmferry", *arguments]
        own = clean | {"VMFERRY_CONFIG": str(config)} | environment
        return subprocess.run(command, env=own, capture_output=True, text=True, check=False)

    return vmferry


def test_a_host_is_kept_from_one_command_to_the_next(vmferry: Vmferry) -> None:
    added = vmferry("host", "add", "try", "test:///default")
    assert (added.returncode, added.stderr) == (0, "host try is added\n")
    guests = json.loads(vmferry("guest", "list", "-o", "json").stdout)["guests"]
    assert [(guest["name"], guest["host"], guest["state"]) for guest in guests] == [("test", "try", "running")]
    assert vmferry("host", "remove", "try").returncode == 0
    assert json.loads(vmferry("host", "list", "-o", "json").stdout)["hosts"] == []


def test_guests_complete_once_they_were_seen(vmferry: Vmferry) -> None:
    vmferry("host", "add", "try", "test:///default")
    vmferry("guest", "list")
    asked = vmferry(_VMFERRY_COMPLETE="bash_complete", COMP_WORDS="vmferry migrate t", COMP_CWORD="2")
    assert asked.stdout == "plain,test\n"


@pytest.mark.parametrize("arguments", [("host", "list"), ("guest", "list"), ("host", "add", "try", "test:///default")])
def test_a_corrupt_store_is_told_and_left_alone(vmferry: Vmferry, store: Path, arguments: tuple[str, ...]) -> None:
    store.parent.mkdir()
    store.write_bytes(GARBAGE)
    ran = vmferry(*arguments)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith(f"vmferry: the store {store} is damaged or is no store of vmferry")
    assert store.read_bytes() == GARBAGE


def test_a_corrupt_configuration_is_told_and_no_store_made(vmferry: Vmferry, tmp_path: Path, store: Path) -> None:
    (tmp_path / "config.toml").write_text("[hosts.alpha\n")
    ran = vmferry("host", "add", "try", "test:///default")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith(f"vmferry: {tmp_path}/config.toml is not valid TOML")
    assert not store.exists()


def test_a_host_that_refuses_is_told_with_libvirts_own_text(vmferry: Vmferry) -> None:
    vmferry("host", "add", "nobody", "qemu+ssh://root@name.invalid/system")
    ran = vmferry("guest", "list")
    assert (ran.returncode, ran.stdout) == (7, "")
    assert "host nobody cannot be reached" in ran.stderr
    assert ran.stderr.splitlines()[-1].startswith("    ")
