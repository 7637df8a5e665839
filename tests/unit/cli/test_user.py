"""`vmferry user`: in, another password, out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SECRET = "correct horse"


class Command:
    """With a store of its own."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "config.toml"
        self.config.write_text(f'[store]\npath = "{folder / "vmferry.db"}"\n')

    def __call__(self, *words: str, said: str = "", status: int = 0) -> subprocess.CompletedProcess[str]:
        program = (sys.executable, "-c", "from vmferry.cli.app import main; main()", "--config", str(self.config))
        done = subprocess.run([*program, "user", *words], input=said, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stderr
        assert SECRET not in done.stdout + done.stderr
        return done


@pytest.fixture
def user(tmp_path: Path) -> Command:
    return Command(tmp_path)


def test_in_and_out(user: Command) -> None:
    assert "there is no user" in user("list").stderr
    user("add", "anna", "--role", "operator", said=f"{SECRET}\n")
    assert "already" in user("add", "anna", said=f"{SECRET}\n", status=2).stderr
    (found,) = json.loads(user("list", "-o", "json").stdout)["users"]
    assert (found["name"], found["role"]) == ("anna", "operator")
    user("password", "anna", said="another horse\n")
    user("remove", "anna")
    assert "there is no user" in user("remove", "anna", status=2).stderr


@pytest.mark.parametrize("said", ["", "short\n", "x" * 2000])
def test_no_password_that_is_none(user: Command, said: str) -> None:
    assert "10 to 1000 characters" in user("add", "anna", said=said, status=2).stderr
    assert "10 to 1000 characters" in user("password", "anna", said=said, status=2).stderr


@pytest.mark.parametrize("name", ["", "a b", "../x", "-", "x" * 101])
def test_no_name_that_is_none(user: Command, name: str) -> None:
    assert "is no name" in user("add", "--", name, said=f"{SECRET}\n", status=2).stderr
