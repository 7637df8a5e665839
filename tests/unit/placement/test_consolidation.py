"""Emptying hosts: wholly or not at all, the cheapest first, never above the ceilings."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmferry.model.aim import CPU, MEMORY, Ceilings, Terms
from vmferry.placement.balance import Load, Node, Shares
from vmferry.placement.consolidation import consolidate

GIB = 1 << 30
HOSTS = ("a", "b", "c")


def node(name: str, gib: int = 64) -> Node:
    return Node(name, gib * GIB, gib * GIB, 16)


def load(name: str, host: str, gib: int = 4, **more: object) -> Load:
    made = Load(name, name, host, gib * GIB, 2, 0.5, 30.0, frozenset(HOSTS) - {host})
    return replace(made, **more)  # type: ignore[arg-type]


def test_the_cheapest_is_emptied() -> None:
    loads = [load("x", "a"), load("y", "b"), load("z", "b"), *(load(f"g{n}", "c", gib=8) for n in range(5))]
    found = consolidate([node(name) for name in HOSTS], loads, Terms(max_moves=1))
    assert [(shift.load.name, shift.target) for shift in found.shifts] == [("x", "c")]
    assert (found.score_before, round(found.score_after, 3)) == (100.0, 66.667)
    assert found.shifts[0].reason.startswith("empties a; then ")


def test_none_is_emptied_in_part() -> None:
    """One of b's two has nowhere to go; a's and c's guests are too large for any other host."""
    loads = [load("x", "a", gib=50), load("y", "b"), load("z", "b", choices=frozenset()), load("w", "c", gib=50)]
    assert consolidate([node(name) for name in HOSTS], loads, Terms()).shifts == ()


def test_ceilings_and_room() -> None:
    loads = [load("x", "a", gib=16), load("y", "b", gib=44)]
    two = [node("a"), node("b")]
    assert len(consolidate(two, loads, Terms(), Ceilings(memory=0.95)).shifts) == 1
    assert consolidate(two, loads, Terms(), Ceilings(memory=0.9)).shifts == ()
    assert consolidate(two, loads, Terms(), Ceilings(memory=0.95, cpu=0.05)).shifts == ()
    full = replace(two[1], room_bytes=0), replace(two[0], room_bytes=0)
    assert consolidate(full, loads, Terms(), Ceilings(memory=0.95)).shifts == ()


def test_an_empty_host_is_not_filled() -> None:
    loads = [load("x", "a")]
    assert consolidate([node("a"), node("b")], loads, Terms()).shifts == ()


def test_one_is_pushed_out_of_the_way_of_another() -> None:
    """The large one goes first to where it leaves least room, and then the other, which may go only there, has none."""
    loads = [
        load("large", "a", gib=20, choices=frozenset("bc")),
        load("bound", "a", gib=18, choices=frozenset("b")),
        load("on-b", "b", gib=42, cost_s=9000.0),
        load("on-c", "c", gib=40, cost_s=9000.0),
    ]
    found = consolidate([node(name) for name in HOSTS], loads, Terms(), Ceilings(memory=1.0))
    assert {shift.load.name: shift.target for shift in found.shifts} == {"large": "c", "bound": "b"}


def test_groups_are_kept_apart() -> None:
    """Both of a fit onto c; of a group that is to be apart one may, and the other goes where it leaves more room."""
    loads = [
        load("x", "a"),
        load("y", "a"),
        load("on-b", "b", gib=8, cost_s=9e4),
        load("on-c", "c", gib=20, cost_s=9e4),
    ]
    nodes = [node(name) for name in HOSTS]

    def targets(*apart: set[str]) -> dict[str, str]:
        return {shift.load.name: shift.target for shift in consolidate(nodes, loads, Terms(), apart=apart).shifts}

    assert targets() == {"x": "c", "y": "c"}
    assert targets({"x", "y"}) == {"x": "c", "y": "b"}
    assert targets({"x", "on-c"}) == {"x": "b", "y": "c"}
    assert targets({"x", "on-b", "on-c"}) == {}


def test_what_would_take_too_long_stays() -> None:
    loads = [load("x", "a", cost_s=20_000.0), load("y", "b", gib=8, cost_s=20_000.0)]
    assert consolidate([node("a"), node("b")], loads, Terms(eagerness=3)).shifts == ()
    assert len(consolidate([node("a"), node("b")], loads, Terms(eagerness=4)).shifts) == 1


@st.composite
def fleets(draw: st.DrawFn) -> tuple[list[Node], list[Load]]:
    hosts = [Node(name, 64 * GIB, draw(st.integers(0, 64)) * GIB, draw(st.integers(1, 16))) for name in HOSTS]
    loads = [
        load(
            f"g{number}",
            draw(st.sampled_from(HOSTS)),
            gib=draw(st.integers(1, 24)),
            cpus_used=draw(st.floats(0, 4)),
            choices=frozenset(draw(st.sets(st.sampled_from(HOSTS), min_size=1))),
        )
        for number in range(draw(st.integers(0, 7)))
    ]
    return hosts, loads


@given(fleets(), st.none() | st.integers(1, 4))
def test_whatever_the_fleet_hosts_are_emptied_wholly_and_none_is_overfull(
    fleet: tuple[list[Node], list[Load]], most: int | None
) -> None:
    hosts, loads = fleet
    found = consolidate(hosts, loads, Terms(max_moves=most))
    at = {each.uuid: each.host for each in loads} | {shift.load.uuid: shift.target for shift in found.shifts}
    left = {shift.load.host for shift in found.shifts}
    assert not left & set(at.values())
    assert most is None or len(found.shifts) <= most
    now = Shares(hosts, loads, {MEMORY: 1.0})
    for shift in found.shifts:
        assert shift.target in shift.load.choices
        now.move(shift.load, shift.load.host, shift.target)
    for host in hosts:
        coming = sum(shift.load.memory_bytes for shift in found.shifts if shift.target == host.name)
        assert coming <= host.room_bytes
        if coming:
            assert now.share(host.name, MEMORY) <= 0.85 + 1e-9
            assert now.share(host.name, CPU) <= 0.7 + 1e-9
    freed = len({each.host for each in loads}) - len(set(at.values()))
    assert found.score_before - found.score_after == pytest.approx(freed * 100 / 3)
