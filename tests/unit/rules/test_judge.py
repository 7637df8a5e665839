"""A judge that remembers says what one that does not would say."""

from __future__ import annotations

import importlib
from collections.abc import Hashable
from dataclasses import replace

import pytest

from vmferry.facts.move import MoveFacts
from vmferry.model.finding import Finding, Severity
from vmferry.rules import all_rules, judge
from vmferry.rules.judge import Judge
from vmferry.rules.registry import Rule

from .cases import PASSING, with_guest, with_target
from .test_rules import CASES

JUDGE_MODULE = importlib.import_module("vmferry.rules.judge")
"""By that name the package itself has the function."""
MOVES = [case[1] for cases in CASES.values() for case in cases]
KEYED = [rule for rule in all_rules() if rule.key is not None]


def test_one_judge_of_all_cases_says_what_a_fresh_one_says() -> None:
    remembering = Judge()
    for move in MOVES * 2:
        assert remembering.move(move).findings == judge(move)


@pytest.mark.parametrize("rule", KEYED, ids=lambda rule: rule.id)
def test_equal_keys_get_equal_answers(rule: Rule) -> None:
    """The target is the same for all; whatever else the rule looks at has to be in its key."""
    assert rule.key is not None
    answers: dict[Hashable, tuple[Finding, ...]] = {}
    for move in MOVES:
        here = replace(move, target=replace(move.target, host=PASSING.target.host))
        said = rule.findings(here)
        assert answers.setdefault(rule.key(here), said) == said


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
