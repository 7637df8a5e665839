"""What a host's shell told of its system: release, daemons and their settings, what QEMU brings along."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SystemFacts:
    """One host's system. A field that is None was not told."""

    os_id: str | None = None
    """Of os-release, as `debian` or `rhel`."""
    os_version: str | None = None
