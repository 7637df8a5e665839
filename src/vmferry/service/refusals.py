"""Why a migration does not begin, or is not gone on with, in a line."""

from __future__ import annotations

from vmferry.errors import Failed
from vmferry.model.finding import Severity
from vmferry.placement.rank import Candidate
from vmferry.service.check import CheckReport


def open_questions(best: Candidate) -> str:
    """What could not be looked at on the best target, and how to go on all the same."""
    unknown = [f"{f.rule}: {f.observed}" for f in best.findings if f.severity is Severity.UNKNOWN]
    return f"not sure of {best.host}: {'; '.join(unknown)}. Make sure of it, then go on with --yes"


def refusal(report: CheckReport) -> str:
    """Why no target will do, in a line: the first reason for each."""
    if not report.candidates:
        return "there is no other host to go to: add one with vmferry host add"
    return "refused by the check. " + "; ".join(f"{each.host}: {each.reasons[0]}" for each in report.candidates)


def left_alone(job: str, error: Failed) -> str:
    """What is to be said where the store can be neither written nor asked any more."""
    return (
        f"{error.message}; job {job} is left as it is, and what libvirt was doing for it goes on by itself: see "
        f"vmferry job show {job} as soon as the store answers"
    )
