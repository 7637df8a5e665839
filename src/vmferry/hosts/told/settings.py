"""Libvirt's configuration files as the host's shell tells them: which are there, and their numbered lines."""

from __future__ import annotations

import re

from vmferry.facts.conf import ConfFile
from vmferry.hosts.told.conf import read_conf
from vmferry.hosts.told.sections import Sections

_LINE = re.compile(r"(/[^:]*):(\d{1,9}):(.*)", re.DOTALL)


def read_confs(sections: Sections) -> tuple[ConfFile, ...] | None:
    """None: the host did not tell of them, or its shell may not look."""
    if "confs" not in sections:
        return None
    told = [line.partition(" ") for line in sections["confs"]]
    newer = {path for what, _, path in told if what == "newer"}
    lines = _lines(sections)
    files = [_file(path, lines.get(path, []), path in newer) for what, _, path in told if what == "readable"]
    hidden = [ConfFile(path, readable=False) for what, _, path in told if what == "unreadable"]
    return tuple(files + hidden)


def _lines(sections: Sections) -> dict[str, list[tuple[int, str]]]:
    lines: dict[str, list[tuple[int, str]]] = {}
    for found in (_LINE.fullmatch(line) for line in sections.get("conf-lines", ())):
        if found:
            lines.setdefault(found[1], []).append((int(found[2]), found[3]))
    return lines


def _file(path: str, lines: list[tuple[int, str]], newer: bool) -> ConfFile:
    settings, error = read_conf(lines)
    return ConfFile(path, settings, error, stale=newer)
