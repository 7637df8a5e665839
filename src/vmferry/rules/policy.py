"""The user's policy: severities raised and lowered by rule and host, with a reason.

It speaks of findings only. What was observed stays as it is, and what it was before is said beside it.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from vmferry.model.finding import Changed, Finding, Severity
from vmferry.rules.registry import Rule, all_rules

ACCEPT = "data may be lost"
"""What has to be written, in as many words, where a rule that guards data is lowered."""

RANK = {Severity.INFO: 0, Severity.WARN: 1, Severity.UNKNOWN: 2, Severity.REFUSE: 3}


class BadPolicy(ValueError):
    """An entry that cannot be meant as it is written."""


@dataclass(frozen=True, slots=True)
class Entry:
    """From now on, what these rules find on these hosts has this severity."""

    rule: str
    """An id, or a pattern with `*`."""
    severity: Severity
    reason: str
    hosts: tuple[str, ...] = ("*",)
    """Names or patterns. Of a guest it is the source that counts, of two hosts and of a move the target."""
    accept: str | None = None


@dataclass(frozen=True, slots=True)
class Override:
    """An entry as it counts for one rule."""

    severity: Severity
    reason: str
    hosts: tuple[str, ...]
    risky: bool
    """It lowers a rule that guards data: it is said also where the rule passes."""

    def concerns(self, host: str) -> bool:
        return any(fnmatch.fnmatchcase(host, pattern) for pattern in self.hosts)


@dataclass(frozen=True, slots=True)
class Policy:
    """Rule id to its overrides, in the order of the file: the last one that concerns a host counts."""

    overrides: Mapping[str, Sequence[Override]] = field(default_factory=dict)

    def applied(self, findings: Iterable[Finding], host: str) -> Iterable[Finding]:
        return (self._applied(finding, host) for finding in findings) if self.overrides else findings

    def _applied(self, finding: Finding, host: str) -> Finding:
        override = self.override(finding.rule, host)
        if override is None:
            return finding
        passes = finding.severity is Severity.INFO and not finding.remedy
        if passes and not override.risky:
            return finding
        severity = finding.severity if passes else override.severity
        return replace(finding, severity=severity, policy=Changed(finding.severity, override.reason))

    def override(self, rule: str, host: str) -> Override | None:
        concerned = (each for each in reversed(self.overrides.get(rule, ())) if each.concerns(host))
        return next(concerned, None)

    def risks(self, hosts: Iterable[str]) -> Iterator[tuple[str, Override]]:
        """Each rule that guards data and is lowered on one of these hosts."""
        names = tuple(hosts)
        for rule, overrides in self.overrides.items():
            for override in overrides:
                if override.risky and any(override.concerns(host) for host in names):
                    yield rule, override


NO_POLICY = Policy()


def policy_of(entries: Iterable[Entry]) -> Policy:
    """Raises BadPolicy for a rule that does not exist, and where data is put at risk without the word for it."""
    overrides: dict[str, list[Override]] = {}
    for entry in entries:
        for rule in _meant(entry.rule):
            risky = rule.guards_data and RANK[entry.severity] < RANK[rule.severity]
            if risky and entry.accept != ACCEPT:
                raise BadPolicy(f'{rule.id} guards data; to lower it to {entry.severity}, write accept = "{ACCEPT}"')
            override = Override(entry.severity, entry.reason, entry.hosts, risky)
            overrides.setdefault(rule.id, []).append(override)
    return Policy(overrides)


def _meant(pattern: str) -> list[Rule]:
    found = [rule for rule in all_rules() if fnmatch.fnmatchcase(rule.id, pattern)]
    if not found:
        raise BadPolicy(f"there is no rule {pattern!a}; see vmferry rule list")
    return found
