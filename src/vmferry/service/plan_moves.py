"""A plan of many moves, as the contract's JSON and in words."""

from __future__ import annotations

from typing import Any

from vmferry.model.units import format_duration, format_rate
from vmferry.schedule.plan import Plan


def moves_document(plan: Plan) -> dict[str, Any]:
    moves = []
    for move in plan.instance.moves:
        slot = plan.slots[move.id]
        entry: dict[str, Any] = {
            "id": move.who if move.leg else move.id,
            "from": move.source,
            "to": move.target,
            "start_s": slot.start_s,
            "end_s": slot.end_s,
            "rate_bytes_s": slot.rate_bytes_s,
        }
        moves.append(entry | {"leg": move.leg} if move.leg else entry)
    document: dict[str, Any] = {"moves": moves}
    if plan.instance.activities:
        document["activities"] = [
            {"id": each.id, "start_s": plan.slots[each.id].start_s, "end_s": plan.slots[each.id].end_s}
            for each in plan.instance.activities
        ]
    return document | {
        "makespan_s": plan.makespan_s,
        "bound_s": plan.bound_s,
        "bound_reason": plan.bound_reason,
        "gap": plan.gap,
        "optimal": plan.optimal,
    }


def moves_rows(plan: Plan) -> list[tuple[str, ...]]:
    """In the order of their starts: move, from, to, start, end, rate."""
    ordered = sorted(plan.instance.moves, key=lambda move: (plan.slots[move.id].start_s, move.id))
    rows: list[tuple[str, ...]] = []
    for move in ordered:
        slot = plan.slots[move.id]
        times = (format_duration(slot.start_s), format_duration(slot.end_s))
        name = f"{move.who} (leg {move.leg})" if move.leg else move.id
        rows.append((name, move.source, move.target, *times, format_rate(round(slot.rate_bytes_s))))
    return rows


def moves_summary(plan: Plan) -> str:
    if not plan.slots:
        return "nothing to move"
    took, least = format_duration(plan.makespan_s), format_duration(plan.bound_s)
    if plan.optimal:
        return f"{took} in all, and no plan is shorter: {plan.bound_reason}"
    return f"{took} in all, {100 * plan.gap:.1f} % above {least}, which no plan can beat: {plan.bound_reason}"
