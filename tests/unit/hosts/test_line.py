"""A broken connection is replaced at the next question; a closed one never."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pytest

from vmferry.errors import HostUnreachable
from vmferry.hosts.line import Line
from vmferry.hosts.sender import Sender


@dataclass
class Connection:
    """As far as a line looks at libvirt's."""

    alive: bool = True
    asked: list[str] = field(default_factory=list)

    def isAlive(self) -> int:
        return int(self.alive)

    def lookupByUUIDString(self, uuid: str) -> str:
        self.asked.append(uuid)
        return f"handle of {uuid}"

    def close(self) -> None:
        self.alive = False


def test_a_broken_one_is_replaced_with_its_handles() -> None:
    first, second = Connection(), Connection()
    line = Line(first, lambda: second)
    assert (line.domain("u"), line.domain("u")) == ("handle of u", "handle of u")
    first.alive = False
    assert line.connection is second
    line.domain("u")
    assert (first.asked, second.asked) == (["u"], ["u"])


def test_where_there_is_no_new_one_the_reason_is_told() -> None:
    def reopen() -> Connection:
        raise HostUnreachable("h1", "host h1 is dead")

    line = Line(Connection(alive=False), reopen)
    with pytest.raises(HostUnreachable, match="h1 is dead"):
        line.domain("u")


def test_a_closed_one_stays_closed() -> None:
    first = Connection()
    line = Line(first, Connection)
    line.close()
    assert line.connection is first


def test_one_call_at_a_time_runs_on_it() -> None:
    """Libvirt's client wakes only one of those that wait where a connection breaks."""
    line, entered, second = Line(Connection(), Connection), threading.Event(), threading.Event()

    def use() -> None:
        with line.used():
            second.set()

    with line.used():
        thread = threading.Thread(target=lambda: (entered.set(), use()))
        thread.start()
        assert entered.wait(10)
        assert line.busy
        assert not second.wait(0.05)
    assert second.wait(10)
    thread.join()
    assert not line.busy


def test_a_sender_has_a_free_line_for_each_that_sends() -> None:
    opened = [Connection(), Connection()]
    sender = Sender(lambda: Line(opened.pop(0), Connection))
    first = sender.line()
    with first.used():
        assert sender.line() is not first
    assert sender.line() is first
    assert opened == []


def test_a_line_that_comes_after_the_end_is_closed() -> None:
    late = Connection()
    sender = Sender(lambda: Line(late, Connection))
    sender.close()
    sender.line()
    assert not late.alive


def test_one_that_is_in_use_is_closed_after_its_last_call() -> None:
    """Libvirt's calls hold no reference to their connection: one that is closed under them crashes the process."""
    first = Connection()
    line = Line(first, Connection)
    with line.used():
        with line.used():
            line.close()
            assert first.alive
        assert first.alive
    assert not first.alive
