"""The contract's JSON: what the command line and the API answer with. Built-in types only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from vmferry.flow.journal import Entry
from vmferry.forecast.progress import Progress
from vmferry.model.finding import Finding
from vmferry.model.job import Job
from vmferry.model.migration import Forecast, MigrationResult
from vmferry.placement.rank import Candidate
from vmferry.rules.policy import Override
from vmferry.rules.registry import Rule
from vmferry.service.check import CheckReport, HostReport, Row
from vmferry.service.definition import target_diff

Document = dict[str, Any]


def check_document(report: CheckReport) -> Document:
    """`check`: every target with everything that was found, and how its definition differs if it does."""
    return _report(report, [_target(each) | _diff(report, each) for each in report.candidates])


def matrix_document(rows: Iterable[Row]) -> Document:
    """`check --all`: every guest against every other host, with the findings that do not pass."""
    return {"guests": [_row(row) for row in rows]}


def hosts_document(reports: Iterable[HostReport]) -> Document:
    """`host check`: all findings of all hosts, each with its host, and a verdict a host."""
    judged = list(reports)
    hosts = [{"host": each.host.name, "verdict": str(each.verdict)} for each in judged]
    findings = [{"host": each.host.name, **_finding(finding)} for each in judged for finding in each.findings]
    return {"hosts": hosts, "findings": findings} | _risks(risk for each in judged for risk in each.risks)


def rules_document(rules: Iterable[Rule]) -> Document:
    return {"rules": [_rule(rule) for rule in rules]}


def plan_document(report: CheckReport, forecasts: Mapping[str, Forecast]) -> Document:
    """`plan`: the same, ranked, with scores and forecasts by host name; a refused target has neither."""
    targets = [
        _target(each)
        | {
            "score": each.score,
            "scores": [_plain(score) for score in each.scores],
            "reasons": list(each.reasons),
            "forecast": _plain(forecasts.get(each.host)),
        }
        for each in report.candidates
    ]
    return _report(report, targets)


def migration_document(result: MigrationResult) -> Document:
    """`migrate`, and each of `job list`."""
    document: Document = _plain(result)
    return document


def jobs_document(jobs: Iterable[Job]) -> Document:
    """`job list`."""
    return {"jobs": [_job(job) for job in jobs]}


def job_document(job: Job, journal: Iterable[Entry], progress: Progress | None) -> Document:
    """`job show`: the one job, with its journal."""
    shown = _job(job) | {"journal": [_entry(entry) for entry in journal], "progress": _plain(progress)}
    return {"jobs": [shown]}


def job_news(job: Job, progress: Progress | None) -> Document:
    """What changes of a job while it runs."""
    result = job.result
    return {
        "job": job.id,
        "guest": result.guest,
        "source": result.source,
        "target": result.target,
        "state": job.state,
        "outcome": result.outcome and str(result.outcome),
        "error": result.error,
        "progress": _plain(progress),
    }


def _job(job: Job) -> Document:
    """As `migrate` gives it, with where it is and who has it in hand."""
    return migration_document(job.result) | {"state": job.state, "worker": job.worker}


def _entry(entry: Entry) -> Document:
    """Without the fields that its kind does not have."""
    return {name: value for name, value in _plain(entry).items() if value not in (None, "")}


def _report(report: CheckReport, targets: list[Document]) -> Document:
    return {"guest": report.guest.name, "source": report.source, "targets": targets} | _risks(report.risks)


def _risks(risks: Iterable[tuple[str, Override]]) -> Document:
    """Nothing where no policy puts data at risk."""
    said = [
        {"rule": rule, "severity": str(each.severity), "hosts": list(each.hosts), "reason": each.reason}
        for rule, each in dict.fromkeys(risks)
    ]
    return {"policy": said} if said else {}


def _row(row: Row) -> Document:
    targets = [
        {"host": host, "verdict": str(judged.verdict), "findings": [_finding(finding) for finding in judged.open]}
        for host, judged in row.cells
    ]
    return {"guest": row.guest.name, "uuid": row.guest.uuid, "source": row.guest.host, "targets": targets}


def _rule(rule: Rule) -> Document:
    return {
        "id": rule.id,
        "severity": str(rule.severity),
        "title": rule.title,
        "reference": rule.reference,
        "looks_at": str(rule.scope),
        "guards_data": rule.guards_data,
    }


def _diff(report: CheckReport, candidate: Candidate) -> Document:
    diff = target_diff(report.move(candidate.host))
    return {"xml_diff": diff} if diff else {}


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
