"""Drains over fleets and faults drawn at random, and two drains at the same time: whatever happens, no guest runs twice
or nowhere, no host is given more than it has, and what is said of guests and hosts is so."""

from __future__ import annotations

import random
import threading

import pytest

from vmferry.errors import Refused
from vmferry.fakes import CopyEffect, CopyFault
from vmferry.model.host import HostState
from vmferry.model.migration import MigrationResult, Outcome
from vmferry.service.drain import Drained

from .rows_drain import GIB, Emptied

SEEDS = range(80)
EFFECTS = (
    CopyEffect.FAILS,
    CopyEffect.HOLDS,
    CopyEffect.LOSES_REPLY,
    CopyEffect.CONFIRM_FAILS,
    CopyEffect.UNDEFINE_FAILS,
    CopyEffect.GUEST_STOPS,
)


class Fleet(Emptied):
    """Of 3 to 5 hosts, with guests anywhere."""

    def __init__(self, draw: random.Random) -> None:
        super().__init__()
        self.draw = draw
        for name in ("delta", "epsilon")[: draw.randint(0, 2)]:
            self.store.add_host(self.world.add_host(name))
        for host in self.world.hosts.values():
            host.memory_bytes = draw.randint(6, 24) * GIB
        for number in range(draw.randint(0, 5)):
            self.guests.append(self.guest(f"g{number}", draw.choice(list(self.world.hosts)), draw.randint(1, 3)))

    def spoil(self) -> None:
        for guest in self.guests:
            if self.draw.random() < 0.4:
                effect, at_percent = self.draw.choice(EFFECTS), self.draw.randint(1, 99)
                self.world.plan_fault(guest, CopyFault(effect, at_percent), times=self.draw.randint(1, 4))

    def ended(self, result: MigrationResult) -> None:
        super().ended(result)
        self.check_memory()

    def check_memory(self) -> None:
        """What runs there, and no host had more than it can hold to begin with."""
        for name, host in self.world.hosts.items():
            held = sum(each.memory_bytes for each in self.guests if name in self.world.running_on(each))
            assert held <= host.memory_bytes, name

    def check(self, name: str, done: Drained) -> None:
        self.world.check()
        for result in done.results:
            guest = next(each for each in self.guests if each.name == result.guest)
            runs = self.world.running_on(guest)
            if result.outcome is Outcome.MIGRATED:
                assert runs == (result.target,), result
            elif result.outcome is Outcome.ROLLED_BACK:
                assert runs == (name,), result
        empty = not any(name in self.world.active_on(each) for each in self.guests)
        assert (self.store.withdrawn()[name].state is HostState.MAINTENANCE) == empty
        assert not done.whole or empty


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_fails(seed: int) -> None:
    fleet = Fleet(random.Random(seed))
    fleet.spoil()
    before = {each.name: fleet.world.running_on(each) for each in fleet.guests}
    try:
        done = fleet.run(parallel=fleet.draw.choice((None, 1, 2)))
    except Refused:
        assert {each.name: fleet.world.running_on(each) for each in fleet.guests} == before
        assert dict(fleet.store.withdrawn()) == {}
        return
    fleet.check("alpha", done)


@pytest.mark.parametrize("seed", range(15))
def test_two_at_the_same_time_do_not_race(seed: int) -> None:
    """Each marks its host first: nothing of one lands on the other for good."""
    fleet = Fleet(random.Random(seed))
    done: dict[str, Drained | Refused] = {}

    def drain(name: str) -> None:
        try:
            done[name] = fleet.run(names=[name], worker=f"w-{name}")
        except Refused as error:
            done[name] = error

    threads = [threading.Thread(target=drain, args=(name,)) for name in ("alpha", "beta")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    fleet.world.check()
    fleet.check_memory()
    for name, outcome in done.items():
        if isinstance(outcome, Drained) and outcome.whole:
            assert not any(name in fleet.world.active_on(each) for each in fleet.guests), name
