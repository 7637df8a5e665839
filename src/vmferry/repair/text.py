"""Changes as people read them before they say yes."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from lxml import etree

from vmferry.repair.change import Change, Kind
from vmferry.xml.parse import parse


def unified_diff(change: Change) -> Iterator[str]:
    """Without line ends."""
    before, after = (_lines(change.kind, text) for text in (change.before, change.after))
    old, new = ("/dev/null" if text is None else change.name for text in (change.before, change.after))
    yield from (line.rstrip("\n") for line in difflib.unified_diff(before, after, old, new))


def _lines(kind: Kind, text: str | None) -> list[str]:
    if kind is Kind.GUEST and text is not None:  # libvirt's quotes are not ours: only what differs is to be seen
        text = etree.tostring(parse(text, "the definition"), encoding="unicode")
    return (text or "").splitlines(keepends=True)


_NAMES = {Kind.GUEST: "the definition of guest {}", Kind.POOL: "storage pool {}", Kind.DIRECTORY: "directory {}"}


def named(change: Change) -> str:
    return _NAMES.get(change.kind, "{}").format(change.name)
