"""How a copy is to be made and steered, as the user wants it."""

from __future__ import annotations

import enum
from dataclasses import dataclass

STALL_S = 60.0
"""A copy that sends nothing for so long is given up, where nothing else is laid down. Libvirt's keepalive forgives a
gap of up to 30 s, after which TCP may wait as long again before it tries anew: what both survive is no end.
"""


class Convergence(enum.StrEnum):
    """How far to go for a guest that dirties its memory about as fast as the link carries it."""

    CAREFUL = "careful"
    """Pre-copy and throttling only; where that does not end, the guest stays where it is."""
    BALANCED = "balanced"
    """Post-copy where it is safe and nothing less will do; else as careful."""
    MUST_FINISH = "must-finish"
    """As balanced, and the guest is stopped for the rest of the copy where nothing else helps."""


class Encryption(enum.StrEnum):
    """Whether the data of migrations go by TLS: what the user has laid down."""

    AUTO = "auto"
    """Where both hosts have the certificates for it."""
    REQUIRE = "require"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Tuning:
    """Libvirt's own options, by virsh's names. What is not given is libvirt's to choose."""

    auto_converge: bool = False
    """The guest is slowed down while it dirties too fast."""
    auto_converge_initial: int | None = None
    """Per cent."""
    auto_converge_increment: int | None = None
    """Per cent."""
    parallel: bool = False
    """Several streams, which QEMU calls multifd."""
    parallel_connections: int | None = None
    zerocopy: bool = False
    compression: tuple[str, ...] = ()
    """Methods: `mt`, `xbzrle`, `zlib`, `zstd`."""
    compression_tuning: tuple[tuple[str, int], ...] = ()
    """Libvirt's parameters of the methods by name, as `compression.xbzrle.cache`."""
    tls: bool = False
    tls_destination: str | None = None
    """The name that the target's certificate has to have."""
    post_copy_bandwidth_bytes_s: int | None = None


PLAIN = Tuning()
