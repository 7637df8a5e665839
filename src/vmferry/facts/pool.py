"""A storage pool, as a host's libvirt has it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pool:
    name: str
    kind: str
    """`dir`, `netfs`, `logical`, `disk`, `scsi`, `iscsi`, `iscsi-direct`, `gluster`, `rbd`, `fs`, `mpath`, ..."""
    active: bool
    autostart: bool
    path: str | None = None
    """Where its volumes are on the host; None: it has no directory."""
    servers: tuple[str, ...] = ()
    source: str | None = None
    """What it is made of there: an exported directory, an IQN, a volume group, a volume's or a Ceph pool's name."""
    capacity_bytes: int | None = None
    available_bytes: int | None = None
    """As of its last refresh."""

    @property
    def serves(self) -> str:
        """Where its bytes come from, in a word."""
        return f"{','.join(self.servers)}:{self.source or ''}" if self.servers else self.source or self.path or ""
