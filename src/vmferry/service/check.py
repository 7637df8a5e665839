"""Check a guest against its possible targets, and put them in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vmferry.facts.move import MoveFacts
from vmferry.facts.snapshot import Snapshot
from vmferry.model.guest import Guest
from vmferry.placement.rank import Candidate, candidate, ranked
from vmferry.ports import HostPort
from vmferry.rules import judge
from vmferry.service.survey import Unreached, survey


@dataclass(frozen=True, slots=True)
class CheckReport:
    """One guest against its targets, best target first."""

    guest: Guest
    source: str
    candidates: tuple[Candidate, ...]
    moves: tuple[MoveFacts, ...]

    @property
    def best(self) -> Candidate | None:
        """The best target that no rule refuses."""
        first = self.candidates[0] if self.candidates else None
        return first if first is not None and first.score is not None else None

    def move(self, host: str) -> MoveFacts:
        """The facts that the verdict on this target rests on."""
        return next(move for move in self.moves if move.target.host.name == host)


def check(
    source: HostPort, guest: Guest, targets: Sequence[HostPort], unreached: Sequence[Unreached] = ()
) -> CheckReport:
    """Everything that can be said before anything moves. Changes nothing on any host."""
    return report_of(survey(source, guest, targets, unreached))


def report_of(snapshot: Snapshot) -> CheckReport:
    """Of the one guest of a survey."""
    (guest,) = snapshot.guests
    moves = tuple(snapshot.moves(guest))
    candidates = ranked(candidate(move, judge(move)) for move in moves)
    return CheckReport(guest.guest, guest.guest.host, candidates, moves)
