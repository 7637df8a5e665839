"""Where a whole set goes: whatever is given, an assignment holds, and a proof agrees with trying everything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations, product

from hypothesis import given
from hypothesis import strategies as st

from vmferry.placement.evacuation import Seat, Traveller, assign, spare, with_spare

HOSTS = ("a", "b", "c")


def seat(host: str, free: int) -> Seat:
    return Seat(host, 16, free)


def guest(name: str, need: int, *choices: str) -> Traveller:
    return Traveller(name, need, dict.fromkeys(choices or HOSTS, 0.0))


def test_they_spread() -> None:
    found = assign([guest("g1", 2), guest("g2", 2), guest("g3", 2)], [seat(host, 8) for host in HOSTS])
    assert sorted(found.places.values()) == ["a", "b", "c"]


def test_a_penalty_keeps_guests_away_while_there_is_another() -> None:
    choices = {"a": 0.0, "b": 0.9}
    found = assign([Traveller("g", 2, choices)], [seat("a", 6), seat("b", 16)])
    assert found.places == {"g": "a"}


def test_one_that_was_placed_makes_room() -> None:
    """Both fit only where the one with a choice leaves the other's only host."""
    found = assign([guest("picky", 4, "a"), guest("easy", 5, "a", "b")], [seat("a", 5), seat("b", 5)])
    assert found.places == {"picky": "a", "easy": "b"}
    assert found.left == ()


def test_those_without_a_place_are_named_and_it_is_proved() -> None:
    found = assign([guest("g1", 6), guest("g2", 6), guest("g3", 6)], [seat("a", 7), seat("b", 7), seat("c", 5)])
    assert len(found.places) == 2
    assert [each.need_bytes for each in found.left] == [6]
    assert found.proved


def test_no_choice_at_all() -> None:
    found = assign([Traveller("g", 1, {})], [seat("a", 9)])
    assert ([each.guest for each in found.left], found.proved) == (["g"], True)


def test_spare_names_hosts_that_nobody_could_stand_in_for() -> None:
    seats = [seat("a", 4), seat("b", 3), seat("c", 0)]
    assert spare(seats, {"a": [3], "b": [2, 2], "c": [5]}) == ("c",)
    assert spare(seats, {"a": [2, 2]}) == ("a",)
    assert spare([seat("a", 9)], {"a": [1]}) == ("a",)


def test_a_stand_in_is_kept_where_one_can_be() -> None:
    """The roomiest host is the only one that could take the guest of another if that failed."""
    wanted, seats, guests = [guest("g", 4)], [seat("a", 9), seat("b", 2), seat("c", 6)], {"b": [7]}
    assert assign(wanted, seats).places == {"g": "a"}
    assert with_spare(wanted, seats, guests).places == {"g": "c"}


def test_guests_that_are_to_be_apart() -> None:
    """And no two in one rack, of which b and c are."""
    web = [replace(guest(name, 1), apart=frozenset({"web"})) for name in ("w1", "w2", "w3")]
    rooms = [seat("a", 9), seat("b", 9), seat("c", 2)]
    assert sorted(assign(web, rooms).places.values()) == ["a", "b", "c"]
    racks = [replace(each, domains={"web": "r1" if each.host == "a" else "r2"}) for each in rooms]
    assert len(assign(web[:2], racks).places) == 2
    found = assign(web, racks)
    assert len(found.left) == 1
    assert found.proved


def test_one_makes_room_for_another_of_its_group() -> None:
    """w2 may only go where w1 was put first."""
    w1, w2 = guest("w1", 5, "a", "b"), guest("w2", 1, "a")
    web = [replace(each, apart=frozenset({"web"})) for each in (w1, w2)]
    assert assign([*web, guest("x", 1, "b")], [seat("a", 9), seat("b", 7)]).places == {"w1": "b", "w2": "a", "x": "b"}


needs = st.integers(1, 8)
wishes = st.tuples(needs, st.sets(st.sampled_from((*HOSTS, "unknown"))), st.sets(st.sampled_from(("web", "db"))))
travellers = st.lists(wishes, min_size=1, max_size=6).map(
    lambda drawn: [
        Traveller(f"g{n}", need, dict.fromkeys(sorted(on), 0.0), frozenset(groups))
        for n, (need, on, groups) in enumerate(drawn)
    ]
)
seats = st.tuples(st.lists(st.integers(-2, 12), min_size=3, max_size=3), st.booleans()).map(
    lambda drawn: [
        replace(seat(host, each), domains={"db": "r2" if host == "c" else "r1"} if drawn[1] else {})
        for host, each in zip(HOSTS, drawn[0], strict=True)
    ]
)


@given(travellers, seats)
def test_an_assignment_holds_and_a_refusal_is_true(wanted: list[Traveller], rooms: list[Seat]) -> None:
    found = with_spare(wanted, rooms, {})
    free = {each.host: each.free_bytes for each in rooms}
    for each in wanted:
        if each.guest in found.places:
            assert found.places[each.guest] in each.choices
            free[found.places[each.guest]] -= each.need_bytes
    assert all(left >= 0 for host, left in free.items() if host in found.places.values())
    assert _apart(wanted, rooms, found.places)
    assert {each.guest for each in found.left} | set(found.places) == {each.guest for each in wanted}
    assert bool(found.left) == (not _possible(wanted, rooms))
    assert found.proved


def _possible(wanted: list[Traveller], rooms: list[Seat]) -> bool:
    for choice in product(*(sorted(each.choices) for each in wanted)):
        free = {each.host: each.free_bytes for each in rooms}
        for each, host in zip(wanted, choice, strict=True):
            free[host] = free.get(host, -1) - each.need_bytes
        places = {each.guest: host for each, host in zip(wanted, choice, strict=True)}
        if all(free[host] >= 0 for host in choice) and _apart(wanted, rooms, places):
            return True
    return False


def _apart(wanted: list[Traveller], rooms: list[Seat], places: Mapping[str, str]) -> bool:
    domains = {each.host: each.domains for each in rooms}
    for one, other in combinations([each for each in wanted if each.guest in places], 2):
        for group in one.apart & other.apart:
            here, there = (places[each.guest] for each in (one, other))
            if domains[here].get(group, here) == domains[there].get(group, there):
                return False
    return True
