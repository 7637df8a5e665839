"""Cases of the rules of nodes."""

from __future__ import annotations

from dataclasses import replace

from vmferry.facts.compute import NumaCell
from vmferry.facts.move import MoveFacts
from vmferry.facts.needs import Needs, NodeNeed, PageNeed, Pin

from ..cases import GIB, OK, REFUSE, UNKNOWN, Cases, with_facts

ONE = (NumaCell(0, 8 * GIB, frozenset({0, 1, 2, 3})),)
TWO = (
    NumaCell(0, 8 * GIB, frozenset({0, 1}), free_bytes=GIB // 2),
    NumaCell(1, 8 * GIB, frozenset({2, 3}), free_bytes=4 * GIB),
)


def asks(needs: Needs, cells: tuple[NumaCell, ...] | None = TWO, cpus: int | None = 4) -> MoveFacts:
    """A guest with these needs to a target of these nodes."""
    move = with_facts(needs=needs)
    return replace(move, target=replace(move.target, host=replace(move.target.host, cells=cells, cpus=cpus)))


def bound(*nodes: int, mode: str = "strict", pages: tuple[PageNeed, ...] = ()) -> Needs:
    return Needs(nodes=(NodeNeed(frozenset(nodes), mode, GIB),), pages=pages)


def pinned(what: str, *cpus: int) -> Needs:
    return Needs(pins=(Pin("vcpu 0", frozenset({1})), Pin(what, frozenset(cpus))))


CASES: Cases = {
    "memory.nodes": [
        ("room on it", asks(bound(1)), OK, "node 1 is there"),
        ("room on two", asks(bound(0, 1)), OK, "node 0-1 is there"),
        ("one node, its free memory asked elsewhere", asks(bound(0), ONE), OK, "node 0 is there"),
        ("no room on it", asks(bound(0)), REFUSE, "512 MiB free on node 0"),
        ("no room on it, which may go elsewhere", asks(bound(0, mode="preferred")), OK, "node 0 is there"),
        ("huge pages are counted for themselves", asks(bound(0, pages=(PageNeed(None, GIB),))), OK, "is there"),
        ("not there", asks(bound(1), ONE), REFUSE, "it has node 0, not 1"),
        ("not told", asks(bound(0), None), UNKNOWN, "not known"),
        ("none told", asks(bound(0), ()), UNKNOWN, "not known"),
    ],
    "cpu.pinning": [
        ("all there", asks(pinned("vcpu 1", 2, 3)), OK, "it has CPU 0-3"),
        ("all there, by their number", asks(pinned("vcpu 1", 2, 3), None), OK, "it has CPU 0-3"),
        ("some not there", asks(pinned("vcpu 1", 3, 4)), REFUSE, "not 4"),
        ("none there", asks(pinned("emulator", 8, 9)), REFUSE, "not 8-9"),
        ("a thread of disks", asks(pinned("iothread 1", 8)), REFUSE, "not 8"),
        ("a cache's CPUs", asks(pinned("cachetune 0-3", 8)), REFUSE, "not 8"),
        ("not told", asks(pinned("vcpu 1", 2), None, None), UNKNOWN, "not known"),
    ],
}
