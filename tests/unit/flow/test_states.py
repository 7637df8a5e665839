"""The state table: every state and every event."""

from __future__ import annotations

import itertools

import pytest

from vmferry.flow.states import AT_REST, CLAIMING, TABLE, TERMINAL, Event, IllegalTransition, State, next_state

CELLS = list(itertools.product(State, Event))


@pytest.mark.parametrize(("state", "event"), CELLS)
def test_a_cell_leads_where_the_table_says_or_nowhere(state: State, event: Event) -> None:
    if event in TABLE[state]:
        assert next_state(state, event) is TABLE[state][event]
    else:
        with pytest.raises(IllegalTransition, match="has no row"):
            next_state(state, event)


def test_every_state_has_a_row() -> None:
    assert set(TABLE) == set(State)
    assert {State.FINISHED, State.ROLLED_BACK, State.REFUSED, State.FAILED} == TERMINAL
    assert {State.IN_DOUBT, State.LEFT_BEHIND, State.LITTERED} == AT_REST - TERMINAL


@pytest.mark.parametrize("state", [state for state in State if state not in AT_REST])
def test_every_state_at_work_has_its_cancel_its_end_and_its_successor(state: State) -> None:
    """Whatever it is doing, the user may want the end of it, and its worker may die."""
    assert {Event.CANCEL, Event.TAKE_OVER} <= set(TABLE[state])


@pytest.mark.parametrize("state", [State.COPYING, State.POST_COPY, State.SWITCHED])
def test_nothing_is_concluded_from_a_worker_that_died_in_the_middle(state: State) -> None:
    assert TABLE[state][Event.TAKE_OVER] is State.SETTLING
    assert TABLE[state][Event.BREAK] is State.SETTLING


def test_post_copy_cannot_be_cancelled() -> None:
    assert TABLE[State.POST_COPY][Event.CANCEL] is State.POST_COPY


def test_every_state_can_be_reached_and_can_come_to_rest() -> None:
    def reachable(start: State) -> set[State]:
        found, todo = {start}, [start]
        while todo:
            for following in set(TABLE[todo.pop()].values()) - found:
                found.add(following)
                todo.append(following)
        return found

    assert reachable(State.PLANNED) == set(State)
    for state in State:
        assert reachable(state) & TERMINAL


def test_what_was_asked_of_the_hosts_is_the_only_way_from_a_copy_to_safety() -> None:
    leading = {state for state, row in TABLE.items() if State.ROLLED_BACK in row.values()}
    assert leading == {State.PLANNED, State.CHECKED, State.ROLLING_BACK, State.LITTERED, State.SWEEPING}
    into_litter = {state for state, row in TABLE.items() if State.LITTERED in row.values()}
    assert into_litter == {State.ROLLING_BACK, State.SWEEPING}
    into_undo = {state for state, row in TABLE.items() if State.ROLLING_BACK in row.values()} - {State.ROLLING_BACK}
    assert into_undo == {State.RESERVED, State.PREPARED, State.SETTLING}


def test_a_target_s_memory_is_spoken_for_until_the_guest_is_there() -> None:
    assert State.COPYING in CLAIMING
    assert not CLAIMING & (AT_REST | {State.PLANNED, State.CHECKED, State.SWITCHED})
