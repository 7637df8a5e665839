from __future__ import annotations

import pytest

from vmferry.hosts.guests import memory_used_bytes

RSS = {"balloon.current": 524288, "balloon.rss": 400000}
TOLD = {"balloon.unused": 324288, "balloon.last-update": 1_790_000_000}


@pytest.mark.parametrize(
    ("figures", "used_kib"),
    [
        (RSS | TOLD, 200000),
        (RSS, 400000),
        (RSS | TOLD | {"balloon.unused": 24288}, 400000),
        (RSS | TOLD | {"balloon.last-update": 0}, 400000),
        ({"balloon.current": 524288} | TOLD, 200000),
    ],
    ids=["the guest tells", "it does not", "more than QEMU holds", "it never told", "no resident memory"],
)
def test_memory_in_use(figures: dict[str, int], used_kib: int) -> None:
    assert memory_used_bytes(figures) == used_kib << 10


def test_memory_in_use_may_not_be_known() -> None:
    assert memory_used_bytes({"balloon.current": 524288}) is None
