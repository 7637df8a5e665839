"""The section `memory` of `look/system.sh`: what of a host's memory is free for another guest."""

from __future__ import annotations

import re

from vmferry.hosts.told.sections import Sections

_LINE = re.compile(r"(\w+):\s*(\d{1,15}) kB", re.ASCII)


def free_bytes(sections: Sections | None, cached_too_bytes: int | None) -> int | None:
    """`cached_too_bytes`: by libvirt, free memory and all that is cached. Files of a tmpfs and memory that guests share
    with others count as cached, and cannot be given back: the kernel's own estimate leaves them out."""
    lines = (_LINE.fullmatch(line) for line in (sections or {}).get("memory", ()))
    kib = {line[1]: int(line[2]) for line in lines if line}
    if (available_kib := kib.get("MemAvailable")) is not None:
        return available_kib << 10
    shared_bytes = kib.get("Shmem", 0) << 10
    return None if cached_too_bytes is None else max(0, cached_too_bytes - shared_bytes)
