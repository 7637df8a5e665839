"""The policy file: what it may say, and what is said where it says something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from vmferry.errors import UserError
from vmferry.model.finding import Severity
from vmferry.policy_file import load_policy, parse_policy
from vmferry.rules.policy import NO_POLICY

FILE = Path("p.toml")
ENTRY = '[[severity]]\nrule = "memory.free"\nseverity = "warn"\nreason = "it balloons"\n'


def test_an_entry_for_every_host() -> None:
    override = parse_policy(ENTRY, FILE).override("memory.free", "anything")
    assert override is not None
    assert (override.severity, override.reason, override.risky) == (Severity.WARN, "it balloons", False)


def test_a_group_of_hosts() -> None:
    policy = parse_policy(f'[groups]\nlab = ["lab-*", "h9"]\n{ENTRY}group = "lab"\n', FILE)
    concerned = [host for host in ("lab-1", "h9", "h1") if policy.override("memory.free", host)]
    assert concerned == ["lab-1", "h9"]


def test_a_rule_that_guards_data() -> None:
    entry = '[[severity]]\nrule = "storage.shared"\nseverity = "info"\nreason = "scratch"\n'
    policy = parse_policy(f'{entry}accept = "data may be lost"\n', FILE)
    assert [rule for rule, _ in policy.risks(["h1"])] == ["storage.shared"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[severity]", "not valid TOML"),
        ("[[severty]]", "severty"),
        (ENTRY.replace("memory.free", "memory.fre"), "entry 1: there is no rule 'memory.fre'"),
        (ENTRY.replace('"warn"', '"ignore"'), "'ignore'"),
        (ENTRY.replace('reason = "it balloons"\n', ""), "reason"),
        (ENTRY.replace("it balloons", " "), "entry 1: reason: is empty"),
        (f'{ENTRY}group = "lab"\n', "entry 1: there is no group 'lab'"),
        (f'[groups]\nlab = ["h1"]\n{ENTRY}group = "lab"\nhosts = ["h1"]\n', "entry 1: has both"),
        (f"{ENTRY}sevrity = 1\n", "sevrity"),
        ('[[severity]]\nrule = "storage.*"\nseverity = "warn"\nreason = "x"\n', 'accept = "data may be lost"'),
        ("groups = 1", "groups"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(text: str, words: str) -> None:
    with pytest.raises(UserError) as error:
        parse_policy(text, FILE)
    assert error.value.message.startswith("p.toml")
    assert words in error.value.message
    assert "\n" not in error.value.message


def test_which_file_counts(tmp_path: Path) -> None:
    config, beside, named = (tmp_path / name for name in ("config.toml", "policy.toml", "named.toml"))
    assert load_policy(None, None, config) is NO_POLICY
    assert load_policy(None, None, None) is NO_POLICY
    beside.write_text(ENTRY)
    named.write_text(ENTRY.replace("warn", "info"))
    found = [load_policy(*paths, config) for paths in ((None, None), (None, named), (named, beside))]
    severities = [override and override.severity for override in (each.override("memory.free", "h1") for each in found)]
    assert severities == ["warn", "info", "info"]


def test_a_named_file_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot read"):
        load_policy(tmp_path / "nowhere.toml", None, None)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="UTF-8"):
        load_policy(path, None, None)
