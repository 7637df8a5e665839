"""What a definition names of a host, and by which other name the target has the same."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Naming(enum.StrEnum):
    """What a name is a name of: one word may be a pool and a network."""

    PATH = "path"
    POOL = "pool"
    NETWORK = "network"
    BRIDGE = "bridge"
    DEVICE = "device"
    """A network device of the host."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Wherever a definition says `before`, the target's says `after`."""

    naming: Naming
    before: str
    after: str
