"""Connections that are kept between uses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vmferry.errors import HostUnreachable
from vmferry.fakes import FakeConnector, FakeWorld
from vmferry.model.host import HostEntry
from vmferry.ports import HostPort
from vmferry.service.warm import LASTS_S, MOST_IDLE, WarmConnector


class Counting:
    """A connector that counts what it opens, and what of it is closed."""

    def __init__(self, world: FakeWorld) -> None:
        self._under = FakeConnector(world)
        self.opened = 0

    def connect(self, entry: HostEntry, timeout_s: float) -> HostPort:
        port = self._under.connect(entry, timeout_s)
        self.opened += 1
        return port


@pytest.fixture
def world() -> FakeWorld:
    world = FakeWorld()
    world.add_host("alpha")
    world.add_host("beta")
    return world


def test_what_is_let_go_waits_for_the_next(world: FakeWorld) -> None:
    counting = Counting(world)
    warm, entry = WarmConnector(counting, world.time), world.host("alpha").entry
    for _ in range(3):
        port = warm.connect(entry, 5)
        assert port.describe().name == "alpha"
        port.close()
        port.close()
    assert counting.opened == 1
    first, second = warm.connect(entry, 5), warm.connect(entry, 5)
    assert counting.opened == 2, "one is used by one at a time"
    assert warm.connect(world.host("beta").entry, 5).describe().name == "beta"
    assert warm.connect(replace(entry, migration_address="192.0.2.1"), 5).entry.name == "alpha"
    assert counting.opened == 4, "another entry is another host"
    first.close()
    second.close()


def test_it_is_not_kept_for_long(world: FakeWorld) -> None:
    counting = Counting(world)
    warm, entry = WarmConnector(counting, world.time), world.host("alpha").entry
    warm.connect(entry, 5).close()
    world.time.sleep(LASTS_S + 1)
    warm.connect(entry, 5).close()
    assert counting.opened == 2
    many = [warm.connect(entry, 5) for _ in range(MOST_IDLE + 2)]
    for port in many:
        port.close()
    again = [warm.connect(entry, 5) for _ in range(MOST_IDLE)]
    before = counting.opened
    warm.connect(entry, 5)
    assert counting.opened == before + 1, "no more than so many are kept"
    warm.close()
    for port in again:
        port.close()
    warm.connect(entry, 5)
    assert counting.opened == before + 2, "closed, it keeps none"


def test_a_host_that_does_not_answer(world: FakeWorld) -> None:
    warm = WarmConnector(FakeConnector(world), world.time)
    world.host("alpha").faults.unreachable = "no route to host"
    with pytest.raises(HostUnreachable):
        warm.connect(world.host("alpha").entry, 5)
