"""Plans, against a checker that shares no code with the planner."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmferry.errors import Refused
from vmferry.schedule.plan import Plan, plan
from vmferry.service.instance_file import decoded
from vmferry.service.plan_moves import moves_document

from .plan_checker import faults

GIB = 1 << 30
CARD = 125_000_000


def of(**parts: object) -> dict[str, Any]:
    return {"links": [], "hosts": [], "moves": [], "guests": []} | parts


def host(name: str, gib: float = 64, **more: object) -> dict[str, Any]:
    return {"id": name, "memory_bytes": int(gib * GIB), **more}


def link(name: str, capacity: float = CARD) -> dict[str, Any]:
    return {"id": name, "capacity_bytes_s": capacity}


def move(name: str, source: str, target: str, *path: str, gib: float = 1, **more: object) -> dict[str, Any]:
    memory = int(gib * GIB)
    return {
        "id": name,
        "from": source,
        "to": target,
        "memory_bytes": memory,
        "bytes": memory,
        "path": list(path),
    } | more


def busy(name: str, source: str, target: str, *path: str, dirty: float, **more: object) -> dict[str, Any]:
    made = move(name, source, target, *path, **more) | {"dirty_rate_bytes_s": dirty * CARD}
    del made["bytes"]
    return made


def planned(instance: dict[str, Any]) -> Plan:
    found = plan(decoded(json.dumps(instance).encode(), "it"), effort=20_000)
    assert list(faults(instance, json.loads(json.dumps(moves_document(found))))) == []
    return found


def test_clean_moves_fill_a_link_and_the_plan_is_proved_optimal() -> None:
    moves = [move(f"m{n}", "a", "b", "wire", gib=1 + n % 3) for n in range(7)]
    found = planned(of(links=[link("wire")], hosts=[host("a"), host("b")], moves=moves))
    assert found.optimal
    assert found.makespan_s == pytest.approx(sum(each["bytes"] for each in moves) / CARD)
    assert "wire" in found.bound_reason


def test_guests_that_dirty_half_the_link_go_one_after_the_other() -> None:
    moves = [busy(f"m{n}", "a", "b", "wire", dirty=0.5) for n in range(3)]
    found = planned(of(links=[link("wire")], hosts=[host("a"), host("b")], moves=moves))
    assert found.makespan_s == pytest.approx(3 * 2 * GIB / CARD)
    assert found.optimal


def test_three_hosts_that_send_to_each_other_share_their_cards() -> None:
    """At full rate only one of the three could run at a time: half of each card lets all run at once."""
    links, hosts = [link(name) for name in "abc"], [host(name) for name in "abc"]
    moves = [move("ab", "a", "b", "a", "b"), move("bc", "b", "c", "b", "c"), move("ca", "c", "a", "c", "a")]
    assert planned(of(links=links, hosts=hosts, moves=moves)).optimal


def test_what_comes_has_to_wait_for_what_leaves() -> None:
    hosts = [host("a", 4), host("b", 4), host("c", 8)]
    moves = [move("into", "a", "b", "one", gib=3), move("out", "b", "c", "two", gib=3)]
    found = planned(of(links=[link("one"), link("two")], hosts=hosts, moves=moves))
    assert found.slots["into"].start_s == found.slots["out"].end_s


def test_a_swap_between_full_hosts_goes_through_a_third() -> None:
    links = [link(f"{name}-{way}") for name in "abc" for way in ("out", "in")]
    hosts = [host(name, 4, out=[f"{name}-out"], **{"in": [f"{name}-in"]}) for name in "abc"]
    moves = [
        move("there", "a", "b", "a-out", "b-in", gib=3),
        move("back", "b", "a", "b-out", "a-in", gib=2.5),
        move("last", "c", "a", "c-out", "a-in", gib=0.5, after=["back"]),
    ]
    found = planned(of(links=links, hosts=hosts, moves=moves))
    legs = [each for each in found.instance.moves if each.leg]
    assert [(each.who, each.source, each.target) for each in legs] == [("back", "b", "c"), ("back", "c", "a")]
    assert found.slots["last"].start_s >= found.slots["back/2"].end_s
    assert not found.optimal


def test_a_swap_without_a_third_host_names_who_waits_for_whom() -> None:
    hosts = [host("a", 4), host("b", 4), host("c", 4)]
    moves = [
        move("there", "a", "b", "x", gib=3),
        move("back", "b", "a", "x", gib=3),
        move("other", "c", "b", "x", gib=1),
    ]
    with pytest.raises(Refused, match="there, back wait for each other: each goes to a host that is full"):
        planned(of(links=[link("x")], hosts=hosts, moves=moves))


def test_a_host_that_cannot_hold_them_all_is_named_with_the_fewest_that_conflict() -> None:
    hosts, guests = [host("a", 99), host("b", 8)], [{"id": "stays", "host": "b", "memory_bytes": 4 * GIB}]
    moves = [move(f"m{gib}", "a", "b", "x", gib=gib) for gib in (1, 3, 2)]
    with pytest.raises(Refused, match=r"b has 8.00 GiB, 4.00 GiB of it for guests that stay: m3, m2 cannot all go"):
        planned(of(links=[link("x")], hosts=hosts, moves=moves, guests=guests))


def test_a_guest_that_dirties_as_fast_as_its_path_carries_is_refused() -> None:
    moves = [busy("wild", "a", "b", "x", dirty=1.0)]
    with pytest.raises(
        Refused, match="wild would never end: its guest dirties 119 MiB/s and its path carries 119 MiB/s"
    ):
        planned(of(links=[link("x")], hosts=[host("a"), host("b")], moves=moves))


def test_hosts_boot_before_what_goes_there_and_shut_down_after_what_leaves() -> None:
    moves = [move("m", "a", "b", "x", after=["boot b"])]
    activities = [
        {"id": "boot b", "duration_s": 90, "after": []},
        {"id": "shut a down", "duration_s": 20, "after": ["m"]},
    ]
    found = planned(of(links=[link("x")], hosts=[host("a"), host("b")], moves=moves, activities=activities))
    assert found.makespan_s == pytest.approx(90 + GIB / CARD + 20)
    assert found.optimal


def test_an_administrators_limits_hold() -> None:
    moves = [move(f"m{n}", "a", "b", f"wire{n}") for n in range(6)]
    wires = [link(f"wire{n}") for n in range(6)]
    found = planned(of(links=wires, hosts=[host("a", max_out=2), host("b")], moves=moves))
    assert found.makespan_s == pytest.approx(3 * GIB / CARD)
    assert "no more than 2 moves at once out of a" in found.bound_reason


def test_a_move_over_no_link_is_as_fast_as_it_may_be() -> None:
    moves = [move("m", "a", "b", max_rate_bytes_s=CARD)]
    assert planned(of(hosts=[host("a"), host("b")], moves=moves)).makespan_s == pytest.approx(GIB / CARD)


def test_nothing_to_move() -> None:
    found = planned(of(hosts=[host("a")]))
    assert (found.makespan_s, found.bound_s, found.optimal) == (0.0, 0.0, True)


@st.composite
def fleets(draw: st.DrawFn) -> dict[str, Any]:
    hosts = [f"h{n}" for n in range(draw(st.integers(2, 5)))]
    number = st.integers(0, 12)
    wires = [f"{name}{way}" for name in hosts for way in ("<", ">")]
    moves = []
    for n in range(draw(number)):
        source, target = draw(st.permutations(hosts))[:2]
        gib, path = draw(st.floats(0.1, 4)), (f"{source}>", f"{target}<", "core")
        after = (
            draw(st.lists(st.sampled_from([each["id"] for each in moves]), max_size=2, unique=True)) if moves else []
        )
        limit = {"max_rate_bytes_s": draw(st.integers(10**6, CARD))} if draw(st.booleans()) else {}
        if draw(st.booleans()):
            moves.append(move(f"m{n}", source, target, *path, gib=gib, after=after, **limit))
        else:
            dirty, most = draw(st.floats(0, 1.1)), draw(st.floats(0, gib)) * GIB
            more: dict[str, Any] = limit | {"working_set_bytes": most, "disk_bytes": draw(st.integers(0, GIB))}
            moves.append(busy(f"m{n}", source, target, *path, dirty=dirty, gib=gib, after=after, **more))
    counts = st.none() | st.integers(1, 3)
    listed = [
        host(
            name,
            draw(st.floats(1, 24)),
            max_in=draw(counts),
            max_out=draw(counts),
            out=[f"{name}>"],
            **{"in": [f"{name}<"]},
        )
        for name in hosts
    ]
    guests = [
        {"id": f"g{n}", "host": draw(st.sampled_from(hosts)), "memory_bytes": draw(st.integers(0, 2 * GIB))}
        for n in range(draw(st.integers(0, 4)))
    ]
    capacity = st.floats(0.2, 3).map(lambda share: share * CARD)
    links = [link(name, draw(capacity)) for name in (*wires, "core")]
    activities = [{"id": "boot", "duration_s": draw(st.floats(0, 100)), "after": [each["id"] for each in moves[:1]]}]
    return of(links=links, hosts=listed, moves=moves, guests=guests, activities=activities, max_moves=draw(counts))


@given(fleets())
def test_whatever_the_fleet_a_plan_that_is_given_passes_the_checker(instance: dict[str, Any]) -> None:
    try:
        found = planned(instance)
    except Refused as error:
        assert "there is no plan: " in error.message  # noqa: PT017 - a refusal is an answer too
        return
    assert all(math.isfinite(slot.end_s) for slot in found.slots.values())
    assert found.makespan_s >= found.bound_s * (1 - 1e-9)


def test_the_checker_sees_what_is_wrong() -> None:
    """A checker that finds nothing in a bad plan would make every test above worthless."""
    moves = [move("one", "a", "b", "x"), move("two", "a", "b", "x", after=["one"])]
    instance = of(links=[link("x")], hosts=[host("a"), host("b")], moves=moves)
    good = json.loads(json.dumps(moves_document(planned(instance))))

    def spoilt(**change: object) -> list[str]:
        plan_ = json.loads(json.dumps(good))
        plan_["moves"][1] |= change
        return list(faults(instance, plan_))

    assert spoilt() == []
    assert any("begins before one" in fault for fault in spoilt(start_s=0))
    assert any("link x carries" in fault for fault in spoilt(start_s=0, rate_bytes_s=CARD))
    assert any("needs" in fault for fault in spoilt(end_s=good["moves"][1]["start_s"] + 1))
    assert any("two is not in the plan" in fault for fault in spoilt(id="three"))
    tight = instance | {"hosts": [host("a"), host("b", 1.5)]}
    assert any("host b holds" in fault for fault in faults(tight, good))
    assert any(
        "a out: 1 at once" in fault for fault in faults(instance | {"hosts": [host("a", max_out=0), host("b")]}, good)
    )
