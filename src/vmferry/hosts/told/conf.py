"""Libvirt's configuration syntax, read as libvirt reads it.

`name = value`, one a line or parted by `;`. A value is a number, a string in either quotes, a text in three of them, or
a list in brackets that may go over lines. `#` begins a comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from vmferry.facts.conf import ConfValue, Setting

MOST_SETTINGS = 1000

_BLANK = re.compile(r"[ \t]*")
_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_NUMBER = re.compile(r"[+-]?[0-9]{1,19}(?![0-9])")
_TEXT = re.compile(r'"""(.*?)"""', re.DOTALL)
_STRING = re.compile(r'"([^"\n]*)"|\'([^\'\n]*)\'')
_COMMENT = re.compile(r"#[^\n]*")


class _BadConf(Exception):
    """Its text is what is wrong, without the line."""


def read_conf(lines: Sequence[tuple[int, str]]) -> tuple[tuple[Setting, ...], str | None]:
    """The settings of a file, given as its numbered lines, and what stopped the reading; None: nothing did."""
    reading = _Reading(lines)
    settings: list[Setting] = []
    try:
        for setting in reading.settings():
            settings.append(setting)
            if len(settings) > MOST_SETTINGS:
                raise _BadConf(f"more than {MOST_SETTINGS} settings")
    except _BadConf as wrong:
        return tuple(settings), f"line {reading.line()}: {wrong}"
    return tuple(settings), None


class _Reading:
    def __init__(self, lines: Sequence[tuple[int, str]]) -> None:
        self._numbers = [number for number, _ in lines]
        self._text = "\n".join(text for _, text in lines)
        self._at = 0

    def line(self) -> int:
        """The number of the line that is being read."""
        if not self._numbers:
            return 1
        return self._numbers[min(self._text.count("\n", 0, self._at), len(self._numbers) - 1)]

    def settings(self) -> Iterator[Setting]:
        self._skip(_SPACE)
        while self._at < len(self._text):
            yield self._setting()
            self._separator()

    def _setting(self) -> Setting:
        line = self.line()
        key = self._take(_NAME, "expecting a name").group()
        self._skip(_BLANK)
        if self._next() != "=":
            raise _BadConf("expecting an assignment")
        self._at += 1
        self._skip(_BLANK)
        value = self._list() if self._next() == "[" else self._scalar()
        return Setting(key, value, line)

    def _separator(self) -> None:
        self._skip(_BLANK)
        self._skip(_COMMENT)
        if self._next() not in ("", "\r", "\n", ";"):
            raise _BadConf("expecting a separator")
        self._at += self._next() == ";"
        self._skip(_SPACE)

    def _list(self) -> ConfValue:
        items: list[str] = []
        self._at += 1
        self._skip(_SPACE)
        while self._next() != "]":
            items.append(str(self._scalar()))
            self._skip(_SPACE)
            if self._next() not in (",", "]"):
                raise _BadConf("expecting a separator in list" if self._next() else "list is not closed with ]")
            self._at += self._next() == ","
            self._skip(_SPACE)
        self._at += 1
        return tuple(items)

    def _scalar(self) -> str | int:
        if found := _TEXT.match(self._text, self._at):
            self._at = found.end()
            return found[1]
        if self._next() in ('"', "'"):
            found = self._take(_STRING, "unterminated string")
            return found[1] if found[1] is not None else found[2]
        return int(self._take(_NUMBER, "expecting a value").group())

    def _next(self) -> str:
        return self._text[self._at : self._at + 1]

    def _skip(self, pattern: re.Pattern[str]) -> None:
        if found := pattern.match(self._text, self._at):
            self._at = found.end()

    def _take(self, pattern: re.Pattern[str], otherwise: str) -> re.Match[str]:
        found = pattern.match(self._text, self._at)
        if found is None:
            raise _BadConf(otherwise)
        self._at = found.end()
        return found
