"""Disks that are copied with their guest: what is asked for, what is made of it, and what became of each."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from vmferry.model.guest import ImageEncryption


class Storage(enum.StrEnum):
    """What becomes of a guest's disks."""

    AUTO = "auto"
    """Of each by itself: what both hosts are proved to share stays, what only the source has is copied."""
    SHARED = "shared"
    """All of them stay where they are."""
    COPY = "copy"
    """All that can be copied and are not shared already; of those named, all."""


class SourceVolumes(enum.StrEnum):
    """What becomes of the source's own images once the guest is verified on the target."""

    KEEP = "keep"
    REMOVE = "remove"
    RENAME = "rename"
    """With the job's name behind theirs, so that nothing opens them by accident."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a disk is wanted on the target."""

    disk: str
    """Its name in the guest's definition, as `vda`."""
    pool: str
    format: str | None = None
    """None: as it is."""


@dataclass(frozen=True, slots=True)
class StorageWish:
    choice: Storage | None = None
    """None: as it is configured."""
    disks: tuple[str, ...] = ()
    """Those that are copied, where the user names them (virsh: `--migrate-disks`)."""
    places: tuple[Place, ...] = ()
    onto_existing: tuple[str, ...] = ()
    """Disks for which the target has an image already, which is to be written over: the user's own word."""
    bandwidth_bytes_s: int | None = None
    """For the disks together; None: as for memory."""
    synchronous: bool = False
    """The guest's writes wait for the target's from the start."""
    source_volumes: SourceVolumes = SourceVolumes.KEEP


UNSAID = StorageWish()


@dataclass(frozen=True, slots=True)
class Base:
    """An image that another one rests on."""

    path: str
    format: str


@dataclass(frozen=True, slots=True)
class DiskCopy:
    """One disk, onto one volume of the target."""

    disk: str
    source_path: str
    path: str
    """On the target."""
    pool: str | None
    """None: onto what is there already."""
    format: str
    source_format: str
    capacity_bytes: int
    """What the guest sees."""
    needed_bytes: int
    """What is allocated of it on the source."""
    cluster_bytes: int | None = None
    """Of a qcow2 image; None: QEMU's own."""
    flattened: bool = False
    """The source's image rests on others, and the copy has all of their data in itself."""
    base: Base | None = None
    """What the copy rests on, as the source's image does: both hosts share it."""
    encryption: ImageEncryption | None = None
    thin: bool = False
    """Holes stay holes only if the target's disk passes discards on."""

    @property
    def volume(self) -> str:
        """Its name in the pool."""
        return self.path.rpartition("/")[2]

    @property
    def thing(self) -> str:
        """The volume as effects name it."""
        return f"{self.pool}/{self.volume}"


@dataclass(frozen=True, slots=True)
class BlockCopy:
    """Libvirt's block copy of one disk, as far as it is."""

    done_bytes: int
    total_bytes: int
    """Grows with what the guest writes meanwhile."""
    ready: bool
    """The new image is level with the old one, and what is written goes to both."""


@dataclass(frozen=True, slots=True)
class DiskState:
    """Where one disk of a guest is, as its host has it now."""

    source: str | None
    """Of the running guest; of one that is off, as it would start. None: it has no such disk."""
    kept: str | None
    """As its next start would have it; None: it has no definition that is kept, or in that no such disk."""
    copy: BlockCopy | None = None


class Fate(enum.StrEnum):
    """Of a source's own image."""

    KEPT = "kept"
    REMOVED = "removed"
    RENAMED = "renamed"


@dataclass(frozen=True, slots=True)
class CopiedDisk:
    """A disk that was copied, as the result tells of it."""

    disk: str
    source_path: str
    path: str
    format: str
    allocated_bytes: int | None = None
    """On the target, after the copy; None: not known."""
    source_volume: Fate = Fate.KEPT
    remove: str = ""
    """The command that removes what is kept; empty: nothing is."""
