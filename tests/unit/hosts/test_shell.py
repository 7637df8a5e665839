"""The program that looks, run for real by this machine's sh; and what a broken session gives."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from vmferry.errors import HostUnreachable
from vmferry.hosts.shell import Shell


@pytest.fixture
def shell() -> Iterator[Shell]:
    shell = Shell("here", ())
    yield shell
    shell.close()


def test_it_tells_of_the_host_first(shell: Shell) -> None:
    told = shell.greeting()
    assert any(line.startswith("release ") for line in told)
    assert shell.greeting() is told


@pytest.mark.parametrize(
    "name", ["plain", " blanks  inside ", "-n", "$(touch pwned)", "`id`", "a'b\"c", "ü", "%s%n", "*"]
)
def test_a_path_is_data(shell: Shell, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"12345")
    answer = shell.ask([f"file 0 raw - {tmp_path / name}"])
    inode = (tmp_path / name).stat().st_ino
    assert answer[0].startswith(f"0 file 5 {inode} ")
    assert answer[1] == f"0 path {tmp_path / name}"
    assert sorted(os.listdir(tmp_path)) == [name]


def test_what_is_not_there_is_told(shell: Shell, tmp_path: Path) -> None:
    (answer,) = shell.ask([f"file 0 raw - {tmp_path}/none"])
    assert answer.startswith("0 problem ")
    assert "No such file or directory" in answer


def test_a_file_is_no_block_device(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    assert shell.ask([f"block 0 {tmp_path}/f"]) == ("0 problem it is no block device",)


def test_one_session_answers_many_questions(shell: Shell, tmp_path: Path) -> None:
    for round_ in range(3):
        answers = shell.ask([f"file {index} raw - {tmp_path}" for index in range(20)])
        assert sorted({int(answer.split(" ")[0]) for answer in answers}) == list(range(20)), round_


def test_threads_may_ask_at_once(shell: Shell, tmp_path: Path) -> None:
    answers: list[tuple[str, ...]] = []
    ask = [f"file 7 raw - {tmp_path}"]
    threads = [threading.Thread(target=lambda: answers.append(shell.ask(ask))) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(answers)) == 1
    assert len(answers) == 5


def test_a_request_of_two_lines_is_refused(shell: Shell) -> None:
    with pytest.raises(ValueError, match="one line"):
        shell.ask(["file 0 /a\nfile 1 /b"])


def test_a_session_that_died_unseen_is_begun_again(tmp_path: Path) -> None:
    shell = Shell("h1", ("sh", "-c", f'echo $$ >{tmp_path}/pid; eval "$1"', "ssh-stands-here"))
    shell.greeting()
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    assert shell.ask([f"file 0 raw - {tmp_path}"])[1] == f"0 path {tmp_path}"
    shell.close()


@pytest.mark.parametrize(
    ("command", "said"),
    [(("sh", "-c", "echo denied >&2; exit 255"), "denied"), (("/nonexistent/ssh",), "No such file")],
)
def test_a_session_that_does_not_come(command: tuple[str, ...], said: str) -> None:
    shell = Shell("h1", command)
    with pytest.raises(HostUnreachable, match="host h1") as caught:
        shell.greeting()
    assert said in caught.value.detail


def test_a_session_that_ended_is_begun_again(shell: Shell, tmp_path: Path) -> None:
    shell.greeting()
    shell.close()
    assert shell.ask([f"file 0 raw - {tmp_path}"])[1] == f"0 path {tmp_path}"


def test_the_login_shell_gets_one_word_to_run(tmp_path: Path) -> None:
    """Whatever the login shell is: here it is sh, given the command as ssh gives it."""
    shell = Shell("h1", ("sh", "-c", 'sh -c "$1"', "ssh-stands-here"))
    assert shell.ask([f"file 0 raw - {tmp_path}"])[1] == f"0 path {tmp_path}"
    shell.close()


@pytest.mark.skipif(shutil.which("lsblk") is None, reason="no lsblk here")
def test_block_devices(shell: Shell) -> None:
    devices = [line for line in Path("/proc/partitions").read_text().split("\n")[2:] if line]
    names = [f"/dev/{line.split()[3]}" for line in devices]
    there = [name for name in names if Path(name).is_block_device()]
    answers = shell.ask([f"block {index} {name}" for index, name in enumerate(there)])
    assert sum(" block " in answer for answer in answers) == len(there)
    assert all(f'{index} device NAME="{name[5:]}"' in "\n".join(answers) for index, name in enumerate(there))
