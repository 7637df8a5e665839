"""Cases of the rules of memory."""

from __future__ import annotations

from dataclasses import replace

from vmferry.facts.compute import HugePages, NumaCell
from vmferry.facts.move import MoveFacts
from vmferry.facts.needs import Needs, PageNeed
from vmferry.facts.storage import Mount, StorageFacts

from ..cases import GIB, OK, PASSING, REFUSE, UNKNOWN, Cases, with_facts, with_target

MIB = 1 << 20
SMALL, BIG = 2 * MIB, GIB
MOUNTED = Mount("/dev/hugepages", "hugetlbfs", "hugetlbfs", options=("rw", "pagesize=2M"))

BIG_MOUNT = replace(MOUNTED, options=("rw", "pagesize=1024M"))


def cell(number: int, *pages: HugePages) -> NumaCell:
    return NumaCell(number, 8 * GIB, frozenset({number}), pages)


TWO = (
    cell(0, HugePages(SMALL, 600, 100), HugePages(BIG, 0, 0)),
    cell(1, HugePages(SMALL, 600, 500), HugePages(BIG, 0, 0)),
)


def in_pages(
    need: PageNeed, cells: tuple[NumaCell, ...] | None = TWO, mounts: tuple[Mount, ...] | None = (MOUNTED,), **host: int
) -> MoveFacts:
    """The guest in such pages, to a target of these nodes and mounts."""
    move = with_facts(needs=Needs(pages=(need,)))
    target = replace(move.target.host, cells=cells, storage=StorageFacts(mounts=mounts), **host)  # type: ignore[arg-type]
    return replace(move, target=replace(move.target, host=target))


HALF = GIB // 2
ON_0, ON_1 = frozenset({0}), frozenset({1})

CASES: Cases = {
    "memory.free": [
        ("room", PASSING, OK, "4096 MiB free"),
        ("short", with_target(memory_free_bytes=500 * MIB), REFUSE, "500 MiB free"),
        ("short by QEMU's own", with_target(memory_free_bytes=1030 * MIB), REFUSE, "1030 MiB free"),
        ("not known", with_target(memory_free_bytes=None), UNKNOWN, "not known"),
        ("claimed by others", with_target(claimed_bytes=3500 * MIB), REFUSE, "596 MiB free after 3500 MiB for guests"),
        ("claimed, and room", with_target(claimed_bytes=1000 * MIB), OK, "3096 MiB free after 1000 MiB"),
        ("more claimed than free", with_target(claimed_bytes=9000 * MIB), REFUSE, "0 MiB free after"),
        ("in huge pages", in_pages(PageNeed(SMALL, GIB), memory_free_bytes=64 * MIB), OK, "64 MiB free"),
    ],
    "memory.hugepages": [
        ("enough", in_pages(PageNeed(SMALL, GIB)), OK, "600 of 1200 pages are free"),
        ("enough of the usual size", in_pages(PageNeed(None, GIB)), OK, "600 of 1200"),
        ("enough on the node", in_pages(PageNeed(SMALL, HALF, ON_1)), OK, "500 of 600"),
        ("too few on the node", in_pages(PageNeed(SMALL, HALF, ON_0)), REFUSE, "100 of 600"),
        ("too few", in_pages(PageNeed(SMALL, 2 * GIB)), REFUSE, "600 of 1200"),
        ("none reserved", in_pages(PageNeed(BIG, GIB)), REFUSE, "no page of 1048576 KiB is reserved"),
        ("no such size", in_pages(PageNeed(64 << 10, GIB)), REFUSE, "no pages of 64 KiB"),
        (
            "a usual size of another kind",
            in_pages(PageNeed(None, GIB), (cell(0, HugePages(BIG, 2, 2)),), (BIG_MOUNT,)),
            OK,
            "2 of 2",
        ),
        ("no pages at all", in_pages(PageNeed(None, GIB), (cell(0),)), REFUSE, "no pages of 2048 KiB"),
        ("not mounted", in_pages(PageNeed(SMALL, GIB), mounts=()), REFUSE, "no hugetlbfs of pages of 2048 KiB"),
        (
            "mounted in another size",
            in_pages(PageNeed(SMALL, GIB), mounts=(BIG_MOUNT,)),
            REFUSE,
            "no hugetlbfs",
        ),
        (
            "mounted by a kernel that tells no size",
            in_pages(PageNeed(SMALL, GIB), mounts=(replace(MOUNTED, options=("rw",)),)),
            OK,
            "600 of 1200",
        ),
        ("mounts not told", in_pages(PageNeed(SMALL, GIB), mounts=None), OK, "600 of 1200"),
        ("nodes not told", in_pages(PageNeed(SMALL, GIB), None), UNKNOWN, "not known"),
        ("free ones not told", in_pages(PageNeed(SMALL, GIB), (cell(0, HugePages(SMALL, 600)),)), UNKNOWN, "600 pages"),
    ],
}
