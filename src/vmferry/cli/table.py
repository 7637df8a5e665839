"""Cells in columns; where the terminal is too narrow for that, one field a line. Nothing is ever cut off."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence

GAP = "   "

Painter = Callable[[str, str], str]
"""(cell, padded text) to the text as shown."""


def table_lines(headings: Sequence[str], rows: Sequence[Sequence[str]], width: int | None, paint: Painter) -> list[str]:
    """`width` in terminal columns; None: as wide as it gets."""
    everything = [list(headings), *([*row] for row in rows)]
    widths = [max(cell_width(line[column]) for line in everything) for column in range(len(headings))]
    if width is not None and sum(widths) + len(GAP) * (len(widths) - 1) > width:
        return _records(headings, rows, paint)
    return [_line(line, widths, paint) for line in everything]


def cell_width(text: str) -> int:
    """Terminal columns that it takes: wide East Asian characters two, combining ones none."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _line(cells: Sequence[str], widths: Sequence[int], paint: Painter) -> str:
    last = len(cells) - 1
    padded = [_pad(cell, widths[i] if i < last else 0) for i, cell in enumerate(cells)]
    return GAP.join(paint(cell, text) for cell, text in zip(cells, padded, strict=True)).rstrip()


def _records(headings: Sequence[str], rows: Sequence[Sequence[str]], paint: Painter) -> list[str]:
    longest = max(cell_width(heading) for heading in headings)
    lines: list[str] = []
    for row in rows:
        lines += [""] if lines else []
        fields = zip(headings, row, strict=True)
        lines += [f"{_pad(heading, longest)}  {paint(cell, cell)}".rstrip() for heading, cell in fields if cell]
    return lines


def _pad(text: str, width: int) -> str:
    return text + " " * (width - cell_width(text))
