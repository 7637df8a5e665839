"""What one host of a fake world has and holds."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from vmferry.facts.compute import DomainSupport
from vmferry.facts.guest import CpuMatch, DiskSight, Reason
from vmferry.facts.host import HostCpu, HostFacts, KnownGuest, MachineSupport, Network
from vmferry.facts.look import INCOMING, OUTGOING, Look
from vmferry.facts.network import NetworkFacts
from vmferry.facts.pool import Pool
from vmferry.facts.storage import Mount, StorageFacts
from vmferry.facts.system import SystemFacts
from vmferry.facts.tls import TlsFacts
from vmferry.fakes.block_copy import Running
from vmferry.fakes.faults import HostFaults
from vmferry.fakes.guest import MACHINE, FakeGuest
from vmferry.fakes.lan import lan
from vmferry.fakes.system import SYSTEM
from vmferry.model.guest import Disk, Guest, GuestState
from vmferry.model.host import Host, HostEntry, HostState
from vmferry.model.migration import JobStats
from vmferry.model.storage import DiskCopy

IMAGES = "/var/lib/libvirt/images/"
"""Files below it are each host's own, and only there where they were put."""
SHARED_DIRECTORY = "/srv/shared/"
"""Files below it are the same on every host; other files are each host's own."""

LOCAL = Pool("local", "dir", True, True, IMAGES.rstrip("/"), capacity_bytes=1 << 40, available_bytes=1 << 39)
EMULATOR = "/usr/bin/qemu-system-x86_64"
OWN_CPU = HostCpu("x86_64 Intel Skylake-Server-IBRS", frozenset({"invtsc"}))
LIBVIRT, QEMU, RELEASE = "12.0.0", "10.0.2", "Debian GNU/Linux 13 (trixie)"


@dataclass(slots=True)
class FakeHost:
    """Freely changed by whoever holds the world; the guests on it by the world's methods."""

    entry: HostEntry
    libvirt: str = LIBVIRT
    memory_bytes: int = 64 << 30
    cpus: int = 16
    networks: tuple[Network, ...] | None = (Network("lab", True, True, "bridge", "br0"),)
    network: NetworkFacts | None = None
    """None: as the lab's hosts have it."""
    machines: frozenset[str] = frozenset({MACHINE, "pc-q35-10.0"})
    cpu: CpuMatch = CpuMatch.SUPERSET
    """What it answers about every guest's CPU."""
    own_cpu: HostCpu | None = OWN_CPU
    domains: tuple[DomainSupport, ...] = ()
    """What its libvirt tells that it can give its guests."""
    link_rate_bytes_s: int | None = 125_000_000
    shared_at: str = SHARED_DIRECTORY
    """Where it mounts what the others have at `SHARED_DIRECTORY`; with a slash at its end."""
    marks: set[str] = field(default_factory=set)
    """What its looks at disks have left on shared storage and not yet removed."""
    system: SystemFacts = SYSTEM
    pools: tuple[Pool, ...] = (LOCAL,)
    images: dict[str, int] = field(default_factory=dict)
    """Path to what is allocated of it, of files below `IMAGES`."""
    contents: dict[str, bytes] = field(default_factory=dict)
    """Path to what is in an image, where it matters."""
    volumes: dict[str, DiskCopy] = field(default_factory=dict)
    """By `POOL/NAME`, of those that were made."""
    missing: set[str] = field(default_factory=set)
    """Sources of disks that it does not see."""
    disk_problems: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """UUID to what its guest's disks suffer from."""
    faults: HostFaults = field(default_factory=HostFaults)
    active: dict[str, GuestState] = field(default_factory=dict)
    """UUID to state, of the guests that have a QEMU process here."""
    defined: set[str] = field(default_factory=set)
    """UUIDs of the guests whose definition is kept here."""
    tls: TlsFacts | None = None
    autostart: set[str] = field(default_factory=set)
    """UUIDs of the guests that are started with it."""
    kept_xml: dict[str, str] = field(default_factory=dict)
    """UUID to the definition that is kept here, of guests for which it matters."""
    jobs: dict[str, JobStats] = field(default_factory=dict)
    """UUID to the last reading of the migration that runs from here."""
    completed: dict[str, JobStats] = field(default_factory=dict)
    reasons: dict[str, Reason] = field(default_factory=dict)
    """UUID to why the guest is in its state, where that is out of the ordinary."""
    arriving: set[str] = field(default_factory=set)
    """UUIDs of guests that are just being received."""
    max_downtime_ms: dict[str, int] = field(default_factory=dict)
    max_bandwidth_bytes_s: dict[str, int] = field(default_factory=dict)
    """UUID to the limit of the guest's QEMU, where it is not QEMU's own."""
    block_copies: dict[str, Running] = field(default_factory=dict)
    """UUID to the block copy that runs on the guest here."""
    kept_disks: dict[tuple[str, str], str] = field(default_factory=dict)
    """(UUID, disk) to its image at the guest's next start, where that is another one."""
    other_jobs: dict[str, str] = field(default_factory=dict)
    """UUID to the kind of a job that runs on the guest here and is no migration, as `backup`."""

    def job(self, uuid: str) -> str | None:
        if uuid in self.arriving:
            return INCOMING
        return OUTGOING if uuid in self.jobs else self.other_jobs.get(uuid)

    def state(self, uuid: str) -> GuestState | None:
        return self.active.get(uuid, GuestState.SHUT_OFF if uuid in self.defined else None)

    def look(self, uuid: str) -> Look | None:
        state = self.state(uuid)
        if state is None:
            return None
        starts = state is GuestState.SHUT_OFF and uuid in self.autostart
        return Look(state, self.reasons.get(uuid), uuid in self.defined, self.job(uuid), starts)

    def run(self, uuid: str, state: GuestState, reason: Reason | None = None) -> None:
        """It has a QEMU process here from now on, or goes on with it in another state."""
        self.active[uuid] = state
        self.reasons.pop(uuid, None)
        if reason is not None:
            self.reasons[uuid] = reason

    def end(self, uuid: str) -> None:
        """Its QEMU process is gone, and all that went with it."""
        self.active.pop(uuid, None)
        self.reasons.pop(uuid, None)
        self.jobs.pop(uuid, None)
        self.block_copies.pop(uuid, None)
        self.max_downtime_ms.pop(uuid, None)
        self.max_bandwidth_bytes_s.pop(uuid, None)
        self.arriving.discard(uuid)

    def guests(self, known: dict[str, FakeGuest]) -> tuple[Guest, ...]:
        here = [known[uuid] for uuid in known if uuid in self.active or uuid in self.defined]
        states = [(guest, self.active.get(guest.uuid, GuestState.SHUT_OFF)) for guest in here]
        return tuple(guest.seen(self.entry.name, state, guest.uuid in self.defined) for guest, state in states)

    def describe(self) -> Host:
        guests = len(self.active.keys() | self.defined)
        facts = (RELEASE, self.libvirt, QEMU, self.memory_bytes, self.cpus, guests)
        return Host(self.entry.name, self.entry.uri, HostState.READY, *facts)

    def facts(self, known: dict[str, FakeGuest]) -> HostFacts:
        used_bytes = sum(known[uuid].memory_bytes for uuid in self.active)
        return HostFacts(
            name=self.entry.name,
            host_uuid=str(uuid.uuid5(uuid.NAMESPACE_DNS, self.entry.name)),
            peer_uri=self.entry.peer_uri or self.entry.uri,
            release=RELEASE,
            libvirt=self.libvirt,
            qemu=QEMU,
            memory_bytes=self.memory_bytes,
            memory_free_bytes=self.memory_bytes - used_bytes,
            cpus=self.cpus,
            cpu=self.own_cpu,
            guests=tuple(
                KnownGuest(each.name, each.uuid, each.state.active, vcpus=each.vcpus) for each in self.guests(known)
            ),
            networks=self.networks,
            migration_address=self.entry.migration_address,
            hostname=self.entry.name,
            tls=self.tls,
            qemu_owner="64055:109",
            clock_offset_s=0.0,
            system=self.system,
            network=self.network or lan(self.entry.name),
            storage=StorageFacts(mounts=(Mount(self.shared_at.rstrip("/"), "nfs4", "nas:/shared"),)),
            domains=self.domains,
            pools=self.pools,
            support=tuple(MachineSupport(kind, "x86_64", EMULATOR, self.machines) for kind in ("kvm", "qemu")),
        )

    def sight(self, disk: Disk, marks: Sequence[str] = ()) -> DiskSight:
        """`marks`: what another host has left beside it, to be looked for here."""
        moved = self.shared_at != SHARED_DIRECTORY and (disk.source or "").startswith(SHARED_DIRECTORY)
        pools = (f"{pool.path}/" for pool in self.pools if pool.path is not None)
        own = (disk.source or "").startswith((IMAGES, *pools)) and disk.source not in self.images
        if disk.source is None or disk.source in self.missing or moved or own:
            return DiskSight(disk.target, False, problem=f"{disk.source} is not there")
        shared = disk.kind == "network" or disk.source.startswith(self.shared_at)
        name = disk.source.replace(self.shared_at, SHARED_DIRECTORY, 1)
        identity = name if shared else f"{self.entry.name}:{disk.source}"
        marked = identity in marks if any(marks) else None
        return DiskSight(disk.target, True, identity=identity, shared_kind=shared, marked=marked, word=disk.source)

    def mark(self, disk: Disk, sight: DiskSight) -> DiskSight:
        """A mark is found by whoever sees the same file, which its identity says here."""
        if disk.kind == "network" or not sight.shared_kind or sight.identity is None:
            return sight
        self.marks.add(sight.identity)
        return replace(sight, marks=(sight.identity,), marked=True)
