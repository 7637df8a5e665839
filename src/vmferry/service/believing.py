"""Ask both hosts who has the guest, until they have said the same for as long as it takes to believe it."""

from __future__ import annotations

from vmferry.flow.effects import Sighted
from vmferry.flow.settle import Cell, Patience, settle
from vmferry.flow.sights import Sight
from vmferry.ports import Clock
from vmferry.service.record import Record
from vmferry.service.sides import Sides

SHORT_S = 2.0
ASK_EVERY_S = 0.2


def believed(record: Record, sides: Sides, clock: Clock, patience_s: float, *, sure: bool) -> tuple[Sighted, Cell]:
    """What they said, and what it means: doubt where they do not come to rest.

    `patience_s`: for what libvirt may still change by itself. `sure`: libvirt itself has said how its call ended. Keeps
    the lease.
    """
    waits_s = {
        Patience.AT_ONCE: 0.0,
        Patience.SHORT: 0.0 if sure else min(SHORT_S, patience_s),
        Patience.LONG: patience_s,
    }
    began_s = since_s = clock.now_s()
    seen = sides.look()
    cell = settle(seen.source, seen.target, record.before)
    while True:
        now_s = clock.now_s()
        if now_s - since_s >= waits_s[cell.patience]:
            return seen, cell
        if now_s - began_s > 4 * patience_s:
            return seen, settle(Sight.UNASKED, Sight.UNASKED, record.before)
        clock.sleep(ASK_EVERY_S)
        record.renew()
        seen, former = sides.look(), cell
        cell = settle(seen.source, seen.target, record.before)
        if cell is not former:
            since_s = clock.now_s()
