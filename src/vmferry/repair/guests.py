"""What is safe to mend in a guest's persistent definition."""

from __future__ import annotations

from collections.abc import Iterable

from vmferry.repair.change import Change, Definition, Item, Kind, Left
from vmferry.rules.devices import MOST_VECTORS
from vmferry.xml.lowered import lowered_vectors
from vmferry.xml.parse import BadXml, parse
from vmferry.xml.vectors import max_vectors


def vectors_changes(definitions: Iterable[Definition]) -> tuple[tuple[Change, ...], tuple[Left, ...]]:
    """One change a guest that has a number above the limit written down."""
    changes, left = [], []
    for each in definitions:
        try:
            after, lowered = lowered_vectors(each.xml, MOST_VECTORS)
            implied = [found for found in max_vectors(parse(after, "the definition")) if found[1] > MOST_VECTORS]
        except BadXml as error:
            left.append(Left(f"guest {each.name}", error.message))
            continue
        if lowered:
            items = tuple(
                Item(f"vectors of {place} of guest {each.name}", str(was), str(MOST_VECTORS)) for place, was in lowered
            )
            then = f"guest {each.name} takes it up when it is shut down and started" if each.active else ""
            changes.append(Change(Kind.GUEST, each.uuid, each.xml, after, items, then=then))
        left += [
            Left(
                f"guest {each.name}",
                f"the queues of {place} make {vectors} vectors; choose fewer queues in virsh edit {each.name}",
            )
            for place, vectors in implied
        ]
    return tuple(changes), tuple(left)
