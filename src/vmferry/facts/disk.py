"""How a host sees what a disk's bytes are in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Server:
    """Where bytes come from, by the name that the host has for it."""

    name: str
    addresses: tuple[str, ...] = ()
    """What the name means on that host; empty: it did not say."""


@dataclass(frozen=True, slots=True)
class FileSight:
    """A file, with what of it and of its mount can keep QEMU from it."""

    path: str
    """Without links."""
    kind: str = ""
    """Of its file system, as `nfs` or `ext4`."""
    mount: str = ""
    """Where the file system is mounted."""
    size_bytes: int = 0
    allocated_bytes: int | None = None
    virtual_bytes: int | None = None
    """What the guest sees of a qcow2 image; None: it is none, or was not read."""
    cluster_bytes: int | None = None
    """Of a qcow2 image, as `virtual_bytes`."""
    uid: int | None = None
    gid: int | None = None
    mode: int | None = None
    """The permission bits."""
    read_only: bool = False
    """Its mount is."""
    user: str = ""
    """By whose rights QEMU runs on that host."""
    user_may: str | None = None
    """What that user may do with it: letters of `rw`; None: could not be tried."""
    root_may: str | None = None
    """The same of root: less than all on a share whose server trusts no root."""


@dataclass(frozen=True, slots=True)
class BlockPath:
    """One device at the end of a block device, which may have several ways to one LUN."""

    name: str
    transport: str | None = None
    """`fc`, `iscsi`, `srp`, `nvme-tcp`, `sas`, ...; None: not known."""
    wwn: str | None = None
    serial: str | None = None
    address: str | None = None
    """Of an iSCSI LUN `IQN/LUN`; of an NVMe namespace `NQN/number`."""
    state: str | None = None


@dataclass(frozen=True, slots=True)
class BlockSight:
    size_bytes: int | None = None
    mapped: str | None = None
    """Device mapper's UUID, as `mpath-3...` or `LVM-...`; None: it is no map."""
    paths: tuple[BlockPath, ...] = ()


@dataclass(frozen=True, slots=True)
class DiskSight:
    """How one host sees one disk's source, read-only."""

    target: str
    seen: bool | None
    """None: could not be looked at."""
    problem: str | None = None
    """Why it is not seen, or why what is seen proves nothing."""
    identity: str | None = None
    """What makes the bytes the same bytes: file system kind, inode and size, a LUN's WWID, or the image's URL.

    Two that differ are different bytes; two that are equal are the same bytes if `where` is equal too.
    """
    where: str | None = ""
    """The share that the identity is of, as the host names it; empty where the identity needs none, None: not known.

    Hosts may name one share differently, so two that differ prove nothing.
    """
    shared_kind: bool | None = None
    """The file system or protocol is one that several hosts can see; None: not known."""
    protocol: str | None = None
    """By what the bytes come, as `NFS` or `Fibre Channel LUN`; None: not known."""
    word: str = ""
    """The path or URL that was looked at."""
    marks: tuple[str, ...] = ()
    """Names of what the look left beside the disk's own file and those under it; an empty word where it left none."""
    marked: bool | None = None
    """The mark of the source's host was found beside it here; on the source itself: was left. None: not tried."""
    mark_problem: str | None = None
    """Why none could be left."""
    servers: tuple[Server, ...] = ()
    file: FileSight | None = None
    block: BlockSight | None = None
    opened: bool = True
    """False: only its name is known, as only libvirt holds what opens it; that names one thing all the same."""
    lacks_driver: str | None = None
    """The protocol that this host's QEMU has no driver for."""
    backing: tuple[DiskSight, ...] = ()
    """What its image rests on, nearest first."""
