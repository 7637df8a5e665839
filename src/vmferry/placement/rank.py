"""The order of the targets that a guest could go to.

The filters are the rules themselves: a target that one of them refuses is out, with the rule's words as the reason.
The others are ordered by how certain the checks are, then by the mean of their scores, weighed as the configuration
has it: each score is named, between 0 and 1, and has its words.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from vmferry.facts.host import HostFacts
from vmferry.facts.move import MoveFacts
from vmferry.model.finding import Finding, Severity, Verdict
from vmferry.rules.alike import of_the_same
from vmferry.rules.judge import Judgement

OPEN = {Verdict.PASS: 0, Verdict.WARN: 2, Verdict.UNKNOWN: 4}
"""What a target loses for what its check left open: more than room, which is at most 1, can make good."""
COPYING = 1
"""The same of one to which disks have to be copied, where others have them already."""


@dataclass(frozen=True, slots=True)
class Score:
    """1 is best, 0 worst, or not known."""

    name: str
    value: float
    weight: float
    words: str


@dataclass(frozen=True)
class Candidate:
    """One target with what was found of it."""

    host: str
    verdict: Verdict
    judged: Judgement
    score: float | None
    """Higher is better; None where a rule refuses it."""
    reasons: tuple[str, ...]
    scores: tuple[Score, ...] = ()

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """All that was looked at, put into words when somebody asks: most targets of a fleet are only ranked."""
        return self.judged.findings


def candidate(move: MoveFacts, judged: Judgement) -> Candidate:
    """Judge one target."""
    answer, found = judged.verdict, judged.open
    host = move.target.host
    if answer is Verdict.REFUSE:
        reasons = tuple(f"{f.rule}: {f.observed}" for f in found if f.severity is Severity.REFUSE)
        return Candidate(host.name, answer, judged, None, reasons)
    scores = (_memory(move), _cpu(move))
    words = "; ".join(each.words for each in scores if each.weight)
    open_points = tuple(f"{f.rule}: {f.observed}" for f in found)
    carried = move.wish.migrate_disks if move.wish.storage == "copy" else ()
    if carried:
        words = f"{words}; {', '.join(carried)} would be copied there"
    score = _mean(scores) - OPEN[answer] - (COPYING if carried else 0)
    return Candidate(host.name, answer, judged, round(score, 4), (words, *open_points), scores)


def _mean(scores: Iterable[Score]) -> float:
    weighed = [(each.value, each.weight) for each in scores]
    total = sum(weight for _, weight in weighed)
    return sum(value * weight for value, weight in weighed) / total if total else 0.0


def _memory(move: MoveFacts) -> Score:
    """The share of the target's memory that is still free after the move."""
    host, weight = move.target.host, move.wish.weights.memory
    if not host.memory_bytes or host.room_bytes is None:
        return Score("memory", 0.0, weight, "its memory is not known")
    left = max(0, host.room_bytes - move.guest.guest.memory_bytes)
    room = min(1.0, left / host.memory_bytes)
    return Score("memory", room, weight, f"{room:.0%} of its memory stays free")


def _cpu(move: MoveFacts) -> Score:
    """1 with none given out, a half where there is one virtual CPU for each of its own."""
    host, weight = move.target.host, move.wish.weights.cpu
    given = virtual_cpus(host)
    if not host.cpus or given is None:
        return Score("cpu", 0.0, weight, "how many virtual CPUs it has given out is not known")
    after = given + move.guest.guest.vcpus
    words = f"{after} virtual CPUs on its {host.cpus}"
    return Score("cpu", 1 / (1 + after / host.cpus), weight, words)


@of_the_same
def virtual_cpus(host: HostFacts) -> int | None:
    """Virtual CPUs of its running guests."""
    given = [each.vcpus for each in host.guests if each.active]
    return None if None in given else sum(each or 0 for each in given)


def ranked(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Best first; refused ones last; equal ones by name, so that the answer does not change between two calls."""
    return tuple(sorted(candidates, key=lambda c: (c.score is None, -(c.score or 0.0), c.host)))
