"""What a migration left behind, since it could not be removed: how often that is tried again.

A definition on its source; and of volumes on its target only how often: how is `volumes`' matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from vmferry.flow.effects import Sighted, What, is_left_behind, quieting, tidying
from vmferry.flow.journal import Entry, Kind
from vmferry.flow.sights import Sight
from vmferry.flow.states import Event
from vmferry.model.migration import Verified
from vmferry.service.making import Making
from vmferry.service.record import Record
from vmferry.service.sides import Sides
from vmferry.service.verify import DEFINITION

MOST_PAUSE_S = 3600.0

LEFT = "the guest is on {target}, and {source} still has a definition of it"
NOT_STARTED = "do not start it there"
STARTED = "{source} will start it at its next boot: virsh autostart --disable {guest} there"
AGAIN = "the next commands try again to remove it, and so does vmferry job repair {job}"
ELSEWHERE = "the guest is not on {target} any more: its definition on {source} is left alone"


def is_due(entries: Sequence[Entry], now: datetime) -> bool:
    """The longer it has been tried, the less often."""
    tried = sum(each.kind is Kind.INTENT and each.effect is not None and _is_it(each) for each in entries)
    return (now - datetime.fromisoformat(entries[-1].at)).total_seconds() >= min(MOST_PAUSE_S, 2.0 ** min(tried, 12))


def _is_it(entry: Entry) -> bool:
    return entry.effect is not None and entry.effect.what in (What.UNDEFINE_SOURCE, What.REMOVE_VOLUME)


def left_text(record: Record, sides: Sides) -> str:
    """What to do about it, for people."""
    result = record.job.result
    names = {"source": sides.source_name, "target": sides.target_name, "guest": result.guest, "job": result.job}
    at_boot = STARTED if sides.look().source_starts else NOT_STARTED
    return f"{at_boot}; {AGAIN}".format(**names)


def tidy(record: Record, sides: Sides, making: Making) -> tuple[Event, str]:
    """Once more: what follows, and what is then the case. Where the guest has gone since then is no matter of it."""
    if not making.one_by_one(lambda seen: tidying(seen, sides.source_name)):
        making.one_by_one(lambda seen: quieting(seen, sides.source_name))
    seen = sides.look()
    if _may_be_left(seen):
        left = LEFT.format(source=sides.source_name, target=sides.target_name)
        return Event.LEAVE, f"{left}; {left_text(record, sides)}"
    if seen.source is not Sight.ABSENT:
        return Event.GO, ELSEWHERE.format(source=sides.source_name, target=sides.target_name)
    gone = Verified(DEFINITION, True, f"removed from {sides.source_name} later")
    checks = tuple(gone if each.what == DEFINITION else each for each in record.job.result.verification)
    record.job = replace(record.job, result=replace(record.job.result, verification=checks))
    return Event.GO, ""


def _may_be_left(seen: Sighted) -> bool:
    return is_left_behind(seen) or Sight.UNASKED in (seen.source, seen.target)
