"""Every rule, by a table of its cases: what is broken, and what it then says.

The tables are in `subjects`, one file for each file of rules.
"""

from __future__ import annotations

import importlib

import pytest

from vmferry.facts.disk import DiskSight
from vmferry.facts.host import MachineSupport
from vmferry.facts.move import MoveFacts
from vmferry.model.finding import Severity, Verdict, verdict
from vmferry.rules import all_rules, findings_of, judge
from vmferry.rules.registry import SUBJECTS

from .cases import OK, PASSING, REFUSE, Cases, with_iso, with_target

ARM_ONLY = (MachineSupport("kvm", "aarch64", "/usr/bin/qemu-system-aarch64", frozenset({"virt-9.0"})),)
LOCAL = DiskSight("vda", True, None, "ext4 inode 9 of 512 bytes", "", False)
OF_SOME_MOVES = {
    "cpu.hyperv",
    "cpu.pinning",
    "cpu.tsc",
    "device.tpm",
    "firmware.files",
    "group.apart",
    "group.hosts",
    "group.together",
    "memory.hugepages",
    "memory.nodes",
    "network.graphics",
    "network.portgroup",
    "network.vlan",
    "secret.present",
    "transport.tls",
    "transport.tls-days",
    "transport.tls-migration",
    "storage.growing",
}
"""Rules of what only some guests ask for, or of TLS where it is not used: they say nothing of the others."""
ABSENT = DiskSight("vda", False, "no such file")


def cases_of(subject: str) -> Cases:
    module = importlib.import_module(f".subjects.{subject}", __package__)
    found: Cases = module.CASES
    return found


CASES: Cases = {rule: cases for subject in SUBJECTS for rule, cases in cases_of(subject).items()}
RULES = {rule.id: rule for rule in all_rules()}


@pytest.mark.parametrize(
    ("rule", "move", "severity", "words"),
    [pytest.param(rule, *case[1:], id=f"{rule}: {case[0]}") for rule, cases in CASES.items() for case in cases],
)
def test_rule_says(rule: str, move: MoveFacts, severity: Severity, words: str) -> None:
    found = findings_of(RULES[rule], move)
    worst = max(found, key=lambda finding: list(Severity).index(finding.severity))
    assert worst.severity is severity
    assert any(words in finding.observed for finding in found if finding.severity is severity)
    assert all(finding.rule == rule and finding.required for finding in found)
    assert all(finding.remedy for finding in found if finding.severity is not OK)


def test_every_rule_has_a_passing_and_a_failing_case() -> None:
    assert set(CASES) == {rule.id for rule in all_rules()}
    for rule, cases in CASES.items():
        severities = {case[2] for case in cases}
        assert OK in severities, f"{rule} has no case that passes"
        assert RULES[rule].severity in severities, f"{rule} has no case in which it says its worst"


def test_the_passing_move_passes_every_rule() -> None:
    found = judge(PASSING)
    assert verdict(found) is Verdict.PASS
    assert {finding.rule for finding in found} == set(CASES) - OF_SOME_MOVES


@pytest.mark.parametrize(("device", "ejects"), [("cdrom", True), ("floppy", True), ("disk", False)])
def test_only_what_can_be_taken_out_is_to_be_ejected(device: str, ejects: bool) -> None:
    move = with_iso(LOCAL, ABSENT, device)
    (found,) = findings_of(RULES["storage.image"], move)
    assert ("virsh change-media web vda --eject" in found.remedy) is ejects


def test_all_findings_come_in_one_run() -> None:
    broken = with_target(host_uuid=PASSING.source.host_uuid, memory_free_bytes=0, networks=(), support=ARM_ONLY)
    refused = {finding.rule for finding in judge(broken) if finding.severity is REFUSE}
    assert refused == {"daemon.config.host_uuid", "memory.free", "network.present", "version.machine-type"}


def test_of_a_silent_host_nothing_else_is_said() -> None:
    found = judge(with_target(problem="no answer within 5 s"))
    assert {finding.rule for finding in found} == {"daemon.running"}
    assert verdict(found) is Verdict.REFUSE
