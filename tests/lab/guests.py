"""What tests of lab guests share: watching a page until it tells something."""

from __future__ import annotations

import time
from collections.abc import Callable

from vmferry.lab.guest_page import GuestPage, read_page

LIMIT_S = 90.0


def page_when(address: str, condition: Callable[[GuestPage], bool]) -> GuestPage:
    """The first page that fulfils the condition; a guest that does not answer for a moment is asked again."""
    deadline = time.monotonic() + LIMIT_S
    seen: GuestPage | None = None
    while time.monotonic() < deadline:
        try:
            seen = read_page(address, timeout_s=1.0)
        except OSError:
            continue
        if condition(seen):
            return seen
        time.sleep(0.1)
    raise AssertionError(f"the guest's page never told what was waited for; at last: {seen}")


def all_verified_since(before: GuestPage, address: str) -> GuestPage:
    """A later page, by when all memory and every disk block written before `before` was verified again."""
    cycles = [disk.cycles + 2 for disk in before.disks]
    pages = before.memory_verified + before.working_set_bytes // 4096
    return page_when(
        address,
        lambda page: (
            page.errors > 0
            or (
                page.memory_verified >= pages
                and all(disk.cycles >= cycle for disk, cycle in zip(page.disks, cycles, strict=True))
            )
        ),
    )
