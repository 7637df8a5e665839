"""Two definitions as people compare them: line by line."""

from __future__ import annotations

import difflib

from lxml import etree

from vmferry.xml.parse import parse

MOST_BYTES = 1 << 20
"""Bigger ones are not compared line by line: that takes the square of their length."""


def definition_diff(before: str, after: str, here: str, there: str) -> str:
    """A unified diff, `here` and `there` naming the two; empty where they say the same. Raises BadXml.

    How they are written does not count, and of passwords only that they are there is shown.
    """
    if max(len(before), len(after)) > MOST_BYTES:
        return "" if before == after else f"--- {here}\n+++ {there}\n@@ too big to be compared line by line @@"
    old, new = (_lines(xml) for xml in (before, after))
    return "\n".join(difflib.unified_diff(old, new, here, there, lineterm="", n=2))


def _lines(xml: str) -> list[str]:
    domain = parse(xml, "the definition")
    for element in domain.iter(etree.Element):
        if element.get("passwd") is not None:
            element.set("passwd", "***")
        element.text = (element.text or "").strip() or None
        element.tail = None
    etree.indent(domain)
    return etree.tostring(domain, encoding="unicode").splitlines()
