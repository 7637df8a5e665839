"""What the shell on a host tells of it, section by section, as facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

Sections = Mapping[str, Sequence[str]]
"""Name of a section to its lines. One that is missing was not told; an empty one had nothing to tell."""


def read_sections(lines: Iterable[str]) -> Sections:
    sections: dict[str, list[str]] = {}
    current: list[str] = []
    for line in lines:
        if line.startswith("@"):
            current = sections.setdefault(line[1:], [])
        elif line.startswith(" "):
            current.append(line[1:])
    return sections
