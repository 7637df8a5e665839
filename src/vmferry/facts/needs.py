"""What a guest's definition asks of a host, and what of it cannot move: read once, so that no rule reads XML."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from vmferry.model.guest import Disk


class Bound(enum.StrEnum):
    """What may bind a guest to its host."""

    PASSED_DEVICE = "passed device"
    PASSED_USB = "passed USB device"
    PASSED_LUN = "passed LUN"
    """One that QEMU gets at over the network by itself."""
    TEAMED = "teamed device"
    """Passed through, and its team mate carries the network while it is away."""
    VIRTIOFS = "virtiofs"
    NINEP = "9p"
    VHOST_USER = "vhost-user"
    VDPA = "vDPA"
    SHMEM = "shmem"
    LEGACY_SHMEM = "legacy shmem"
    TRANSIENT_DISK = "transient disk"
    CONFIDENTIAL = "confidential"
    RENDERING = "3D rendering"
    BLOB = "blob"
    UNPLACED_MEMORY = "unplaced memory"
    HOST_DEVICE_FILE = "host device file"
    HOST_SOCKET = "host socket"
    HOST_FILE = "host file"
    FREE_HAND = "free hand"
    """QEMU arguments that libvirt does not understand."""


@dataclass(frozen=True, slots=True)
class Tie:
    """One thing of the definition that may bind the guest to its host."""

    bound: Bound
    subject: str
    """Which one, as people find it in the definition."""
    detail: str = ""
    """Its address, driver, directory or source."""


@dataclass(frozen=True, slots=True)
class PageNeed:
    """Memory of the guest in huge pages of one size."""

    size_bytes: int | None
    """None: the host's default size."""
    need_bytes: int
    nodes: frozenset[int] | None = None
    """The host's NUMA nodes that it has to come from; None: any."""


@dataclass(frozen=True, slots=True)
class NodeNeed:
    """Memory of the guest that is bound to NUMA nodes of the host."""

    nodes: frozenset[int]
    mode: str
    """`strict`, `restrictive`, `interleave` or `preferred`."""
    need_bytes: int


@dataclass(frozen=True, slots=True)
class Pin:
    """A thread of the guest that may run on these CPUs of the host only."""

    what: str
    """As `vcpu 0` or `emulator`."""
    cpus: frozenset[int]


@dataclass(frozen=True, slots=True)
class SecretNeed:
    """A secret that libvirt has to hold on the host: by UUID or by usage, whichever the definition gives."""

    subject: str
    """The disk's target or `tpm`."""
    uuid: str | None
    usage: str | None
    kind: str
    """`ceph`, `iscsi`, `volume`, `passphrase`, `vtpm`, ..."""


@dataclass(frozen=True, slots=True)
class HostFile:
    """A file of the host that QEMU opens beside the disks."""

    role: str
    """`loader`, `nvram`, `nvram template`, `kernel`, `initrd`, `dtb`, `acpi table`, `tpm state`, ..."""
    path: str

    def as_disk(self) -> Disk:
        """For the same look that disks get; its role is the target."""
        kind = "dir" if self.role == TPM_STATE else "file"
        return Disk(self.role, "file", kind, self.path, read_only=True)


TPM_STATE = "tpm state"


@dataclass(frozen=True, slots=True)
class TpmNeed:
    """The guest's TPM."""

    backend: str
    """`emulator`, `passthrough` or `external`."""
    model: str
    version: str | None
    encrypted: bool


@dataclass(frozen=True, slots=True)
class CpuNeed:
    """What the `<cpu>` of the definition says in words. The features that its model brings are not in it."""

    mode: str | None = None
    model: str | None = None
    required: frozenset[str] = frozenset()
    disabled: frozenset[str] = frozenset()
    unchecked: bool = False
    """It is the host's own with all of its features, those that QEMU cannot migrate too: `migratable='off'`."""
    tsc_hz: int | None = None
    """Of `<timer name='tsc'>`."""
    hyperv_mode: str | None = None
    """`passthrough` or `custom`; None: no enlightenments."""


@dataclass(frozen=True, slots=True)
class Needs:
    """All of it, of one guest."""

    cpu: CpuNeed = CpuNeed()
    pages: tuple[PageNeed, ...] = ()
    nodes: tuple[NodeNeed, ...] = ()
    pins: tuple[Pin, ...] = ()
    hard_limit_bytes: int | None = None
    locked: bool = False
    """All of its memory has to stay in RAM."""
    secrets: tuple[SecretNeed, ...] = ()
    files: tuple[HostFile, ...] = ()
    tpm: TpmNeed | None = None
    ties: tuple[Tie, ...] = ()
    listens: tuple[str, ...] = ()
    """Addresses that its graphics listen at, where it names them itself."""
    arguments: tuple[str, ...] = ()
    """QEMU arguments that libvirt passes on as they are."""

    def tied(self, *bounds: Bound) -> tuple[Tie, ...]:
        return tuple(tie for tie in self.ties if tie.bound in bounds)


NO_NEEDS = Needs()
