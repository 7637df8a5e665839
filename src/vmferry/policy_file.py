"""The policy file: one TOML file that raises and lowers the severities of rules, read once, never written.

[groups]
lab = ["lab-*", "h9"]                      # names of hosts, or patterns

[[severity]]
rule = "storage.separate-system"           # an id, or a pattern as "daemon.config.*"
group = "lab"                              # or hosts = ["alpha"]; neither: every host
severity = "info"                          # info, warn, unknown or refuse
reason = "one storage machine is all we have"

[[severity]]
rule = "storage.shared"                    # guards data: it takes this word, and is shown in every report
hosts = ["scratch-*"]
severity = "warn"
reason = "disks there are thrown away every night"
accept = "data may be lost"
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from vmferry.errors import UserError
from vmferry.model.finding import Severity
from vmferry.rules.policy import NO_POLICY, BadPolicy, Entry, Policy, policy_of

NAME = "policy.toml"
MOST_BYTES = 1 << 20


class _Severity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    rule: str
    severity: Severity
    reason: str
    hosts: tuple[str, ...] | None = None
    group: str | None = None
    accept: str | None = None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    groups: dict[str, tuple[str, ...]] = {}
    severity: tuple[_Severity, ...] = ()


def load_policy(explicit: Path | None, configured: Path | None, config: Path | None) -> Policy:
    """The file named on the command line or in the configuration; else the one beside it, if there is one.

    Raises UserError.
    """
    named = explicit or configured
    beside = None if config is None else config.with_name(NAME)
    if named is None and (beside is None or not beside.is_file()):
        return NO_POLICY
    path = named or beside
    assert path is not None
    return parse_policy(_read(path), path)


def parse_policy(text: str, path: Path) -> Policy:
    try:
        file = msgspec.convert(tomllib.loads(text), _File)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path} is not valid TOML: {error}; correct it, or name another file with --policy") from None
    except msgspec.ValidationError as error:
        sentence = str(error).replace("`", "").replace(" - at $.", ", at ")
        raise UserError(f"{path}: {sentence[:1].lower()}{sentence[1:]}") from None
    entries = []
    for number, each in enumerate(file.severity, 1):
        where = f"{path}: severity entry {number}"
        entries.append(_entry(each, file.groups, where))
        try:
            policy_of(entries[-1:])
        except BadPolicy as error:
            raise UserError(f"{where}: {error}") from None
    return policy_of(entries)


def _entry(each: _Severity, groups: Mapping[str, tuple[str, ...]], where: str) -> Entry:
    """Raises UserError."""
    if not each.reason.strip():
        raise UserError(f"{where}: reason: is empty; say why {each.rule!a} has another severity here")
    if each.hosts is not None and each.group is not None:
        raise UserError(f"{where}: has both hosts and group; write one of them")
    if each.group is not None and each.group not in groups:
        known = ", ".join(groups) or "none"
        raise UserError(f"{where}: there is no group {each.group!a} in [groups]; there is {known}")
    hosts = groups[each.group] if each.group is not None else each.hosts
    return Entry(each.rule, each.severity, each.reason.strip(), ("*",) if hosts is None else hosts, each.accept)


def _read(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}; name a readable file with --policy") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is not UTF-8 text; correct it, or name another file with --policy") from None
    if len(text) > MOST_BYTES:
        raise UserError(f"{path} has more than {MOST_BYTES} bytes, which is no policy; name another file with --policy")
    return text
