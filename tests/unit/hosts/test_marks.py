"""Marks beside files, made and removed for real by this machine's sh, on a directory that a stand-in calls a share."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vmferry.hosts.shell import Shell

LIMIT_S = 30.0
MOUNT = 'FSTYPE="nfs4" SOURCE="s:/export" UUID="" TARGET="/" MAJ:MIN="0:99" FSROOT="/" OPTIONS="rw"'


@pytest.fixture
def share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with one image, on what `findmnt` says is a share."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "findmnt").write_text(f"#!/bin/sh\necho '{MOUNT}'\n")
    (tools / "findmnt").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    share = tmp_path / "share"
    share.mkdir()
    (share / "a.img").write_bytes(b"12345")
    return share


@pytest.fixture
def shell(share: Path) -> Iterator[Shell]:
    shell = Shell("here", ("sh", "-c", f'echo $$ >{share.parent}/pid; exec sh -c "$1"', "ssh-stands-here"))
    yield shell
    shell.close()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, "it never came to pass"
        time.sleep(0.02)


def here(share: Path) -> list[str]:
    return sorted(os.listdir(share))


def session(share: Path) -> int:
    return int((share.parent / "pid").read_text())


def test_a_mark_is_left_found_and_removed(shell: Shell, share: Path) -> None:
    assert "0 marked" in shell.ask([f"mark 0 raw .m-1 {share}/a.img"])
    assert here(share) == [".m-1", "a.img"]
    assert (share / ".m-1").stat().st_mode & 0o777 == 0o700
    assert "0 marked" in shell.ask([f"file 0 raw .m-1 {share}/a.img"])
    assert shell.ask(["unmark"]) == ()
    assert here(share) == ["a.img"]


def test_a_mark_of_another_directory_is_not_found(shell: Shell, share: Path) -> None:
    assert "0 unmarked" in shell.ask([f"file 0 raw .m-1 {share}/a.img"])


def test_a_mark_is_beside_the_file_that_a_link_leads_to(shell: Shell, share: Path) -> None:
    (share.parent / "link.img").symlink_to(share / "a.img")
    shell.ask([f"mark 0 raw .m-1 {share.parent}/link.img"])
    assert ".m-1" in here(share)


@pytest.mark.parametrize("kind", ["file", "link"])
def test_nothing_that_is_there_is_touched(shell: Shell, share: Path, kind: str) -> None:
    taken = share / ".m-1"
    if kind == "file":
        taken.write_text("mine")
    else:
        taken.symlink_to(share.parent / "elsewhere")
    (said,) = (line for line in shell.ask([f"mark 0 raw .m-1 {share}/a.img"]) if "marked" in line)
    assert said.startswith("0 unmarked mkdir: cannot create directory")
    shell.ask(["unmark"])
    assert here(share) == [".m-1", "a.img"]
    assert not (share.parent / "elsewhere").exists()


def test_a_directory_that_was_put_to_use_stays(shell: Shell, share: Path) -> None:
    shell.ask([f"mark 0 raw .m-1 {share}/a.img"])
    (share / ".m-1" / "kept").touch()
    shell.ask(["unmark"])
    assert (share / ".m-1" / "kept").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGPIPE])
def test_a_session_that_is_ended_takes_its_marks_along(shell: Shell, share: Path, number: int) -> None:
    shell.ask([f"mark 0 raw .m-1 {share}/a.img"])
    os.kill(session(share), number)
    until(lambda: here(share) == ["a.img"])


def test_a_session_whose_other_end_is_gone_takes_its_marks_along(shell: Shell, share: Path) -> None:
    shell.ask([f"mark 0 raw .m-1 {share}/a.img"])
    shell.close()
    until(lambda: here(share) == ["a.img"])


def test_marks_of_a_killed_session_go_by_themselves(shell: Shell, share: Path) -> None:
    shell.ask([f"mark 0 raw .m-1 {share}/a.img"])
    os.kill(session(share), signal.SIGKILL)
    os.waitpid(session(share), 0)
    until(lambda: here(share) == ["a.img"])


def test_on_a_file_system_of_the_hosts_own_nothing_is_left(
    shell: Shell, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (share.parent / "tools" / "findmnt").write_text(f"#!/bin/sh\necho '{MOUNT.replace('nfs4', 'ext4')}'\n")
    answer = shell.ask([f"mark 0 raw .m-1 {share}/a.img"])
    assert not [line for line in answer if "marked" in line]
    assert here(share) == ["a.img"]
