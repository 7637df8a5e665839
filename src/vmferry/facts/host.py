"""What one host answered, at one moment."""

from __future__ import annotations

from dataclasses import dataclass

from vmferry.facts.compute import DomainSupport, NumaCell, Secret
from vmferry.facts.network import NetworkFacts
from vmferry.facts.pool import Pool
from vmferry.facts.storage import StorageFacts
from vmferry.facts.system import SystemFacts
from vmferry.facts.tls import TlsFacts
from vmferry.model.host import HostState


@dataclass(frozen=True, slots=True)
class KnownGuest:
    """A guest of that host, only as far as names can collide."""

    name: str
    uuid: str
    active: bool
    memory_bytes: int | None = None
    """What its definition gives it; None: not told."""
    vcpus: int | None = None
    """The same."""
    disks: tuple[str, ...] = ()
    """Sources of those of its disks that it writes to, and that it shares with no other guest on purpose."""


ISOLATED = "isolated"


@dataclass(frozen=True, slots=True)
class PortGroup:
    """A class of connections to a libvirt network."""

    name: str
    default: bool = False
    vlans: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Network:
    """A libvirt network of that host."""

    name: str
    active: bool
    autostart: bool | None = None
    """None: not told, as of a transient one."""
    forward: str | None = None
    """`bridge`, `nat`, `route`, `open`, `private`, `vepa`, `passthrough`, `hostdev`, `isolated`; None: not known."""
    bridge: str | None = None
    devices: tuple[str, ...] = ()
    """Of the host: what guests are attached to where there is no bridge."""
    mtu: int | None = None
    vlans: tuple[int, ...] = ()
    virtualport: str | None = None
    portgroups: tuple[PortGroup, ...] = ()


@dataclass(frozen=True, slots=True)
class MachineSupport:
    """What one virtualisation type of that host's QEMU can run, from its capabilities."""

    virt_type: str
    """`kvm` or `qemu`."""
    arch: str
    emulator: str
    machines: frozenset[str]


@dataclass(frozen=True, slots=True)
class HostCpu:
    """A host's own CPU as libvirt names it."""

    name: str
    """Architecture, vendor and nearest model."""
    features: frozenset[str]
    """Beyond the model's."""
    signature: str | None = None
    """Family, model and stepping, as the CPU itself says; None: libvirt does not tell."""
    microcode: int | None = None
    tsc_hz: int | None = None
    """Of its time stamp counter; None: libvirt does not tell, as without KVM."""
    tsc_scaling: bool | None = None
    """A guest can be given another frequency."""


@dataclass(frozen=True, slots=True)
class HostFacts:
    """One host. `problem` is set, and the rest is empty, where it could not be asked."""

    name: str
    problem: str | None = None
    unreadable: tuple[str, ...] = ()
    """What it did answer but cannot be read, as malformed XML: why, each. What it would have told is not known."""
    host_uuid: str | None = None
    """Libvirt's host UUID: two hosts with one are one host to libvirt."""
    peer_uri: str | None = None
    """The URI by which the other hosts are told to reach its libvirt."""
    migration_address: str | None = None
    """Where the data of migrations to it go; None leaves that to its libvirt."""
    hostname: str | None = None
    """Its own name, as its libvirt gives it to the others."""
    state: HostState = HostState.READY
    """What its administrator says of it."""
    release: str | None = None
    """Of its operating system; None also where there is no shell on it."""
    libvirt: str | None = None
    qemu: str | None = None
    memory_bytes: int | None = None
    memory_free_bytes: int | None = None
    """Free and reclaimable: what a new guest can have without swapping."""
    cpus: int | None = None
    cpu: HostCpu | None = None
    """None: libvirt does not say."""
    guests: tuple[KnownGuest, ...] = ()
    networks: tuple[Network, ...] | None = ()
    """None: not known, its libvirt has no network driver."""
    support: tuple[MachineSupport, ...] = ()
    clock_offset_s: float | None = None
    """What its clock is ahead of the one that asked; None: its shell did not tell."""
    clock_error_s: float = 0.0
    """The offset may be off by so much: the answer was on its way for twice as long."""
    system: SystemFacts | None = None
    """This and the next two are told by its shell; None: there is none, or it did not answer."""
    network: NetworkFacts | None = None
    storage: StorageFacts | None = None
    tls: TlsFacts | None = None
    """Told by its shell too."""
    domains: tuple[DomainSupport, ...] = ()
    """What it can give its guests, a kind each; empty: libvirt does not tell."""
    cells: tuple[NumaCell, ...] | None = None
    """None: not told."""
    secrets: tuple[Secret, ...] | None = None
    """None: not told, as by a libvirt without the driver for secrets."""
    pools: tuple[Pool, ...] | None = None
    """None: not told, as by a libvirt without the driver for storage."""
    qemu_owner: str | None = None
    """As whom its libvirt runs QEMU: `UID:GID`; None: not told."""
    claimed_bytes: int = 0
    """Memory that guests which are just being migrated to it will still fill."""

    @property
    def room_bytes(self) -> int | None:
        """For another guest; below 0 where more is claimed than is free. None: not known."""
        return None if self.memory_free_bytes is None else self.memory_free_bytes - self.claimed_bytes
