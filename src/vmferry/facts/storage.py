"""What a host's shell told of its storage: mounts, block devices and the ways to them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of mountinfo."""

    path: str


@dataclass(frozen=True, slots=True)
class StorageFacts:
    """One host's storage. A field that is None was not told."""

    mounts: tuple[Mount, ...] | None = None
