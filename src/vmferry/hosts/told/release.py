"""Which operating system, and which release of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_NAMES = {
    "red hat": "rhel",
    "centos": "centos",
    "scientific": "scientific",
    "oracle": "ol",
    "rocky": "rocky",
    "alma": "almalinux",
    "fedora": "fedora",
}
"""How the line of redhat-release begins, of releases that have no os-release."""
_RELEASE = re.compile(r"(.*?)\s(?:linux )?release (\d{1,4}(?:\.\d{1,9}){0,3})", re.IGNORECASE)
_PAIR = re.compile(r"([A-Z_]+)=(.*)")


@dataclass(frozen=True, slots=True)
class Release:
    id: str | None = None
    like: tuple[str, ...] = ()
    version: str | None = None


def read_release(os_release: Sequence[str], redhat_release: Sequence[str]) -> Release:
    """Of the lines of both files. The second tells the minor release where the first does not, as on CentOS."""
    pairs = (match for match in (_PAIR.fullmatch(line.strip()) for line in os_release) if match)
    said = {match[1]: match[2].strip("\"'") for match in pairs}
    found = _RELEASE.match(redhat_release[0]) if redhat_release else None
    version = said.get("VERSION_ID") or None
    if found is None:
        return Release(said.get("ID"), tuple(said.get("ID_LIKE", "").split()), version)
    begins = found[1].lower()
    named = next((id for words, id in _NAMES.items() if begins.startswith(words)), None)
    longer = version is None or found[2].startswith(f"{version}.")
    return Release(said.get("ID") or named, tuple(said.get("ID_LIKE", "").split()), found[2] if longer else version)
