"""Libvirt's sets of numbers, as `0-3,^2,8`."""

from __future__ import annotations

import re

_PART = re.compile(r"(\^?)(\d{1,5})(?:-(\d{1,5}))?")
MOST = 16384
"""No host has so many CPUs or nodes; a range beyond it is cut, not built."""


def numbers_of(text: str) -> frozenset[int]:
    """What makes no sense in it is left out."""
    found: set[int] = set()
    for part in text.split(","):
        match = _PART.fullmatch(part.strip())
        if match is not None:
            first, last = int(match[2]), min(int(match[3] or match[2]), MOST)
            numbers = range(first, last + 1)
            found = found.difference(numbers) if match[1] else found.union(numbers)
    return frozenset(found)
