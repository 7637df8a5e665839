"""How a link's bandwidth is shared: fairly, and never more than each limit lets through, at any instant."""

from __future__ import annotations

import random

import pytest

from vmferry.model.bandwidth import MIB, Part, grant, shares


@pytest.mark.parametrize(
    ("limits", "wanted"),
    [
        ([], []),
        ([100], [100]),
        ([100, 100], [50, 50]),
        ([100, 100, 100], [33, 33, 33]),
        ([100, 10], [90, 10]),
        ([60, 100, 60], [30, 40, 30]),
        ([10, 10, 100], [5, 5, 90]),
        ([100, 90], [50, 50]),
    ],
)
def test_shares_are_fair(limits: list[int], wanted: list[int]) -> None:
    assert shares(limits) == wanted


def test_a_newcomer_waits_until_there_is_room() -> None:
    first, second = Part(100 * MIB, 100 * MIB), Part(100 * MIB)
    assert grant(second, [first]) == 0
    assert grant(first, [second]) == 50 * MIB
    assert grant(second, [Part(100 * MIB, 50 * MIB)]) == 50 * MIB


def test_a_small_limit_is_no_one_elses() -> None:
    assert grant(Part(100 * MIB), [Part(10 * MIB, 10 * MIB)]) == 90 * MIB


def test_who_stays_gets_what_the_other_one_leaves() -> None:
    assert grant(Part(100 * MIB, 50 * MIB), []) == 100 * MIB


def test_less_than_libvirt_can_set_is_waited_for_by_whoever_came_last() -> None:
    running = [Part(2 * MIB, MIB), Part(2 * MIB, MIB)]
    assert grant(Part(2 * MIB), running) == 0
    assert grant(running[0], [running[1], Part(2 * MIB)]) == MIB


@pytest.mark.parametrize("seed", range(200))
def test_no_limit_is_passed_at_any_instant(seed: int) -> None:
    """Jobs come, look and go in any order."""
    chance = random.Random(seed)
    there: list[Part] = []
    for _ in range(60):
        if not there or chance.random() < 0.2:
            there.append(Part(chance.randint(1, 40) * MIB))
        elif chance.random() < 0.1:
            there.pop(chance.randrange(len(there)))
        else:
            place = chance.randrange(len(there))
            others = there[:place] + there[place + 1 :]
            there[place] = Part(there[place].most, grant(there[place], others))
        for end in {each.most for each in there}:
            assert sum(each.held for each in there if each.most <= end) <= end
    for _ in range(3):
        for place, each in enumerate(there):
            there[place] = Part(each.most, grant(each, there[:place] + there[place + 1 :]))
    fair = shares([each.most for each in there])
    if min(fair, default=0) >= MIB:
        assert [each.held for each in there] == [share // MIB * MIB for share in fair]
