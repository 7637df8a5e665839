"""Check a guest against its possible targets, and put them in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from vmferry.facts.guest import GuestFacts
from vmferry.facts.host import HostFacts
from vmferry.facts.move import MoveFacts
from vmferry.facts.snapshot import Snapshot
from vmferry.facts.wish import NO_WISH, MoveWish
from vmferry.model.finding import Finding, Verdict, verdict
from vmferry.model.guest import Guest
from vmferry.placement.choice import Field
from vmferry.placement.rank import Candidate, candidate, ranked
from vmferry.ports import HostPort
from vmferry.rules.copies import resolved
from vmferry.rules.judge import Judge, Judgement, in_order
from vmferry.rules.policy import NO_POLICY, Override, Policy
from vmferry.rules.tls import decided
from vmferry.service.survey import Unreached, survey

Risks = tuple[tuple[str, Override], ...]
"""Rule id and what a policy made of it, where it guards data."""


@dataclass(frozen=True, slots=True)
class CheckReport:
    """One guest against its targets, best target first."""

    guest: Guest
    source: str
    candidates: tuple[Candidate, ...]
    moves: tuple[MoveFacts, ...]
    common: tuple[Finding, ...] = ()
    """Those of the guest and of its source: every target's findings have them too."""
    risks: Risks = ()
    passed_over: int = 0
    """Hosts that were not judged, since none has more room."""
    proved: bool = True
    """None of these is better."""

    @property
    def best(self) -> Candidate | None:
        """The best target that no rule refuses."""
        first = self.candidates[0] if self.candidates else None
        return first if first is not None and first.score is not None else None

    def move(self, host: str) -> MoveFacts:
        """The facts that the verdict on this target rests on."""
        return next(move for move in self.moves if move.target.host.name == host)


MANY = 64
FRESH_S = 10.0
"""For so long a check holds: who waits longer for a turn is checked once more."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A check that was made for a plan, and may do for the migration too."""

    report: CheckReport
    """Of one target."""
    wish: MoveWish
    at_s: float
    """When its hosts were begun to be asked, by the clock."""

    def holds_for(self, guest: Guest, wish: MoveWish, now_s: float) -> bool:
        """The guest as it is seen now, and what is asked for it."""
        return self.report.guest == guest and self.wish == wish and now_s - self.at_s <= FRESH_S


def only_to(report: CheckReport, host: str) -> CheckReport:
    return replace(report, candidates=tuple(each for each in report.candidates if each.host == host))


@dataclass(frozen=True, slots=True)
class Row:
    """One guest against every other host, in the order of the hosts."""

    guest: Guest
    cells: tuple[tuple[str, Judgement], ...]
    """By host's name."""


@dataclass(frozen=True, slots=True)
class HostReport:
    host: HostFacts
    findings: tuple[Finding, ...]
    risks: Risks = ()

    @property
    def verdict(self) -> Verdict:
        return verdict(self.findings)


def check(
    source: HostPort,
    guest: Guest,
    targets: Sequence[HostPort],
    unreached: Sequence[Unreached] = (),
    policy: Policy = NO_POLICY,
    wish: MoveWish = NO_WISH,
    *,
    only_best: bool = False,
) -> CheckReport:
    """Everything that can be said before anything moves. Changes nothing on any host.

    `only_best`: of `MANY` targets or more, no more are judged than it takes to find the best.
    """
    snapshot = survey(source, guest, targets, unreached, wish.definition)
    if only_best and len(targets) >= MANY:
        return Chooser(snapshot, policy, wish).choose(snapshot.guests[0])
    return check_one(snapshot, snapshot.guests[0], policy=policy, wish=wish)


def check_one(
    snapshot: Snapshot,
    guest: GuestFacts,
    to: str | None = None,
    policy: Policy = NO_POLICY,
    wish: MoveWish = NO_WISH,
) -> CheckReport:
    """A guest of the snapshot against all its hosts, or that one."""
    judge = Judge(policy)
    source = snapshot.host(guest.guest.host)
    moves = tuple(resolved(decided(move)) for move in snapshot.moves(guest, to, wish))
    return _report(judge, policy, source, guest, [candidate(move, judge.move(move)) for move in moves], moves)


def _report(
    judge: Judge,
    policy: Policy,
    source: HostFacts,
    guest: GuestFacts,
    candidates: Sequence[Candidate],
    moves: Sequence[MoveFacts],
) -> CheckReport:
    common = in_order((*judge.host(source).findings, *judge.guest(guest).findings))
    risks = tuple(policy.risks((source.name, *(move.target.host.name for move in moves))))
    return CheckReport(guest.guest, source.name, ranked(candidates), tuple(moves), common, risks)


class Chooser:
    """The best target of each of many guests of one snapshot, with a look only at as many as that takes."""

    def __init__(self, snapshot: Snapshot, policy: Policy = NO_POLICY, wish: MoveWish = NO_WISH) -> None:
        self._snapshot, self._policy, self._wish = snapshot, policy, wish
        self._judge = Judge(policy)
        self._known = {host.name: host for host in snapshot.hosts}
        self.field = Field(snapshot.hosts, {host.name: self._judge.host(host).verdict for host in snapshot.hosts})

    def choose(self, guest: GuestFacts) -> CheckReport:
        """Its candidates are those that were looked at: none of the others is better, or it says so."""
        judge, source = self._judge, self._known[guest.guest.host]
        moves: list[MoveFacts] = []

        def judged(host: HostFacts) -> Candidate:
            move = next(self._snapshot.moves_to(guest, (host,), self._wish, source))
            moves.append(resolved(decided(move)))
            return candidate(moves[-1], judge.move(moves[-1]))

        least = verdict((*judge.host(source).open, *judge.guest(guest).open))
        found = self.field.choose(guest.guest, self._wish.weights, least, judged)
        report = _report(judge, self._policy, source, guest, found.looked, moves)
        return replace(report, passed_over=len(self._known) - 1 - len(moves), proved=found.proved)


def check_all(snapshot: Snapshot, policy: Policy = NO_POLICY, wish: MoveWish = NO_WISH) -> Iterator[Row]:
    """Every guest against every other host, guests by name. One judge for all: what repeats is judged once."""
    judge = Judge(policy)
    for guest in sorted(snapshot.guests, key=lambda each: (each.guest.name, each.guest.uuid)):
        moves = [resolved(decided(move)) for move in snapshot.moves(guest, wish=wish)]
        yield Row(guest.guest, tuple((move.target.host.name, judge.move(move)) for move in moves))


def check_hosts(hosts: Sequence[HostFacts], policy: Policy = NO_POLICY) -> tuple[HostReport, ...]:
    judge = Judge(policy)
    return tuple(
        HostReport(host, in_order(judge.host(host).findings), tuple(policy.risks([host.name]))) for host in hosts
    )
