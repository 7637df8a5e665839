"""When each of many migrations begins: by its links, its turn, its attempts, and not after a cancel."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace

import pytest

from vmferry.errors import Failed
from vmferry.model.guest import Guest, GuestState
from vmferry.model.migration import MigrationResult, Outcome
from vmferry.schedule.instance import Instance, Link, Move, Place
from vmferry.schedule.plan import plan
from vmferry.service.convoy import Convoy, Pace
from vmferry.service.drain_plan import DrainPlan, Way

LIMIT_S = 20.0
THREADS: dict[int, threading.Thread] = {}


def guest(name: str) -> Guest:
    return Guest(name, f"uuid-{name}", "a", GuestState.RUNNING, 1 << 30, 1)


def of(*names: str, target: str = "b") -> DrainPlan:
    """All over one link, each at its full rate: one after the other in the order of names."""
    moves = tuple(
        Move(f"uuid-{name}", "a", target, 1, ("a out", f"{target} in"), fixed_bytes=1000 - number)
        for number, name in enumerate(names)
    )
    links = (Link("a out", 10.0), Link(f"{target} in", 10.0))
    places = (Place("a", 100), Place(target, 100))
    ways = tuple(Way(guest(name), target, None) for name in names)
    return DrainPlan(ways, (), plan(Instance(links, places, moves)))


@dataclass
class Yard:
    """Migrations that end when the test says so."""

    begun: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    paces: dict[str, Pace] = field(default_factory=dict)
    outcomes: dict[str, list[Outcome]] = field(default_factory=dict)
    ends: dict[str, threading.Event] = field(default_factory=dict)
    cancel: threading.Event = field(default_factory=threading.Event)
    now: float = 0.0

    def now_s(self) -> float:
        return self.now

    def sleep(self, duration_s: float) -> None:
        self.now += duration_s
        time.sleep(0.001)

    def carry(self, each: Guest, target: str, cancel: threading.Event, pace: Pace) -> MigrationResult:
        self.paces[each.name] = pace
        assert self.ends.setdefault(each.name, threading.Event()).wait(LIMIT_S)
        left = self.outcomes.get(each.name, [])
        return MigrationResult("job", each.name, "a", target, left.pop(0) if left else Outcome.MIGRATED)

    def begins(self, each: Guest, target: str, attempt: int) -> None:
        self.begun.append(f"{each.name} to {target}" + (f" #{attempt}" if attempt > 1 else ""))

    def ended_(self, result: MigrationResult) -> None:
        self.ended.append(result.guest)

    def end(self, *names: str) -> None:
        for name in names:
            self.ends.setdefault(name, threading.Event()).set()


class Watching:
    def __init__(self, yard: Yard) -> None:
        self.begins, self.ended = yard.begins, yard.ended_


def running(yard: Yard, drain: DrainPlan, again: DrainPlan | None = None, parallel: int | None = None) -> Convoy:
    convoy = Convoy(yard.carry, lambda each, target: again, yard, Watching(yard), yard.cancel, parallel=parallel)
    thread = threading.Thread(target=convoy.run, args=(drain,), daemon=True)
    THREADS[id(convoy)] = thread
    thread.start()
    return convoy


def until(condition: object) -> None:
    assert callable(condition)
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.002)


def joined(convoy: Convoy) -> list[MigrationResult]:
    thread = THREADS.pop(id(convoy))
    thread.join(LIMIT_S)
    assert not thread.is_alive()
    return convoy.results


def test_over_one_link_they_go_one_after_the_other() -> None:
    yard = Yard()
    convoy = running(yard, of("x", "y"))
    until(lambda: yard.begun)
    first, second = ("x", "y") if yard.begun[0].startswith("x") else ("y", "x")
    yard.end(first)
    until(lambda: len(yard.begun) == 2)
    assert yard.ended == [first]
    yard.end(second)
    assert {each.guest for each in joined(convoy)} == {"x", "y"}


def test_the_next_one_begins_while_the_last_bytes_are_sent() -> None:
    yard = Yard()
    convoy = running(yard, of("x", "y"))
    until(lambda: yard.paces)
    (first,) = yard.paces
    yard.paces[first].sends(eta_s=60.0)
    yard.paces[first].sends(eta_s=0.1)
    until(lambda: len(yard.begun) == 2)
    assert yard.ended == []
    yard.end("x", "y")
    joined(convoy)


def test_one_that_sends_no_more_keeps_nobody_waiting() -> None:
    yard = Yard()
    convoy = running(yard, of("x", "y"))
    until(lambda: yard.paces)
    next(iter(yard.paces.values())).is_done()
    until(lambda: len(yard.begun) == 2)
    yard.end("x", "y")
    joined(convoy)


def test_a_limit_is_kept_whatever_the_links_carry() -> None:
    yard = Yard()
    convoy = running(yard, of("x", "y"), parallel=1)
    until(lambda: yard.paces)
    (first,) = yard.paces
    yard.paces[first].is_done()
    yard.end(first)
    until(lambda: len(yard.begun) == 2)
    assert yard.ended == [first]
    yard.end("x", "y")
    joined(convoy)


def test_one_that_fails_is_tried_elsewhere_after_a_pause() -> None:
    yard = Yard(outcomes={"x": [Outcome.ROLLED_BACK]})
    convoy = running(yard, of("x"), again=of("x", target="c"))
    yard.end("x")
    assert [each.outcome for each in joined(convoy)] == [Outcome.MIGRATED]
    assert yard.begun == ["x to b", "x to c #2"]
    assert yard.now >= 5.0


def test_three_attempts_are_the_most() -> None:
    yard = Yard(outcomes={"x": [Outcome.FAILED] * 9})
    convoy = running(yard, of("x", "y"))
    yard.end("x", "y")
    outcomes = {each.guest: each.outcome for each in joined(convoy)}
    assert outcomes == {"x": Outcome.FAILED, "y": Outcome.MIGRATED}
    assert [words for words in yard.begun if words.startswith("x")] == ["x to b", "x to b #2", "x to b #3"]


@pytest.mark.parametrize("outcome", [Outcome.IN_DOUBT, Outcome.MIGRATED])
def test_what_is_over_or_in_doubt_is_not_tried_again(outcome: Outcome) -> None:
    yard = Yard(outcomes={"x": [outcome]})
    convoy = running(yard, of("x"))
    yard.end("x")
    assert [each.outcome for each in joined(convoy)] == [outcome]
    assert yard.begun == ["x to b"]


def test_after_a_cancel_nothing_more_begins() -> None:
    yard = Yard(outcomes={"x": [Outcome.ROLLED_BACK], "y": [Outcome.ROLLED_BACK]})
    convoy = running(yard, of("x", "y"))
    until(lambda: yard.begun)
    yard.cancel.set()
    yard.end("x", "y")
    assert len(joined(convoy)) == 1
    assert len(yard.begun) == 1


def test_an_error_of_one_is_its_result() -> None:
    yard = Yard()

    def carry(each: Guest, target: str, cancel: threading.Event, pace: Pace) -> MigrationResult:
        raise (Failed("the store is full") if each.name == "x" else ZeroDivisionError("ours"))

    convoy = Convoy(carry, lambda each, target: None, yard, Watching(yard), yard.cancel)
    found = {each.guest: (each.outcome, each.error or "") for each in convoy.run(of("x", "y"))}
    assert found["x"] == (Outcome.FAILED, "the store is full")
    assert found["y"][0] is Outcome.IN_DOUBT
    assert "ZeroDivisionError" in found["y"][1]


def test_a_link_that_turns_out_slower_than_planned_holds_nobody_for_ever() -> None:
    yard = Yard(outcomes={"x": [Outcome.FAILED]})
    slow = of("x")
    links = tuple(Link(link.id, 1.0) for link in slow.schedule.instance.links)
    again = replace(slow, schedule=plan(replace(slow.schedule.instance, links=links)))
    convoy = running(yard, of("x", "y"), again=again)
    yard.end("x", "y")
    assert {each.outcome for each in joined(convoy)} == {Outcome.MIGRATED}


def test_outside_of_its_window_nothing_begins() -> None:
    yard = Yard()
    convoy = Convoy(yard.carry, lambda each, target: None, yard, Watching(yard), yard.cancel, None, lambda: None)
    assert convoy.run(of("x", "y")) == []


def test_what_would_not_end_in_its_window_does_not_begin() -> None:
    """Each takes a hundred seconds; after the first only fifty are left."""
    yard = Yard()

    def closes_in_s() -> float:
        return 50.0 if yard.ended else 150.0

    convoy = Convoy(yard.carry, lambda each, target: None, yard, Watching(yard), yard.cancel, None, closes_in_s)
    yard.end("x", "y")
    assert len(convoy.run(of("x", "y"))) == 1
    assert len(yard.begun) == 1
