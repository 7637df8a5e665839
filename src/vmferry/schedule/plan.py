"""The plan: when everything runs, beside a time that no plan can beat."""

from __future__ import annotations

import math
from dataclasses import dataclass

from vmferry.errors import Refused
from vmferry.schedule.bound import bound
from vmferry.schedule.conflicts import conflicts, waiting
from vmferry.schedule.detour import detours
from vmferry.schedule.instance import Instance, Move
from vmferry.schedule.search import Slot, search

STEPS_A_MOVE = 6000
LEAST_STEPS, MOST_STEPS = 1_000_000, 300_000_000
"""Of effort: a tenth of a second, and half a minute."""
MOST_DETOURS = 20


@dataclass(frozen=True, slots=True)
class Plan:
    """Slots by the id of their move or activity. `instance` is as planned: with two legs for each detour."""

    instance: Instance
    slots: dict[str, Slot]
    makespan_s: float
    bound_s: float
    bound_reason: str

    @property
    def optimal(self) -> bool:
        """Proved: nothing ends earlier. (With a detour another way round could.)"""
        return self.makespan_s <= self.bound_s * (1 + 1e-9) and not any(move.leg for move in self.instance.moves)

    @property
    def gap(self) -> float:
        """How much later than the bound, as a share of it."""
        return self.makespan_s / self.bound_s - 1 if self.bound_s else 0.0


def plan(instance: Instance, *, effort: int | None = None, seed: int = 1) -> Plan:
    """Raises Refused, saying which moves stand in each other's way, where there is no plan."""
    found = conflicts(instance)
    if found:
        more = f" (and {len(found) - 1} more reasons)" if len(found) > 1 else ""
        raise Refused(f"there is no plan: {found[0]}{more}", detail="\n".join(found[1:]))
    steps = effort or min(MOST_STEPS, max(LEAST_STEPS, STEPS_A_MOVE * len(instance.moves)))
    planned, stuck = _planned(instance, steps, seed)
    for _ in range(MOST_DETOURS):
        if not stuck:
            return planned
        better = _less_stuck(planned.instance, stuck, steps, seed)
        if better is None:
            break
        planned, stuck = better
    if stuck:
        raise Refused(f"there is no plan: {waiting(planned.instance, stuck)}")
    return planned


def _less_stuck(instance: Instance, stuck: list[Move], steps: int, seed: int) -> tuple[Plan, list[Move]] | None:
    for tried in detours(instance, stuck):
        planned, left = _planned(tried, steps, seed)
        if len(left) < len(stuck):
            return planned, left
    return None


def _planned(instance: Instance, steps: int, seed: int) -> tuple[Plan, list[Move]]:
    """And the moves that found no place."""
    least = bound(instance)
    slots = search(instance, least.at_least_s, steps, seed)
    stuck = [move for move in instance.moves if not math.isfinite(slots[move.id].start_s)]
    makespan_s = max((slot.end_s for slot in slots.values()), default=0.0)
    return Plan(instance, slots, makespan_s, least.at_least_s, least.reason), stuck
