"""The contract's JSON of a drain: its plan, and what became of it."""

from __future__ import annotations

from vmferry.service.documents import Document, migration_document
from vmferry.service.drain import Drained


def drain_document(done: Drained) -> Document:
    """As `drain` and `undrain` give it."""
    plan = done.plan
    moves = [
        {
            "guest": way.guest.name,
            "from": way.guest.host,
            "to": way.target,
            "start_s": slot.start_s,
            "end_s": slot.end_s,
        }
        for way, slot in plan.in_order()
    ]
    document: Document = {
        "feasible": plan.feasible,
        "unplaceable": [{"guest": each.guest, "reasons": list(each.reasons)} for each in plan.unplaced],
        "moves": moves,
        "makespan_s": plan.schedule.makespan_s,
        "bound_s": plan.schedule.bound_s,
        "n_plus_one": not plan.alone,
        "off": list(plan.off),
    }
    if not plan.feasible:
        document["proved"] = plan.proved
    return {"plan": document, "jobs": [migration_document(each) for each in done.results]}
