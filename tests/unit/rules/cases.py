"""A move that every rule lets pass, and the means to break one thing of it."""

from __future__ import annotations

from dataclasses import replace

from vmferry.facts.disk import DiskSight
from vmferry.facts.guest import CpuMatch, GuestFacts
from vmferry.facts.host import HostCpu, HostFacts, KnownGuest, MachineSupport
from vmferry.facts.move import MoveFacts, TargetFacts
from vmferry.facts.wish import MoveWish
from vmferry.model.finding import Severity
from vmferry.model.guest import Disk, Guest, GuestState, Nic

from .passing_definition import MIGRATABLE
from .passing_network import PATH, network_of_host
from .passing_storage import KEPT, POOL, STORAGE, URL
from .passing_system import SYSTEM

OK, WARN, UNKNOWN, REFUSE = Severity.INFO, Severity.WARN, Severity.UNKNOWN, Severity.REFUSE

Cases = dict[str, list[tuple[str, MoveFacts, Severity, str]]]
"""Rule id to its cases: a name, the facts, the worst severity that is then said, and words of what was observed."""

GIB = 1 << 30
UUID = "11111111-2222-3333-4444-555555555555"
OTHER_UUID = "99999999-2222-3333-4444-555555555555"

GUEST = Guest(
    name="web",
    uuid=UUID,
    host="h1",
    state=GuestState.RUNNING,
    memory_bytes=GIB,
    vcpus=1,
    disks=(
        Disk("vda", "disk", "file", "/srv/shared/web.img", "raw", "none"),
        Disk("vdb", "disk", "network", URL.word, "raw", "none"),
        Disk("sda", "cdrom", "empty", None),
    ),
    nics=(Nic("52:54:00:00:00:01", "network", "lab", "virtio"),),
)
FACTS = GuestFacts(
    guest=GUEST,
    live_xml="<domain/>",
    migratable_xml=MIGRATABLE,
    virt_type="kvm",
    arch="x86_64",
    machine="pc-q35-7.2",
    cpu_xml="<cpu/>",
    cpu_mode="custom",
    max_vectors=(("interface 52:54:00:00:00:01 queues", 10),),
)
CPU = HostCpu("x86_64 Intel Skylake-Client", frozenset({"vmx", "invtsc"}))


def host(name: str, uuid: str) -> HostFacts:
    support = MachineSupport("kvm", "x86_64", "/usr/bin/qemu-system-x86_64", frozenset({"pc-q35-7.2", "pc-q35-10.0"}))
    return HostFacts(
        name=name,
        host_uuid=uuid,
        peer_uri=f"qemu+ssh://root@{name}/system",
        libvirt="11.3.0",
        qemu="10.0.2",
        memory_bytes=8 * GIB,
        memory_free_bytes=4 * GIB,
        cpus=4,
        cpu=CPU,
        **network_of_host(name),
        support=(support,),
        clock_offset_s=0.0,
        system=SYSTEM,
        storage=STORAGE,
        pools=(POOL,),
    )


SIGHT = KEPT
PASSING = MoveFacts(
    guest=FACTS,
    source=host("h1", "aaaaaaaa-0000-0000-0000-000000000001"),
    source_disks=(SIGHT, URL, DiskSight("sda", None)),
    target=TargetFacts(host("h2", "aaaaaaaa-0000-0000-0000-000000000002"), cpu=CpuMatch.SUPERSET, disks=(SIGHT, URL)),
    path=PATH,
    wish=MoveWish(definition=MIGRATABLE),
)


def with_guest(**changes: object) -> MoveFacts:
    """The passing move with fields of the guest changed."""
    facts = replace(FACTS, guest=replace(GUEST, **changes))  # type: ignore[arg-type]
    return replace(PASSING, guest=facts)


def with_facts(**changes: object) -> MoveFacts:
    """The passing move with fields of the guest's facts changed."""
    return replace(PASSING, guest=replace(FACTS, **changes))  # type: ignore[arg-type]


def with_target(**changes: object) -> MoveFacts:
    """The passing move with fields of the target host changed."""
    target = replace(PASSING.target, host=replace(PASSING.target.host, **changes))  # type: ignore[arg-type]
    return replace(PASSING, target=target)


def with_source(**changes: object) -> MoveFacts:
    return replace(PASSING, source=replace(PASSING.source, **changes))  # type: ignore[arg-type]


def with_sights(here: DiskSight | None, there: DiskSight | None) -> MoveFacts:
    """The passing move with vda seen so from the source and so from the target; None: no sight at all."""
    target = replace(PASSING.target, disks=(URL,) if there is None else (there, URL))
    return replace(PASSING, source_disks=(URL,) if here is None else (here, URL), target=target)


def with_iso(here: DiskSight, there: DiskSight, device: str = "cdrom") -> MoveFacts:
    """The passing move with a read-only image as vda, on a file system of each host's own, seen so."""
    disk = Disk("vda", device, "file", "/srv/setup.iso", "raw", read_only=True)
    return replace(with_sights(here, there), guest=replace(FACTS, guest=replace(GUEST, disks=(disk,))))


def with_host_passthrough(here: HostCpu | None, there: HostCpu | None) -> MoveFacts:
    move = replace(with_facts(cpu_mode="host-passthrough"), source=replace(PASSING.source, cpu=here))
    return replace(move, target=replace(move.target, host=replace(move.target.host, cpu=there)))


def with_cpu(match: CpuMatch, detail: str = "") -> MoveFacts:
    return replace(PASSING, target=replace(PASSING.target, cpu=match, cpu_detail=detail))


KNOWN_RUNNING = KnownGuest("web", OTHER_UUID, active=True)
KNOWN_STALE = KnownGuest("web-old", UUID, active=False)
