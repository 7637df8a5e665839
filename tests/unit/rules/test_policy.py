"""What a policy makes of findings, and what it does not let itself be told."""

from __future__ import annotations

import pytest

from vmferry.model.finding import Finding, Severity, Verdict, verdict
from vmferry.rules import judge
from vmferry.rules.policy import ACCEPT, NO_POLICY, BadPolicy, Entry, policy_of

from .cases import PASSING, with_target

SHORT = with_target(memory_free_bytes=0)
WARN, REFUSE, INFO = Severity.WARN, Severity.REFUSE, Severity.INFO


def the(findings: tuple[Finding, ...], rule: str) -> Finding:
    (found,) = (finding for finding in findings if finding.rule == rule)
    return found


def test_a_severity_is_lowered_and_says_what_it_was() -> None:
    policy = policy_of([Entry("memory.free", WARN, "ballooned hosts")])
    found = the(judge(SHORT, policy), "memory.free")
    assert found.severity is WARN
    assert found.policy is not None
    assert (found.policy.was, found.policy.reason) == (REFUSE, "ballooned hosts")
    assert verdict(judge(SHORT)) is Verdict.REFUSE
    assert verdict(judge(SHORT, policy)) is Verdict.WARN


def test_a_severity_is_raised() -> None:
    paused = the(judge(SHORT), "memory.free").severity
    assert paused is REFUSE
    policy = policy_of([Entry("memory.free", WARN, "lowered"), Entry("memory.free", REFUSE, "raised again")])
    assert the(judge(SHORT, policy), "memory.free").severity is REFUSE


def test_what_passes_is_left_alone() -> None:
    policy = policy_of([Entry("memory.*", REFUSE, "strict")])
    assert judge(PASSING, policy) == judge(PASSING)
    assert judge(PASSING, NO_POLICY) == judge(PASSING)


@pytest.mark.parametrize(("hosts", "severity"), [(("h2",), WARN), (("h*",), WARN), (("h1",), REFUSE), ((), REFUSE)])
def test_of_a_move_the_target_counts(hosts: tuple[str, ...], severity: Severity) -> None:
    policy = policy_of([Entry("memory.free", WARN, "because", hosts)])
    assert the(judge(SHORT, policy), "memory.free").severity is severity


def test_a_pattern_means_every_rule_that_fits() -> None:
    policy = policy_of([Entry("storage.*", WARN, "test lab", accept=ACCEPT)])
    assert set(policy.overrides) == {rule for rule in policy.overrides if rule.startswith("storage.")}
    assert "storage.shared" in policy.overrides


def test_a_rule_that_guards_data_wants_the_word_for_it() -> None:
    with pytest.raises(BadPolicy, match="data may be lost"):
        policy_of([Entry("storage.shared", WARN, "it is fine")])
    with pytest.raises(BadPolicy, match="data may be lost"):
        policy_of([Entry("storage.*", INFO, "it is fine", accept="yes")])
    assert policy_of([Entry("storage.shared", REFUSE, "as it is")]).overrides


def test_what_risks_data_is_said_also_where_the_rule_passes() -> None:
    policy = policy_of([Entry("storage.shared", WARN, "scratch disks only", accept=ACCEPT)])
    said = [finding for finding in judge(PASSING, policy) if finding.rule == "storage.shared"]
    assert said
    assert all(finding.policy is not None and finding.severity is INFO for finding in said)
    assert [rule for rule, _ in policy.risks(["h2"])] == ["storage.shared"]


def test_a_rule_that_does_not_exist() -> None:
    with pytest.raises(BadPolicy, match="no rule 'storage\\.sharde'"):
        policy_of([Entry("storage.sharde", WARN, "typo")])
