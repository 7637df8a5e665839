"""Free memory, in the words of the kernels of RHEL 6 and of today."""

from __future__ import annotations

import pytest

from vmferry.hosts.told.memory import free_bytes

KIB = 1 << 10


@pytest.mark.parametrize(
    ("lines", "cached_too_kib", "free_kib"),
    [
        (("MemAvailable:    1500 kB", "Shmem:            100 kB"), 2000, 1500),
        (("Shmem:            100 kB",), 2000, 1900),
        (("Shmem:           3000 kB",), 2000, 0),
        (("MemAvailable:    odd kB", "Shmem:", ""), 2000, 2000),
        ((), 2000, 2000),
        ((), None, None),
        (("MemAvailable:    1500 kB",), None, 1500),
    ],
)
def test_what_is_cached_is_free_unless_it_is_shared(
    lines: tuple[str, ...], cached_too_kib: int | None, free_kib: int | None
) -> None:
    cached_too = None if cached_too_kib is None else cached_too_kib * KIB
    assert free_bytes({"memory": lines}, cached_too) == (None if free_kib is None else free_kib * KIB)


def test_a_host_without_a_shell() -> None:
    assert free_bytes(None, 2000) == 2000
