"""What a person reads of findings: a line of verdict for each target or host, then the findings, worst first."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from vmferry.model.finding import Finding, Severity, Verdict
from vmferry.placement.rank import Candidate
from vmferry.rules.policy import ACCEPT, RANK, Override
from vmferry.service.check import CheckReport, HostReport
from vmferry.service.definition import target_diff

MARKS = {
    Severity.INFO: "ok",
    Severity.WARN: "warning",
    Severity.UNKNOWN: "unknown",
    Severity.REFUSE: "REFUSED",
}


def check_lines(report: CheckReport, *, passing: bool) -> Iterator[str]:
    """Every target's verdict, then what was found. What is said of the guest and its source is said once.

    `passing`: what passes is shown too, and not only counted.
    """
    for each in report.candidates:
        yield target_line(report, each)
    alone = len(report.candidates) == 1
    common: Collection[Finding] = () if alone else frozenset(report.common)
    if common:
        yield f"  {report.guest.name} and its host {report.source}, whatever the target:"
        yield from findings_lines(report.common, passing=passing)
    for each in report.candidates:
        own = [finding for finding in each.findings if finding not in common]
        if own:
            yield "  all of it:" if alone else f"  {each.host}:"
            yield from findings_lines(own, passing=passing)
        diff = target_diff(report.move(each.host))
        if diff:
            yield f"    the definition for {each.host}:"
            yield from (f"      {line}" for line in diff.splitlines())
    yield from risk_lines(report.risks)


def target_line(report: CheckReport, each: Candidate) -> str:
    looked = len(each.findings)
    words = "; ".join(each.reasons[:1])
    best = "  <- best" if report.best is each and len(report.candidates) > 1 else ""
    return f"  {each.host}: {verdict_word(each.verdict)} ({looked} things looked at): {words}{best}"


def host_lines(reports: Sequence[HostReport], *, passing: bool) -> Iterator[str]:
    for each in reports:
        yield f"{each.host.name}: {verdict_word(each.verdict)} ({len(each.findings)} things looked at)"
        yield from findings_lines(each.findings, passing=passing)
    yield from risk_lines(dict.fromkeys(risk for each in reports for risk in each.risks))


def verdict_word(verdict: Verdict) -> str:
    return "refused" if verdict is Verdict.REFUSE else str(verdict)


def findings_lines(findings: Iterable[Finding], *, passing: bool) -> Iterator[str]:
    """The worst first; what passes in one line, or a line each."""
    ordered = sorted(findings, key=lambda finding: -RANK[finding.severity])
    passed = [finding for finding in ordered if _passes(finding)]
    for finding in ordered:
        if passing or not _passes(finding):
            yield from finding_lines(finding)
    if passed and not passing:
        yield f"    {MARKS[Severity.INFO]:8} {len(passed)} pass (-v shows them)"


def finding_lines(finding: Finding) -> Iterator[str]:
    mark = "note" if finding.severity is Severity.INFO and finding.remedy else MARKS[finding.severity]
    yield f"    {mark:8} {finding.rule:24} {finding.subject}: {finding.observed}"
    if not _passes(finding):
        yield f"             required: {finding.required}"
        if finding.remedy:
            yield f"             remedy: {finding.remedy}"
    if finding.policy is not None:
        yield f"             policy: {MARKS[finding.policy.was]} without it; {finding.policy.reason}"


def risk_lines(risks: Iterable[tuple[str, Override]]) -> Iterator[str]:
    """Said in every report, whatever was found: here somebody has accepted that data may be lost."""
    for rule, override in risks:
        where = ", ".join(override.hosts)
        what = f"{rule} counts as {MARKS[override.severity]} on {where} at most"
        yield f"  policy: {what}; {ACCEPT}: {override.reason}"


def _passes(finding: Finding) -> bool:
    return finding.severity is Severity.INFO and not finding.remedy and finding.policy is None
