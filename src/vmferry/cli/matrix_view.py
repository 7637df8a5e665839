"""The matrix of guests and hosts as people read it, and below it why not."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from vmferry.cli.finding_view import MARKS, risk_lines, verdict_word
from vmferry.cli.table import table_lines
from vmferry.model.finding import Finding, Severity, Verdict
from vmferry.rules.policy import RANK, Policy
from vmferry.service.check import Row

CELLS = {Verdict.PASS: "ok", Verdict.WARN: "warn", Verdict.UNKNOWN: "?", Verdict.REFUSE: "no"}
HERE = "here"
NOT_ASKED = "-"

MOST_REASONS = 20
MOST_NAMES = 6


def matrix_lines(rows: Sequence[Row], policy: Policy, *, everything: bool) -> Iterator[str]:
    """`everything`: every reason with every name, however many there are."""
    hosts = list(dict.fromkeys(host for row in rows for host in (row.guest.host, *(name for name, _ in row.cells))))
    yield from _table(rows, sorted(hosts))
    reasons = _reasons(rows)
    if reasons:
        yield ""
        yield "Why not, what concerns most first:"
    shown = reasons if everything else reasons[:MOST_REASONS]
    for reason in shown:
        yield from _reason_lines(reason, len(rows), len(hosts), everything)
    if len(reasons) > len(shown):
        yield f"    and {len(reasons) - len(shown)} reasons more (-v shows them)"
    yield from risk_lines(policy.risks(hosts))


def _table(rows: Sequence[Row], hosts: Sequence[str]) -> Iterator[str]:
    """Where the terminal is too narrow for a column a host, a few lines a guest."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    cells = [_cells(row) for row in rows]
    table = [[row.guest.name, *(cells[i].get(host, NOT_ASKED) for host in hosts)] for i, row in enumerate(rows)]
    widths = [max(len(line[column]) for line in (["GUEST", *hosts], *table)) for column in range(len(hosts) + 1)]
    if width is None or sum(widths) + 3 * len(hosts) <= width:
        yield from table_lines(["GUEST", *hosts], table, None, lambda _, text: text)
        return
    for row in rows:
        yield f"{row.guest.name} on {row.guest.host}"
        for verdict in CELLS:
            there = [host for host, judged in row.cells if judged.verdict is verdict]
            if there:
                yield f"  {verdict_word(verdict):8} {', '.join(there)}"


def _cells(row: Row) -> dict[str, str]:
    return {row.guest.host: HERE, **{host: CELLS[judged.verdict] for host, judged in row.cells}}


@dataclass(slots=True)
class _Reason:
    """One thing that was found, and of whom."""

    finding: Finding
    cells: int = 0
    guests: dict[str, None] = field(default_factory=dict)
    hosts: dict[str, None] = field(default_factory=dict)


def _reasons(rows: Iterable[Row]) -> list[_Reason]:
    """Worst first, then by how many of the cells it concerns."""
    reasons: dict[tuple[str, str, str, str], _Reason] = {}
    for row in rows:
        for host, judged in row.cells:
            for finding in judged.open:
                key = (finding.rule, finding.severity, finding.subject, finding.observed)
                reason = reasons.setdefault(key, _Reason(finding))
                reason.cells += 1
                reason.guests[row.guest.name] = None
                reason.hosts[host] = None
    return sorted(reasons.values(), key=lambda each: (-RANK[each.finding.severity], -each.cells, each.finding.rule))


def _reason_lines(reason: _Reason, guests: int, hosts: int, everything: bool) -> Iterator[str]:
    finding = reason.finding
    yield f"    {MARKS[finding.severity]:8} {finding.rule:24} {finding.subject}: {finding.observed}"
    who = _names(list(reason.guests), guests, everything)
    where = _names(list(reason.hosts), hosts, everything)
    yield f"             guests: {who}; to: {where}"
    if finding.severity is not Severity.INFO and finding.remedy:
        yield f"             remedy: {finding.remedy}"


def _names(names: Sequence[str], of: int, everything: bool) -> str:
    if len(names) == of and of > 1:
        return f"all {of}"
    if everything or len(names) <= MOST_NAMES:
        return ", ".join(names)
    return f"{', '.join(names[:MOST_NAMES])} and {len(names) - MOST_NAMES} more"
