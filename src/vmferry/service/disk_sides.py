"""A disk that moves alone, seen as a migration sees its guest: the old image is the source, the new one the target.

So one table says what follows from what was seen, and one journal what may be made when.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vmferry.errors import VmferryError
from vmferry.facts.look import Look
from vmferry.flow.effects import Effect, Sighted, What
from vmferry.flow.sights import Sight, sight
from vmferry.model.storage import DiskCopy, DiskState
from vmferry.service.sides import ASK_LIMIT_S, Sides

NOWHERE = Sighted(Sight.ABSENT, Sight.ABSENT)
UNTOLD = Sighted(Sight.UNASKED, Sight.UNASKED)


@dataclass(frozen=True, slots=True)
class DiskSides(Sides):
    """Both of one host."""

    copy: DiskCopy
    pivoting: Callable[[], bool]
    """The guest may have gone over: it was told to, and nobody heard that it did not."""

    def look(self) -> Sighted:
        look, state = self.together([self._of_guest, self._of_disk], ASK_LIMIT_S)
        for answer in (look, state):
            if isinstance(answer, (VmferryError, TimeoutError)):
                return UNTOLD
            if isinstance(answer, Exception):
                raise answer
        assert not isinstance(look, (Exception, DiskState))
        assert not isinstance(state, (Exception, Look))
        return sighted(look, state, self.copy, pivoting=self.pivoting())

    def _of_guest(self) -> Look | DiskState | None:
        return self.host(self.source_name).look(self.uuid)

    def _of_disk(self) -> Look | DiskState | None:
        return self.host(self.source_name).disk_state(self.uuid, self.copy.disk)

    def perform(self, effect: Effect, copies: Sequence[DiskCopy] = ()) -> None:
        host = self.host(effect.host)
        match effect.what:
            case What.PIVOT:
                host.pivot(self.uuid, self.copy.disk)
            case What.KEEP_DISK:
                host.keep_disk(self.uuid, self.copy)
            case What.ABORT:
                host.abort_disk(self.uuid, self.copy.disk)
            case _:
                Sides.perform(self, effect, copies)


def sighted(look: Look | None, state: DiskState | None, copy: DiskCopy, *, pivoting: bool) -> Sighted:
    """What one host's answers mean. A disk that is on a third image is doubt, as a guest would be that runs twice."""
    if look is None or state is None:
        return NOWHERE
    here = sight(look)
    if here is Sight.UNASKED:
        return UNTOLD
    if here is Sight.OFF:
        return _off(state, copy, pivoting)
    if state.copy is not None:
        return Sighted(Sight.MOVING, Sight.ARRIVING, source_keeps=look.persistent)
    there = Sight.PAUSED if here is not Sight.RUNS else Sight.RUNS
    if state.source == copy.path:
        return Sighted(Sight.ABSENT, there, target_keeps=state.kept == copy.path)
    if state.source == copy.source_path:
        return Sighted(there, Sight.ABSENT, source_keeps=look.persistent)
    return Sighted(Sight.RUNS, Sight.RUNS)


def _off(state: DiskState, copy: DiskCopy, pivoting: bool) -> Sighted:
    """By what it would start from. After it was told to go over, the old image may be the older one of the two."""
    if state.kept == copy.path:
        return Sighted(Sight.ABSENT, Sight.PAUSED, target_keeps=True)
    if pivoting:
        return Sighted(Sight.OFF, Sight.OFF, source_keeps=True, target_keeps=True)
    return Sighted(Sight.OFF, Sight.ABSENT, source_keeps=True)
