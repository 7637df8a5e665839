"""What a rule is, and the run of all of them over one move."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from vmferry.facts.guest import MoveFacts
from vmferry.model.finding import Finding, Severity

SUBJECTS = ("daemon", "guest", "version", "cpu", "memory", "storage", "network", "devices")
"""The files of this package that hold rules, in the order in which people read a report."""

REACHABLE_FIRST = "daemon.running"
"""Where this one refuses, there are no facts for the others to look at."""


@dataclass(frozen=True, slots=True)
class Voice:
    """How a rule speaks: every finding carries the rule's id and reference."""

    rule: str
    reference: str

    def ok(self, subject: str, observed: str, required: str) -> Finding:
        return Finding(self.rule, Severity.INFO, subject, observed, required, "", self.reference)

    def warn(self, subject: str, observed: str, required: str, remedy: str) -> Finding:
        return Finding(self.rule, Severity.WARN, subject, observed, required, remedy, self.reference)

    def unknown(self, subject: str, observed: str, required: str, remedy: str) -> Finding:
        return Finding(self.rule, Severity.UNKNOWN, subject, observed, required, remedy, self.reference)

    def refuse(self, subject: str, observed: str, required: str, remedy: str) -> Finding:
        return Finding(self.rule, Severity.REFUSE, subject, observed, required, remedy, self.reference)


Check = Callable[[MoveFacts, Voice], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Rule:
    id: str
    title: str
    reference: str
    check: Check

    def findings(self, move: MoveFacts) -> tuple[Finding, ...]:
        return tuple(self.check(move, Voice(self.id, self.reference)))


_rules: dict[str, Rule] = {}


def rule(id: str, title: str, reference: str) -> Callable[[Check], Check]:
    """Register a check under its stable id."""

    def register(check: Check) -> Check:
        if id in _rules:
            raise ValueError(f"two rules with the id {id}")
        _rules[id] = Rule(id, title, reference, check)
        return check

    return register


@cache
def all_rules() -> tuple[Rule, ...]:
    for subject in SUBJECTS:
        importlib.import_module(f"vmferry.rules.{subject}")
    return tuple(_rules.values())


def judge(move: MoveFacts) -> tuple[Finding, ...]:
    """Everything that all rules have to say of one guest and one target."""
    rules = {each.id: each for each in all_rules()}
    first = rules.pop(REACHABLE_FIRST).findings(move)
    if any(finding.severity is Severity.REFUSE for finding in first):
        return first
    return first + tuple(finding for each in rules.values() for finding in each.findings(move))
