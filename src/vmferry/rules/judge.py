"""The run of all rules over a move, or of the host rules over a host."""

from __future__ import annotations

from vmferry.facts.host import HostFacts
from vmferry.facts.move import MoveFacts
from vmferry.model.finding import Finding, Severity
from vmferry.rules.registry import REACHABLE_FIRST, Rule, Scope, all_rules


def judge_host(host: HostFacts) -> tuple[Finding, ...]:
    """Everything that can be said of a host by itself."""
    rules = {each.id: each for each in all_rules() if each.scope is Scope.HOST}
    first = rules.pop(REACHABLE_FIRST).findings(host)
    if any(finding.severity is Severity.REFUSE for finding in first):
        return first
    return first + tuple(finding for each in rules.values() for finding in each.findings(host))


def judge(move: MoveFacts) -> tuple[Finding, ...]:
    """Everything that all rules have to say of one guest and one target, in the order of the subjects."""
    rules = {each.id: each for each in all_rules()}
    first = findings_of(rules.pop(REACHABLE_FIRST), move)
    if any(finding.severity is Severity.REFUSE for finding in first):
        return first
    return first + tuple(finding for each in rules.values() for finding in findings_of(each, move))


def findings_of(rule: Rule, move: MoveFacts) -> tuple[Finding, ...]:
    """What one rule has to say of a move: of both hosts, where it looks at a host."""
    match rule.scope:
        case Scope.HOST:
            return rule.findings(move.source) + rule.findings(move.target.host)
        case Scope.GUEST:
            return rule.findings(move.guest)
        case Scope.PAIR:
            return rule.findings(move.pair)
        case Scope.MOVE:
            return rule.findings(move)
