"""The contract's JSON of a balancing: that of a drain, with scores and reasons."""

from __future__ import annotations

from vmferry.service.balance import BalancePlan
from vmferry.service.documents import Document
from vmferry.service.drain import Drained
from vmferry.service.drain_document import drain_document


def balance_document(plan: BalancePlan, done: Drained) -> Document:
    """As `balance` gives it."""
    document = drain_document(done)
    for move, (_, _, shift) in zip(document["plan"]["moves"], plan.in_order(), strict=True):
        move.update(reason=shift.reason, gain=shift.gain, cost_s=shift.load.cost_s)
    found = plan.found
    document["plan"].update(
        score_before=found.score_before,
        score_after=found.score_after,
        cost_s=found.cost_s,
        held=[{"guest": guest, "reason": why} for guest, why in sorted(plan.held.items())],
        left_out=[{"host": host, "reason": why} for host, why in sorted(plan.left_out.items())],
    )
    return document
