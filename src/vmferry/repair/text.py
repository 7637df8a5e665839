"""Changes as people read them before they say yes."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from vmferry.repair.change import Change, Kind


def unified_diff(change: Change) -> Iterator[str]:
    """Without line ends."""
    before, after = (_lines(text) for text in (change.before, change.after))
    old, new = ("/dev/null" if text is None else change.name for text in (change.before, change.after))
    yield from (line.rstrip("\n") for line in difflib.unified_diff(before, after, old, new))


def _lines(text: str | None) -> list[str]:
    return (text or "").splitlines(keepends=True)


_NAMES = {Kind.GUEST: "the definition of guest {}", Kind.POOL: "storage pool {}", Kind.DIRECTORY: "directory {}"}


def named(change: Change) -> str:
    return _NAMES.get(change.kind, "{}").format(change.name)
