"""A guest that is off, seen as a migration sees one: where its definition is, is where it is.

A definition on the target that this move has made says that all of the guest is there: it is made last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vmferry.flow.effects import Effect, Sighted, What
from vmferry.flow.sights import Sight
from vmferry.model.storage import DiskCopy
from vmferry.service.sides import Sides


@dataclass(frozen=True, slots=True)
class OfflineSides(Sides):
    defined: Callable[[], bool]
    """The target's definition is this move's."""
    xml: str = ""
    """What it is to be."""
    starts: bool = False
    """With its host."""

    def look(self) -> Sighted:
        return settled(Sides.look(self), defined=self.defined())

    def perform(self, effect: Effect, copies: Sequence[DiskCopy] = ()) -> None:
        if effect.what is What.DEFINE_TARGET:
            self.host(effect.host).define(self.xml, starts=self.starts)
        else:
            Sides.perform(self, effect, copies)


def settled(seen: Sighted, *, defined: bool) -> Sighted:
    """As of a guest that stands still where it is whole. One that somebody has started runs where it does."""
    here, there = seen.source, seen.target
    if here is Sight.OFF and there is Sight.ABSENT:
        here = Sight.PAUSED
    elif there is Sight.OFF and defined and here in (Sight.OFF, Sight.ABSENT):
        there = Sight.PAUSED
    return Sighted(here, there, seen.source_keeps, seen.target_keeps, seen.source_starts)
