"""Findings: what a check answers with. Never a bool, never a stop at the first."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass


class Severity(enum.StrEnum):
    INFO = "info"
    WARN = "warn"
    UNKNOWN = "unknown"
    REFUSE = "refuse"


class Verdict(enum.StrEnum):
    PASS = "pass"
    WARN = "warn"
    UNKNOWN = "unknown"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Changed:
    """What a policy made of a finding."""

    was: Severity
    reason: str
    """The user's own words."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a rule has to say of one subject."""

    rule: str
    severity: Severity
    subject: str
    """What it is about: a host, a disk's target, a network."""
    observed: str
    required: str
    remedy: str
    """What to do, a command where there is one; empty where nothing needs doing."""
    reference: str = ""
    """The line of the guide, or the error of libvirt or QEMU that this prevents."""
    policy: Changed | None = None
    """None: no policy speaks of it."""


def verdict(findings: Iterable[Finding]) -> Verdict:
    """The worst of the findings; unknown is worse than a warning: it never counts as a pass."""
    severities = {finding.severity for finding in findings}
    if Severity.REFUSE in severities:
        return Verdict.REFUSE
    if Severity.UNKNOWN in severities:
        return Verdict.UNKNOWN
    return Verdict.WARN if Severity.WARN in severities else Verdict.PASS
