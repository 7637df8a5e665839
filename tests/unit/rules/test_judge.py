"""A judge that remembers says what one that does not would say."""

from __future__ import annotations

import importlib
from collections.abc import Hashable, Iterator
from dataclasses import replace

import pytest

from vmferry.facts.disk import DiskSight
from vmferry.facts.host import HostFacts
from vmferry.facts.move import MoveFacts, PairFacts
from vmferry.facts.network import Address
from vmferry.facts.storage import Export
from vmferry.facts.wish import NO_WISH
from vmferry.model.finding import Finding, Severity
from vmferry.rules import all_rules, judge
from vmferry.rules.judge import Judge
from vmferry.rules.policy import Entry, policy_of
from vmferry.rules.registry import Rule, Scope, Voice

from .cases import PASSING, with_guest, with_sights, with_target
from .passing_network import network
from .passing_storage import KEPT, STORAGE
from .subjects.version import release
from .test_rules import CASES

JUDGE_MODULE = importlib.import_module("vmferry.rules.judge")
"""By that name the package itself has the function."""
MOVES = [case[1] for cases in CASES.values() for case in cases]
PLAIN = [replace(move, wish=NO_WISH) for move in MOVES]
"""As a whole fleet is judged."""
ALIKE = [rule for rule in all_rules() if rule.alike is not None]
NETWORK = network("h2")
GONE = DiskSight("vda", False, "it is not there")
KEYED = [rule for rule in all_rules() if rule.key is not None]


def mixed() -> Iterator[MoveFacts]:
    """Every case, and the passing move with one part of every case."""
    base = replace(PASSING, wish=NO_WISH)
    target, bare = base.target, replace(base.source, cpu=None)
    for move in MOVES:
        yield from (move, replace(move, wish=NO_WISH))
        yield replace(base, guest=move.guest)
        yield replace(base, guest=move.guest, source=bare)
        yield replace(base, source=move.source)
        yield replace(base, source_disks=move.source_disks)
        yield replace(move, wish=NO_WISH, target=replace(move.target, host=target.host))
        yield replace(base, target=replace(target, host=move.target.host))
        yield replace(base, target=replace(target, disks=move.target.disks))
        yield replace(base, target=replace(target, edits=move.target.edits))
        yield replace(base, target=replace(target, cpu=move.target.cpu))


MIXED = list(mixed())


def looked_at(rule: Rule, move: MoveFacts) -> tuple[HostFacts | PairFacts | MoveFacts, ...]:
    match rule.scope:
        case Scope.HOST:
            return (move.source, move.target.host)
        case Scope.PAIR:
            return (move.pair,)
        case _:
            return (move,)


def renamed(move: MoveFacts, target: str) -> MoveFacts:
    return replace(move, target=replace(move.target, host=replace(move.target.host, name=target)))


def test_one_judge_of_all_cases_says_what_a_fresh_one_says() -> None:
    moves = (*MOVES, *PLAIN)
    fresh = [judge(move) for move in moves]
    remembering = Judge()
    for _ in range(2):
        assert [remembering.move(move).findings for move in moves] == fresh


@pytest.mark.parametrize("rule", KEYED, ids=lambda rule: rule.id)
def test_equal_keys_get_equal_answers(rule: Rule) -> None:
    """The target is the same for all; whatever else the rule looks at has to be in its key."""
    assert rule.key is not None
    answers: dict[Hashable, tuple[Finding, ...]] = {}
    for move in MOVES:
        here = replace(move, target=replace(move.target, host=PASSING.target.host))
        said = rule.findings(here)
        assert answers.setdefault(rule.key(here), said) == said


@pytest.mark.parametrize("rule", ALIKE, ids=lambda rule: rule.id)
def test_what_passes_for_one_passes_for_all_that_are_alike(rule: Rule) -> None:
    """Whatever the rule looks at has to tell apart moves that differ in one thing only."""
    assert rule.alike is not None
    answers: dict[Hashable, bool] = {}
    for move in MIXED:
        for facts in looked_at(rule, move):
            passes = all(finding.severity is Severity.INFO for finding in rule.findings(facts))
            assert answers.setdefault(rule.alike(facts), passes) is passes, facts


def test_alike_moves_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[str] = []
    free = next(rule for rule in all_rules() if rule.id == "storage.shared")

    def counted(facts: MoveFacts, say: Voice) -> Iterator[Finding]:
        looks.append(facts.target.host.name)
        yield from free.check(facts, say)

    rules = tuple(replace(free, check=counted) if rule is free else rule for rule in all_rules())
    monkeypatch.setattr(JUDGE_MODULE, "all_rules", lambda: rules)
    one = replace(PASSING, wish=NO_WISH)
    other = renamed(one, "h3")
    remembering = Judge()
    said = [remembering.move(move) for move in (one, other)]
    assert looks == ["h2"]
    assert [each.verdict for each in said] == ["pass", "pass"]
    assert said[1].findings == judge(other)


@pytest.mark.parametrize(
    "keeper",
    [
        with_target(network=replace(NETWORK, addresses=(*(NETWORK.addresses or ()), Address("eth9", "10.0.0.9", 24)))),
        with_target(storage=replace(STORAGE, exports=(Export("gluster", "shared"),))),
    ],
    ids=["it has the server's address", "it has a brick"],
)
def test_a_target_that_keeps_the_disks_is_like_no_other(keeper: MoveFacts) -> None:
    remembering = Judge()
    verdicts = [remembering.move(replace(move, wish=NO_WISH)).verdict for move in (PASSING, keeper)]
    assert verdicts == ["pass", "warn"]


def test_what_is_alike_and_does_not_pass_is_put_into_words_for_each() -> None:
    remembering = Judge()
    moves = [renamed(with_sights(KEPT, GONE), name) for name in ("h2", "h3")]
    observed = [[each.observed for each in remembering.move(move).open] for move in moves]
    assert observed[0] != observed[1]
    assert observed == [[each.observed for each in judge(move) if each.severity is not Severity.INFO] for move in moves]


def test_a_policy_may_say_more_of_one_host_than_of_another() -> None:
    """What is only worth knowing passes as it is, and is more than that where the user says so."""
    entry = Entry("version.same-release", Severity.REFUSE, "we move within one release", ("h3",))
    move = release("7.8", "7.9")
    other = renamed(move, "h3")
    remembering = Judge(policy_of([entry]))
    verdicts = [remembering.move(each).verdict for each in (move, other)]
    assert verdicts == ["pass", "refuse"]


def test_parts_add_up() -> None:
    move = with_target(memory_free_bytes=0)
    judgement = Judge().move(move)
    assert [each for each in judgement.findings if each.severity is not Severity.INFO] == list(judgement.open)
    assert judgement.verdict == "refuse"


def test_what_a_host_is_found_to_be_is_found_once() -> None:
    judge = Judge()
    first, second = judge.move(PASSING), judge.move(with_guest(memory_bytes=2 << 30))
    assert first.target is second.target
    assert first.source is second.source


def test_of_a_guest_that_cannot_be_read_nothing_else_is_said() -> None:
    move: MoveFacts = with_guest(problem="its definition has 50000000 bytes")
    judgement = Judge().move(move)
    assert {finding.rule for finding in judgement.guest.findings} == {"guest.readable"}
    assert judgement.move == ()
    assert judgement.verdict == "refuse"


def test_a_rule_that_fails_does_not_pass_and_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = replace(next(rule for rule in all_rules() if rule.id == "memory.free"), check=lambda facts, say: 1 / 0)
    rules = tuple(broken if rule.id == "memory.free" else rule for rule in all_rules())
    monkeypatch.setattr(JUDGE_MODULE, "all_rules", lambda: rules)
    found = Judge().move(PASSING).findings
    assert [each.severity for each in found if each.rule == "memory.free"] == [Severity.UNKNOWN]
    assert {each.rule for each in found} == {each.rule for each in judge(PASSING)}
