"""What a host's shell told of its storage: mounts, block devices and the ways to them, and what it serves to others."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of mountinfo."""

    path: str
    kind: str = ""
    """The file system's type, as `nfs4` or `fuse.glusterfs`."""
    source: str = ""
    """As `server:/export` or `/dev/sdb1`."""
    root: str = "/"
    """The directory of that file system that is mounted: not `/` for a bind mount or a part of a share."""
    device: str = ""
    """Major and minor number, as `8:17`."""
    options: tuple[str, ...] = ()
    """Of the mount, then of the file system."""


@dataclass(frozen=True, slots=True)
class BlockDevice:
    """One disk of the kernel, as one path to it shows it."""

    name: str
    size_bytes: int
    wwid: str | None = None
    state: str | None = None
    """Of a SCSI or NVMe device: `running`, `offline`, `live`, ..."""


@dataclass(frozen=True, slots=True)
class MultipathPath:
    device: str
    """Major and minor number."""
    alive: bool


@dataclass(frozen=True, slots=True)
class Multipath:
    """One map of dm-multipath."""

    name: str
    wwid: str | None
    """Without the prefix of device mapper; None: not told."""
    paths: tuple[MultipathPath, ...] | None
    """None: their states were not told."""


@dataclass(frozen=True, slots=True)
class FcHost:
    """One port of a Fibre Channel adapter."""

    name: str
    wwpn: str
    state: str
    """`Online`, `Linkdown`, ..."""
    fabric: str


@dataclass(frozen=True, slots=True)
class SrpPort:
    """One target port that an SRP initiator is logged in to."""

    name: str
    state: str


@dataclass(frozen=True, slots=True)
class IscsiSession:
    """One session of the kernel's initiator."""

    name: str
    target: str
    """Its IQN."""
    state: str
    portal: str | None = None
    """Address and port."""


@dataclass(frozen=True, slots=True)
class NvmeController:
    """One controller, local or reached over a fabric."""

    name: str
    transport: str
    """`pcie`, `tcp`, `rdma`, `fc` or `loop`."""
    nqn: str
    """Of its subsystem."""
    state: str


@dataclass(frozen=True, slots=True)
class LockTable:
    """One cluster file system that is mounted."""

    kind: str
    """`gfs2` or `ocfs2`."""
    name: str
    """Of GFS2 `cluster:file-system`; of OCFS2 the cluster's name."""
    device: str | None = None
    uuid: str | None = None


@dataclass(frozen=True, slots=True)
class Export:
    """Something that this host itself serves to others."""

    kind: str
    """`nfs`, `gluster` or `iscsi`."""
    name: str
    """A directory, a volume's name, an IQN."""


@dataclass(frozen=True, slots=True)
class StorageFacts:
    """One host's storage. A field that is None was not told."""

    mounts: tuple[Mount, ...] | None = None
    devices: tuple[BlockDevice, ...] | None = None
    multipaths: tuple[Multipath, ...] = ()
    fc_hosts: tuple[FcHost, ...] = ()
    srp_ports: tuple[SrpPort, ...] = ()
    iscsi_sessions: tuple[IscsiSession, ...] = ()
    nvme_controllers: tuple[NvmeController, ...] = ()
    lock_tables: tuple[LockTable, ...] = ()
    gluster_clients: tuple[tuple[str, ...], ...] = ()
    """The command lines of the processes that serve its mounts of GlusterFS."""
    exports: tuple[Export, ...] = ()
