"""Why not this host? Findings of a guest against every host, as rows of rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

RANK = ("refuse", "unknown", "warn", "info")


@dataclass(frozen=True, slots=True)
class Line:
    """One rule; for each host, in their order, its worst finding."""

    rule: str
    cells: tuple[Mapping[str, Any] | None, ...]

    @property
    def worst(self) -> int:
        return min(RANK.index(cell["severity"]) for cell in self.cells if cell is not None)


def lines(targets: Sequence[Mapping[str, Any]]) -> list[Line]:
    """`targets` as `check` gives them. What stands against a move comes first; what is only told is left out."""
    found: dict[str, list[Mapping[str, Any] | None]] = {}
    for column, target in enumerate(targets):
        for finding in target["findings"]:
            if finding["severity"] == "info":
                continue
            cells = found.setdefault(finding["rule"], [None] * len(targets))
            before = cells[column]
            if before is None or RANK.index(finding["severity"]) < RANK.index(before["severity"]):
                cells[column] = finding
    made = [Line(rule, tuple(cells)) for rule, cells in found.items()]
    return sorted(made, key=lambda line: (line.worst, line.rule))
