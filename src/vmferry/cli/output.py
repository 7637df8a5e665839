"""Results on standard output, messages on standard error. A reader that has gone away changes no exit code."""

from __future__ import annotations

import enum
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

from vmferry import SCHEMA
from vmferry.cli.highlight import BOLD, GREEN, RED, YELLOW, highlight, paint
from vmferry.cli.table import table_lines

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class Format(enum.StrEnum):
    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"


@dataclass(frozen=True, slots=True)
class Layout:
    """How people see a part of a document: rows of cells under headings."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    wide: int = 0
    """So many columns at the end are for `-o wide` only."""


def render(document: Mapping[str, Any], layouts: Sequence[Layout], output: Format) -> str:
    """The whole text, with its last newline."""
    if output is Format.JSON:
        import msgspec

        return msgspec.json.format(msgspec.json.encode(_with_schema(document)), indent=2).decode() + "\n"
    if output is Format.YAML:
        import yaml  # half of a table's whole time

        text: str = yaml.safe_dump(_with_schema(document), sort_keys=False, allow_unicode=True)
        return text
    lines = (line for layout in layouts for line in _lines(layout, output))
    return "".join(f"{line}\n" for line in lines)


def write(text: str) -> None:
    """To standard output, whole."""
    _write(sys.stdout, text)


def say(message: str) -> None:
    """A line to standard error."""
    say_lines(message.split("\n"))


def write_lines(lines: Iterable[str]) -> None:
    """To standard output."""
    _write(sys.stdout, _text(lines, sys.stdout))


def say_lines(lines: Iterable[str]) -> None:
    """To standard error."""
    _write(sys.stderr, _text(lines, sys.stderr))


def _text(lines: Iterable[str], stream: TextIO) -> str:
    dress = highlight if coloured(stream) else str
    return "".join(f"{dress(plain(line))}\n" for line in lines)


def plain(text: str) -> str:
    """Without what could move the cursor or turn the text around: names and messages come from other machines."""
    return _CONTROL.sub("?", text)


def coloured(stream: TextIO | None = None) -> bool:
    """Colour goes to a terminal only, and not with NO_COLOR."""
    return (stream or sys.stdout).isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _with_schema(document: Mapping[str, Any]) -> dict[str, Any]:
    import msgspec  # a quarter of the time of a help text

    plain_document: dict[str, Any] = msgspec.to_builtins({"schema": SCHEMA, **document})
    return plain_document


def _lines(layout: Layout, output: Format) -> list[str]:
    columns = len(layout.headings) - (0 if output is Format.WIDE else layout.wide)
    rows = [[plain(cell) for cell in row[:columns]] for row in layout.rows]
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    return table_lines(layout.headings[:columns], rows, width, _painter())


def _painter() -> Callable[[str, str], str]:
    return _paint if coloured() else lambda _, text: text


_COLOURS = {"ready": GREEN, "running": GREEN, "pass": GREEN, "unreachable": RED, "crashed": RED, "refuse": RED}
_COLOURS |= {"paused": YELLOW, "warn": YELLOW, "unknown": YELLOW}


def _paint(cell: str, text: str) -> str:
    """The padded text in the colour of the cell's word; headings bold."""
    code = BOLD if cell.isupper() and cell == text.strip() else _COLOURS.get(cell)
    return paint(text, code) if code else text


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
