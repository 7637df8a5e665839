"""What stands out in lines for people: the mark that a finding begins with, and the titles of scenes."""

from __future__ import annotations

import re

GREEN, YELLOW, RED, BOLD = "32", "33", "31", "1"

_MARK = re.compile(r"^( {4})(ok|note|warning|unknown|not seen|REFUSED|FAILED)(?= )")
_COLOURS = {
    "ok": GREEN,
    "note": GREEN,
    "warning": YELLOW,
    "unknown": YELLOW,
    "not seen": YELLOW,
    "REFUSED": RED,
    "FAILED": RED,
}


def highlight(line: str) -> str:
    """The line with the terminal's colours; its text stays as it is."""
    if line.startswith("=== "):
        return paint(line, BOLD)
    return _MARK.sub(lambda match: match[1] + paint(match[2], _COLOURS[match[2]]), line)


def paint(text: str, code: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m"
