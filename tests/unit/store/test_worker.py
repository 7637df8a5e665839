"""Who a worker is, and what is certain of its death."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from vmferry.store import worker
from vmferry.store.worker import is_dead, this_worker

HOST = socket.gethostname()
CODE = "import sys; from vmferry.store.worker import this_worker; print(this_worker(), flush=True); sys.stdin.read()"


@pytest.fixture
def other() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Another process, and who it says it is."""
    with subprocess.Popen([sys.executable, "-c", CODE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as it:
        assert it.stdout is not None
        yield it, it.stdout.readline().strip()
        it.kill()


def test_this_process_lives() -> None:
    assert not is_dead(this_worker())
    assert this_worker() == this_worker()
    assert str(os.getpid()) in this_worker().split("/")


def test_another_process_lives_until_it_is_killed(other: tuple[subprocess.Popen[str], str]) -> None:
    process, name = other
    assert name != this_worker()
    assert not is_dead(name)
    process.send_signal(signal.SIGSTOP)
    assert not is_dead(name), "one that is frozen may go on"
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert is_dead(name), "killed, and not yet looked at by its parent"
    process.wait()
    assert is_dead(name)


def test_a_process_that_came_by_the_same_number_is_another_one() -> None:
    host, boot, pid, started = this_worker().split("/")
    assert is_dead(f"{host}/{boot}/{pid}/{int(started) - 1}")


def test_before_the_last_start_of_this_machine() -> None:
    assert is_dead(f"{HOST}/00000000-0000-4000-8000-000000000000/{os.getpid()}/1")


def test_of_another_machine_nothing_is_known() -> None:
    assert not is_dead("elsewhere/00000000-0000-4000-8000-000000000000/1/1")


@pytest.mark.parametrize("name", ["", "somebody", HOST, f"{HOST}/", f"{HOST}//1/1"])
def test_of_what_is_no_name_of_a_worker_nothing_is_known(name: str) -> None:
    assert not is_dead(name)


@pytest.mark.parametrize("process", ["", "x/1", "-1/1", "999999999/1"])
def test_of_this_boot_what_is_no_process_is_dead(process: str) -> None:
    boot = this_worker().split("/")[1]
    assert is_dead(f"{HOST}/{boot}/{process}")


def test_a_program_may_have_any_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parentheses and blanks in it are no field of /proc/PID/stat."""

    def told(*_: object, **__: object) -> str:
        return "7 (a) b (c 1 2) S " + " ".join(str(number) for number in range(1, 30))

    monkeypatch.setattr(worker.Path, "read_text", told)
    assert worker._started(7) == "19"
