"""The solver, against costs and constraints that are summed up by themselves, and against trying everything."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from vmferry.errors import Refused, UserError
from vmferry.placement.reassignment import Balance, Machine, Problem, Process, Resource, Service, solve

from .reassignment_cost import cost

STEPS = 20_000


def test_load_above_the_soft_capacity_moves_away() -> None:
    machines = [Machine(0, number, [100], [10], [0, 0]) for number in range(2)]
    processes = [Process(number, [8], 1) for number in range(2)]
    problem = Problem([Resource(False, 10)], machines, [Service(0, ())] * 2, processes, (), 1, 1, 1, [0, 0])
    places, told = solve(problem, steps=STEPS)
    assert sorted(places) == [0, 1]
    assert told == cost(problem, places) == 1 + 1


def test_a_large_process_pushes_small_ones_out_of_its_way() -> None:
    """The only machine that is large enough is full of small ones, each of which fits elsewhere."""
    machines = [Machine(0, 0, [60], [20], [0, 0]), Machine(0, 1, [100], [100], [0, 0])]
    processes = [Process(0, [40], 0), *(Process(number, [10], 0) for number in range(1, 8))]
    problem = Problem([Resource(False, 1)], machines, [Service(0, ())] * 8, processes, (), 1, 0, 1, [0] + [1] * 7)
    places, told = solve(problem, steps=STEPS)
    assert places[0] == 1
    assert told == 0


def test_two_of_one_service_take_each_others_place() -> None:
    """Neither could go alone: the other is there."""
    machines = [Machine(0, 0, [8], [2], [0, 0]), Machine(0, 0, [8], [6], [0, 0])]
    processes = [Process(0, [6], 0), Process(0, [2], 0)]
    problem = Problem([Resource(False, 1)], machines, [Service(0, ())], processes, (), 1, 0, 1, [0, 1])
    assert solve(problem, steps=STEPS) == ([1, 0], 0)


def test_an_origin_that_breaks_a_constraint_is_refused() -> None:
    machines = [Machine(0, 0, [1], [1], [0])]
    problem = Problem([Resource(False, 1)], machines, [Service(0, ())], [Process(0, [2], 0)], (), 1, 1, 1, [0])
    with pytest.raises(Refused, match="mend that first"):
        solve(problem, steps=STEPS)


def test_too_many_resources() -> None:
    with pytest.raises(UserError, match="65 resources"):
        solve(Problem([Resource(False, 1)] * 65, (), (), (), (), 1, 1, 1, ()))


def test_nothing_to_do() -> None:
    assert solve(Problem((), (), (), (), (), 1, 1, 1, ()), steps=STEPS) == ([], 0)


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    machines, services, kinds = (draw(st.integers(*limits)) for limits in ((1, 3), (1, 3), (1, 2)))
    amount = st.integers(0, 12)
    resources = [Resource(draw(st.booleans()), draw(st.integers(0, 3))) for _ in range(kinds)]
    processes = [
        Process(draw(st.integers(0, services - 1)), [draw(st.integers(0, 4)) for _ in range(kinds)], draw(amount))
        for _ in range(draw(st.integers(1, 5)))
    ]
    rows = [
        Machine(
            draw(st.integers(0, 1)),
            draw(st.integers(0, 1)),
            [draw(st.integers(4, 16)) for _ in range(kinds)],
            [draw(amount) for _ in range(kinds)],
            [draw(amount) for _ in range(machines)],
        )
        for _ in range(machines)
    ]
    needs = [sorted(draw(st.sets(st.integers(0, services - 1), max_size=1)) - {number}) for number in range(services)]
    listed = [Service(draw(st.integers(0, 1)), needs[number]) for number in range(services)]
    balances = [Balance(0, kinds - 1, draw(st.integers(0, 2)), draw(amount))] if draw(st.booleans()) else []
    weights = [draw(st.integers(0, 3)) for _ in range(3)]
    origin = [draw(st.integers(0, machines - 1)) for _ in processes]
    return Problem(resources, rows, listed, processes, balances, *weights, origin)


@given(problems(), st.integers(0, 5))
def test_what_it_finds_is_allowed_and_costs_what_it_says(problem: Problem, seed: int) -> None:
    try:
        first = cost(problem, problem.origin)
    except ValueError:
        assume(False)
    places, told = solve(problem, steps=STEPS, seed=seed)
    assert told == cost(problem, places) <= first
    assert told >= min(_allowed(problem))
    assert solve(problem, steps=STEPS, seed=seed) == (places, told)


@given(problems())
def test_an_origin_that_is_not_allowed_is_never_taken_for_one_that_is(problem: Problem) -> None:
    try:
        cost(problem, problem.origin)
    except ValueError:
        with pytest.raises(Refused):
            solve(problem, steps=STEPS)


def _allowed(problem: Problem) -> list[int]:
    found = []
    for places in product(range(len(problem.machines)), repeat=len(problem.processes)):
        try:
            found.append(cost(problem, places))
        except ValueError:
            continue
    return found
