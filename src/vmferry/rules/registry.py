"""What a rule is: an id, what it looks at, and a small function from facts to findings.

A rule looks at one of four things, and says so by the decorator it is registered with. What it looks at decides how
often it runs over a whole fleet: once a host, once a guest, once a pair of hosts, once a guest and a target.
"""

from __future__ import annotations

import enum
import importlib
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from vmferry.facts.guest import GuestFacts
from vmferry.facts.host import HostFacts
from vmferry.facts.move import MoveFacts, PairFacts
from vmferry.model.finding import Finding, Severity

SUBJECTS = (
    "daemon",
    "readable",
    "daemon_config",
    "daemon_listen",
    "qemu_config",
    "locking",
    "host",
    "guest",
    "version",
    "roms",
    "cpu",
    "memory",
    "nodes",
    "storage",
    "storage_image",
    "storage_use",
    "storage_copy",
    "definition",
    "network",
    "segment",
    "transport",
    "tls",
    "devices",
    "firmware",
    "options",
    "groups",
)
"""The files of this package that hold rules, in the order in which people read a report."""

REACHABLE_FIRST = "daemon.running"
"""Where this one refuses, there are no facts of the host for the others to look at."""
READABLE_FIRST = "guest.readable"
"""The same of a guest."""


class Scope(enum.StrEnum):
    """What a rule looks at."""

    HOST = "host"
    """Either host by itself. These are what `host check` runs."""
    GUEST = "guest"
    """The guest on its source, whatever the target."""
    PAIR = "pair"
    """The two hosts and the way between them, whatever the guest."""
    MOVE = "move"
    """This guest to that target."""


@dataclass(frozen=True, slots=True)
class Voice:
    """How a rule speaks: every finding carries the rule's id and reference."""

    rule: str
    reference: str

    def ok(self, subject: str, observed: str, required: str) -> Finding:
        return Finding(self.rule, Severity.INFO, subject, observed, required, "", self.reference)

    def note(self, subject: str, observed: str, required: str, remedy: str) -> Finding:
        """Worth knowing and no reason to hesitate."""
        return Finding(self.rule, Severity.INFO, subject, observed, required, remedy, self.reference)

    def warn(self, subject: str, observed: str, required: str, remedy: str) -> Finding:
        return Finding(self.rule, Severity.WARN, subject, observed, required, remedy, self.reference)

    def unknown(self, subject: str, observed: str, required: str, remedy: str) -> Finding:
        return Finding(self.rule, Severity.UNKNOWN, subject, observed, required, remedy, self.reference)

    def refuse(self, subject: str, observed: str, required: str, remedy: str) -> Finding:
        return Finding(self.rule, Severity.REFUSE, subject, observed, required, remedy, self.reference)


_voice = cache(Voice)

Check = Callable[[Any, Voice], Iterator[Finding]]
HostCheck = Callable[[HostFacts, Voice], Iterator[Finding]]
GuestCheck = Callable[[GuestFacts, Voice], Iterator[Finding]]
PairCheck = Callable[[PairFacts, Voice], Iterator[Finding]]
MoveCheck = Callable[[MoveFacts, Voice], Iterator[Finding]]
Key = Callable[[Any], Hashable]
"""Of the facts that the rule looks at."""


@dataclass(frozen=True, slots=True)
class Rule:
    id: str
    title: str
    reference: str
    """The line of the guide, or the error of libvirt or QEMU that this prevents."""
    scope: Scope
    severity: Severity
    """The worst that it says, `unknown` apart: any rule may lack what it needs to see."""
    guards_data: bool
    """Lowering it may cost data: the policy file has to say so in as many words."""
    check: Check
    key: Key | None = None
    """All that a move rule looks at beside the target host: it has one answer for one target and one key. None: it is
    asked every time.
    """
    alike: Key | None = None
    """All that decides whether the rule passes, of a move the target too, names apart (`rules/alike.py`): where it
    passed for one it passes for every other of the same value.
    """

    def findings(self, facts: HostFacts | GuestFacts | PairFacts | MoveFacts) -> tuple[Finding, ...]:
        """Of the facts of its scope."""
        return tuple(self.check(facts, _voice(self.id, self.reference)))


_rules: dict[str, Rule] = {}


def host_rule(
    id: str,
    title: str,
    reference: str,
    *,
    severity: Severity = Severity.REFUSE,
    guards_data: bool = False,
    alike: Key | None = None,
) -> Callable[[HostCheck], HostCheck]:
    """Register a check of one host under its stable id."""
    return _register(Scope.HOST, id, title, reference, severity, guards_data, alike=alike)


def guest_rule(
    id: str, title: str, reference: str, *, severity: Severity = Severity.REFUSE, guards_data: bool = False
) -> Callable[[GuestCheck], GuestCheck]:
    return _register(Scope.GUEST, id, title, reference, severity, guards_data)


def pair_rule(
    id: str,
    title: str,
    reference: str,
    *,
    severity: Severity = Severity.REFUSE,
    guards_data: bool = False,
    alike: Key | None = None,
) -> Callable[[PairCheck], PairCheck]:
    return _register(Scope.PAIR, id, title, reference, severity, guards_data, alike=alike)


def move_rule(
    id: str,
    title: str,
    reference: str,
    *,
    severity: Severity = Severity.REFUSE,
    guards_data: bool = False,
    key: Key | None = None,
    alike: Key | None = None,
) -> Callable[[MoveCheck], MoveCheck]:
    """`key`, `alike`: see `Rule`; for what a whole fleet is judged by, of which many moves look the same."""
    return _register(Scope.MOVE, id, title, reference, severity, guards_data, key, alike)


def _register(
    scope: Scope,
    id: str,
    title: str,
    reference: str,
    severity: Severity,
    guards_data: bool,
    key: Key | None = None,
    alike: Key | None = None,
) -> Callable[[Any], Any]:
    def register(check: Check) -> Check:
        if id in _rules:
            raise ValueError(f"two rules with the id {id}")
        _rules[id] = Rule(id, title, reference, scope, severity, guards_data, check, key, alike)
        return check

    return register


@cache
def all_rules() -> tuple[Rule, ...]:
    for subject in SUBJECTS:
        importlib.import_module(f"vmferry.rules.{subject}")
    return tuple(_rules.values())
