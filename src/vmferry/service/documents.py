"""The contract's JSON: what the command line and the API answer with. Built-in types only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from vmferry.model.finding import Finding
from vmferry.model.migration import Forecast, MigrationResult
from vmferry.placement.rank import Candidate
from vmferry.service.check import CheckReport

Document = dict[str, Any]


def check_document(report: CheckReport) -> Document:
    """`check`: every target with everything that was found."""
    return _report(report, [_target(each) for each in report.candidates])


def plan_document(report: CheckReport, forecasts: Mapping[str, Forecast]) -> Document:
    """`plan`: the same, ranked, with scores and forecasts by host name; a refused target has neither."""
    targets = [
        _target(each)
        | {"score": each.score, "reasons": list(each.reasons), "forecast": _plain(forecasts.get(each.host))}
        for each in report.candidates
    ]
    return _report(report, targets)


def migration_document(result: MigrationResult) -> Document:
    """`migrate`, and each of `job list`."""
    document: Document = _plain(result)
    return document


def _report(report: CheckReport, targets: list[Document]) -> Document:
    return {"guest": report.guest.name, "source": report.source, "targets": targets}


def _target(candidate: Candidate) -> Document:
    findings = [_finding(finding) for finding in candidate.findings]
    return {"host": candidate.host, "verdict": str(candidate.verdict), "findings": findings}


def _finding(finding: Finding) -> Document:
    """`policy` is there only where one speaks of it."""
    document: Document = _plain(finding)
    if finding.policy is None:
        del document["policy"]
    return document


def _plain(value: object) -> Any:  # noqa: ANN401 - JSON is any
    return msgspec.to_builtins(value)
