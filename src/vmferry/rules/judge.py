"""The run of all rules over moves and hosts, each rule as often as there is something new for it to look at.

Over a fleet most of a verdict is the same again and again: what is said of a host does not depend on the guest, what is
said of a guest does not depend on the target. A `Judge` remembers what it has judged; a single check uses it too.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from vmferry.facts.guest import GuestFacts
from vmferry.facts.host import HostFacts
from vmferry.facts.move import MoveFacts, PairFacts
from vmferry.model.finding import Finding, Severity, Verdict, verdict
from vmferry.rules.policy import NO_POLICY, Policy
from vmferry.rules.registry import REACHABLE_FIRST, READABLE_FIRST, Key, Rule, Scope, Voice, all_rules

Facts = HostFacts | GuestFacts | PairFacts | MoveFacts


class Part:
    """Findings that are remembered together."""

    __slots__ = ("findings", "open", "verdict")

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        self.open = tuple(each for each in self.findings if each.severity is not Severity.INFO)
        self.verdict = verdict(self.open)


class Passed:
    """Rules that pass, as they did for a move that is alike: what they say is put into words when somebody asks."""

    __slots__ = ("_ask",)

    open: tuple[Finding, ...] = ()
    verdict = Verdict.PASS

    def __init__(self, ask: Callable[[], Part]) -> None:
        self._ask = ask

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self._ask().findings


class Whole:
    """Parts as one."""

    __slots__ = ("_parts", "open", "verdict")

    def __init__(self, parts: Iterable[Part | Passed]) -> None:
        self._parts = tuple(parts)
        self.open = tuple(finding for part in self._parts for finding in part.open)
        self.verdict = verdict(self.open)

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(finding for part in self._parts for finding in part.findings)


NOTHING = Whole(())


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found of one guest and one target, in parts that other judgements share."""

    source: Whole
    target: Whole
    guest: Whole
    pair: Whole
    move: tuple[Part | Passed, ...]

    @property
    def parts(self) -> tuple[Whole | Part | Passed, ...]:
        return (self.source, self.target, self.guest, self.pair, *self.move)

    @property
    def verdict(self) -> Verdict:
        return max((part.verdict for part in self.parts if part.open), key=_RANK.__getitem__, default=Verdict.PASS)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All of them, in the order of the subjects; of a rule of hosts, the source's first."""
        return in_order(finding for part in self.parts for finding in part.findings)

    @property
    def open(self) -> tuple[Finding, ...]:
        """Those that do not pass."""
        found = [finding for part in self.parts for finding in part.open]
        return in_order(found) if found else ()


_RANK = {Verdict.PASS: 0, Verdict.WARN: 1, Verdict.UNKNOWN: 2, Verdict.REFUSE: 3}


class Judge:
    """Remembers by object: what it has judged is the facts of one snapshot, under one policy."""

    def __init__(self, policy: Policy = NO_POLICY) -> None:
        self._policy = policy
        self._rules = {scope: [rule for rule in all_rules() if rule.scope is scope] for scope in Scope}
        self._bundles = {scope: _bundles(self._rules[scope]) for scope in Scope}
        self._hosts: dict[int, Whole] = {}
        self._guests: dict[int, Whole] = {}
        self._pairs: dict[tuple[int, int, int], Whole] = {}
        self._answers: dict[tuple[str, int, Hashable], Part] = {}
        self._passed: set[tuple[str, Hashable]] = set()
        self._seen: list[object] = []  # kept alive, so that no other object gets the identity of one that is remembered

    def host(self, host: HostFacts) -> Whole:
        known = self._hosts.get(id(host))
        if known is None:
            self._seen.append(host)
            bundles = self._asked(Scope.HOST, None if host.problem is None else REACHABLE_FIRST)
            known = self._hosts[id(host)] = Whole(self._parts(bundles, host, host.name))
        return known

    def guest(self, guest: GuestFacts) -> Whole:
        known = self._guests.get(id(guest))
        if known is None:
            self._seen.append(guest)
            bundles = self._asked(Scope.GUEST, None if guest.guest.problem is None else READABLE_FIRST)
            known = self._guests[id(guest)] = Whole(self._parts(bundles, guest, guest.guest.host))
        return known

    def move(self, move: MoveFacts) -> Judgement:
        here, there = move.source, move.target.host
        source, target = self.host(here), self.host(there)
        if here.problem is not None or there.problem is not None:
            return Judgement(self._reached(here), self._reached(there), NOTHING, NOTHING, ())
        guest, pair = self.guest(move.guest), self._pair(move)
        readable = move.guest.guest.problem is None
        moved = tuple(self._parts(self._bundles[Scope.MOVE], move, there.name, there)) if readable else ()
        return Judgement(source, target, guest, pair, moved)

    def _reached(self, host: HostFacts) -> Whole:
        """Of a host beside one that does not answer only that it answers."""
        return Whole([Part(finding for finding in self.host(host).findings if finding.rule == REACHABLE_FIRST)])

    def _pair(self, move: MoveFacts) -> Whole:
        there = move.target.host
        key = (id(move.source), id(there), id(move.path))
        known = self._pairs.get(key)
        if known is None:
            self._seen.append(move.path)
            known = self._pairs[key] = Whole(self._parts(self._bundles[Scope.PAIR], move.pair, there.name))
        return known

    def _parts(
        self, bundles: Sequence[Bundle], facts: Facts, host: str, target: HostFacts | None = None
    ) -> Iterator[Part | Passed]:
        """What was not judged yet, and what does not pass, put into words. `host`: whose policy counts."""
        quiet: list[Rule] = []
        for bundle in bundles:
            if bundle.alike is not None:
                known = (bundle.name, bundle.alike(facts))
                if known in self._passed:
                    quiet += bundle.rules
                else:
                    yield self._looked_at(bundle, known, facts, host)
            elif bundle.key is not None:
                yield self._answered(bundle, (bundle.name, id(target), bundle.key(facts)), facts, host)
            else:
                yield self._of_facts(bundle.rules, facts, host)
        if quiet:
            yield Passed(lambda: self._of_facts(quiet, facts, host))

    def _looked_at(self, bundle: Bundle, known: tuple[str, Hashable], facts: Facts, host: str) -> Part:
        part = self._of_facts(bundle.rules, facts, host)
        # With a policy, what is only worth knowing on one host may be more than that on another.
        if not part.open and not (self._policy.overrides and any(finding.remedy for finding in part.findings)):
            self._seen.append(facts)
            self._passed.add(known)
        return part

    def _answered(self, bundle: Bundle, known: tuple[str, int, Hashable], facts: Facts, host: str) -> Part:
        part = self._answers.get(known)
        if part is None:
            self._seen.append(facts)
            part = self._answers[known] = self._of_facts(bundle.rules, facts, host)
        return part

    def _asked(self, scope: Scope, only: str | None) -> Sequence[Bundle]:
        """`only`: the one rule that has something to look at."""
        if only is None:
            return self._bundles[scope]
        return _bundles(rule for rule in self._rules[scope] if rule.id == only)

    def _of_facts(self, rules: Iterable[Rule], facts: Facts, host: str) -> Part:
        findings = (finding for rule in rules for finding in _answer(rule, facts))
        return Part(self._policy.applied(findings, host))


def judge_host(host: HostFacts, policy: Policy = NO_POLICY) -> tuple[Finding, ...]:
    """Everything that can be said of a host by itself."""
    return in_order(Judge(policy).host(host).findings)


def judge(move: MoveFacts, policy: Policy = NO_POLICY) -> tuple[Finding, ...]:
    """Everything that all rules have to say of one guest and one target, in the order of the subjects."""
    return Judge(policy).move(move).findings


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


def _answer(rule: Rule, facts: Facts) -> tuple[Finding, ...]:
    """A rule that fails at facts nobody thought of keeps none of the others from speaking, and does not pass."""
    try:
        return rule.findings(facts)
    except Exception as error:
        observed = f"the rule itself failed: {type(error).__name__}: {error}"
        remedy = "look by hand, and report it with what vmferry facts save writes"
        return (Voice(rule.id, rule.reference).unknown("vmferry", observed, rule.title, remedy),)


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """As people read a report: subject by subject."""
    places = _places()
    return tuple(sorted(findings, key=lambda finding: places[finding.rule]))


@cache
def _places() -> dict[str, int]:
    return {rule.id: number for number, rule in enumerate(all_rules())}


@dataclass(frozen=True, slots=True)
class Bundle:
    """Rules that look at the same are remembered together."""

    name: str
    """The id of the first of them."""
    key: Key | None
    alike: Key | None
    rules: list[Rule]


def _bundles(rules: Iterable[Rule]) -> list[Bundle]:
    bundles: dict[tuple[Key | None, Key | None], Bundle] = {}
    for rule in rules:
        bundle = bundles.setdefault((rule.key, rule.alike), Bundle(rule.id, rule.key, rule.alike, []))
        bundle.rules.append(rule)
    return list(bundles.values())
