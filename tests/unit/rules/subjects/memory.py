"""Cases of the rules of memory."""

from __future__ import annotations

from ..cases import (
    OK,
    PASSING,
    REFUSE,
    UNKNOWN,
    Cases,
    with_target,
)

MIB = 1 << 20

CASES: Cases = {
    "memory.free": [
        ("room", PASSING, OK, "4096 MiB free"),
        ("short", with_target(memory_free_bytes=500 * MIB), REFUSE, "500 MiB free"),
        ("short by QEMU's own", with_target(memory_free_bytes=1030 * MIB), REFUSE, "1030 MiB free"),
        ("not known", with_target(memory_free_bytes=None), UNKNOWN, "not known"),
    ],
}
