"""Devices that cannot be moved as they are, each with its way out."""

from __future__ import annotations

from collections.abc import Iterator

from vmferry.facts.guest import GuestFacts
from vmferry.facts.needs import Bound, Tie
from vmferry.model.finding import Finding, Severity
from vmferry.rules.registry import Voice, guest_rule

MOST_VECTORS = 32


@guest_rule(
    "device.virtio-vectors",
    "no virtio device has more than 32 vectors",
    "guide 15.2: set the number of vectors on any virtio device on either platform to 32 or fewer",
)
def virtio_vectors(facts: GuestFacts, say: Voice) -> Iterator[Finding]:
    required = f"{MOST_VECTORS} or fewer"
    above = [(place, number) for place, number in facts.max_vectors if number > MOST_VECTORS]
    for place, number in above:
        remedy = f"lower it in virsh edit {facts.guest.name}, then shut the guest down and start it"
        yield say.refuse(place, f"{number} vectors", required, remedy)
    if not above:
        most = max((number for _, number in facts.max_vectors), default=0)
        observed = f"at most {most} set" if most else "none sets a number"
        yield say.ok(facts.guest.name, observed, required)


@guest_rule(
    "device.passthrough",
    "no device of the host is passed through to the guest",
    "libvirt: cannot migrate a domain with <hostdev mode='subsystem' type='...'>; QEMU: VFIO migration is not "
    "supported in kernel; Multiple VFIO devices migration is supported only if all of them support P2P migration",
)
def passthrough(facts: GuestFacts, say: Voice) -> Iterator[Finding]:
    found = facts.needs.tied(Bound.PASSED_DEVICE, Bound.PASSED_USB, Bound.PASSED_LUN, Bound.TEAMED)
    for tie in found:
        yield _judge_passed(facts, tie, say)
    if not found:
        yield say.ok(facts.guest.name, "none is", "no device of the host")


def _judge_passed(facts: GuestFacts, tie: Tie, say: Voice) -> Finding:
    name, host = facts.guest.name, facts.guest.host
    required = "no device of the host, or one that QEMU can take away for the time of the migration"
    detach = f"on {host}: {_detach(facts)}, FILE being its element of virsh dumpxml {name}"
    if tie.bound is Bound.TEAMED:
        return say.ok(tie.subject, "QEMU takes it away while its team mate carries the network", required)
    if tie.bound is Bound.PASSED_USB:
        remedy = f"{detach}; plug in the same one at the target and attach it there afterwards"
        return say.unknown(tie.subject, "the target has to have the same USB device", required, remedy)
    if tie.bound is Bound.PASSED_LUN:
        observed = "the target has to get at it too; libvirt 9.0 with QEMU 7.2 moves it, much older ones refuse"
        return say.unknown(tie.subject, observed, required, detach)
    if tie.subject.startswith("interface"):
        mac = tie.subject.partition(" ")[2]
        remedy = (
            f"on {host}: virsh detach-interface {name} hostdev --mac {mac} {_scope(facts)}; or make it a failover pair "
            "(<teaming type='transient'> beside a virtio card with <teaming type='persistent'>) and start it anew"
        )
        return say.refuse(tie.subject, f"passed through: {tie.detail}", required, remedy)
    if tie.detail not in ("", "vfio") and tie.subject.startswith("hostdev pci"):
        observed = f"its driver {tie.detail} may be able to move it; only QEMU itself knows, and if all others can too"
        return say.unknown(tie.subject, observed, required, detach)
    return say.refuse(tie.subject, f"passed through {tie.detail}".strip(), required, detach)


def _detach(facts: GuestFacts) -> str:
    return f"virsh detach-device {facts.guest.name} FILE {_scope(facts)}"


def _scope(facts: GuestFacts) -> str:
    return "--live" if facts.guest.state.active else "--config"


@guest_rule(
    "device.filesystem",
    "no directory of the host is shared with the guest",
    "libvirt: migration with virtiofs device is not supported; QEMU: Migration is disabled when VirtFS export path "
    "'...' is mounted in the guest",
)
def filesystems(facts: GuestFacts, say: Voice) -> Iterator[Finding]:
    name, host = facts.guest.name, facts.guest.host
    found = facts.needs.tied(Bound.VIRTIOFS, Bound.NINEP)
    required = "no directory of the host"
    for tie in found:
        detach = f"then on {host}: {_detach(facts)}, FILE being its <filesystem>"
        if tie.bound is Bound.VIRTIOFS:
            remedy = f"unmount it in the guest; {detach}"
            yield say.refuse(tie.subject, f"virtiofs of {tie.detail}", required, remedy)
        else:
            remedy = f"in the guest: umount -a -t 9p, which is enough, but cannot be seen from here; {detach}"
            yield say.unknown(tie.subject, f"9p of {tie.detail}; whether it is mounted is not seen", required, remedy)
    if not found:
        yield say.ok(name, "none is", required)


@guest_rule(
    "device.shmem",
    "memory shared with others is the guest's own to move",
    "libvirt: shmem device '...' cannot be migrated, only shmem with role='master' can be migrated; migration with "
    "legacy shmem device is not supported",
)
def shared_memory(facts: GuestFacts, say: Voice) -> Iterator[Finding]:
    name, required = facts.guest.name, "<shmem role='master'>, if any"
    found = facts.needs.tied(Bound.SHMEM, Bound.LEGACY_SHMEM)
    for tie in found:
        what = "model ivshmem" if tie.bound is Bound.LEGACY_SHMEM else f"role {tie.detail}"
        remedy = (
            f"on {facts.guest.host}: {_detach(facts)}, FILE being its <shmem>; or model "
            "ivshmem-plain or ivshmem-doorbell with role='master' (virsh edit, start anew)"
        )
        yield say.refuse(tie.subject, what, required, remedy)
    if not found:
        yield say.ok(name, "none is in the way", required)


@guest_rule(
    "device.transient-disk",
    "no disk forgets what is written to it",
    "libvirt: migration with transient disk is not supported",
)
def transient_disks(facts: GuestFacts, say: Voice) -> Iterator[Finding]:
    name, required = facts.guest.name, "no <transient/> disk"
    found = facts.needs.tied(Bound.TRANSIENT_DISK)
    for tie in found:
        remedy = f"virsh edit {name}, take <transient/> out of {tie.subject}, then shut the guest down and start it"
        yield say.refuse(tie.subject, "<transient/>", required, remedy)
    if not found:
        yield say.ok(name, "none does", required)


_FIXED: dict[Bound, tuple[Severity, str, str]] = {
    Bound.CONFIDENTIAL: (
        Severity.REFUSE,
        "its memory is sealed to this host's processor",
        "shut it down and start it on the target; live it cannot move",
    ),
    Bound.RENDERING: (
        Severity.REFUSE,
        "3D rendering keeps its state in the host's graphics driver",
        "virsh edit, take accel3d and <gl enable='yes'/> out, then shut it down and start it",
    ),
    Bound.BLOB: (
        Severity.UNKNOWN,
        "blob resources move only with some of QEMU's releases",
        "virsh edit, take blob='on' out, then shut it down and start it",
    ),
    Bound.VDPA: (
        Severity.REFUSE,
        "vDPA hands the guest a part of the host's card",
        "virsh detach-device with its element, and a virtio card on the bridge in its place",
    ),
    Bound.UNPLACED_MEMORY: (
        Severity.REFUSE,
        "a memory module without slot and base address",
        "virsh detach-device with its <memory>, then attach it again: libvirt then gives it a place",
    ),
}
"""What has one way out and no more to it: the table of the remaining blockers."""


@guest_rule(
    "device.migratable",
    "no other device keeps the guest where it is",
    "QEMU: SEV: Migration is not implemented; virgl is not yet migratable. libvirt: vDPA devices cannot be migrated; "
    "domain's dimm info lacks slot ID or base address",
)
def migratable(facts: GuestFacts, say: Voice) -> Iterator[Finding]:
    found = facts.needs.tied(*_FIXED)
    required = "devices whose state QEMU can send"
    for tie in found:
        severity, observed, remedy = _FIXED[tie.bound]
        speak = say.unknown if severity is Severity.UNKNOWN else say.refuse
        yield speak(tie.subject, observed, required, f"on {facts.guest.host}, guest {facts.guest.name}: {remedy}")
    if not found:
        yield say.ok(facts.guest.name, "none does", required)


_HOSTS: dict[Bound, str] = {
    Bound.HOST_DEVICE_FILE: "it is {detail} of whichever host the guest is on",
    Bound.HOST_SOCKET: "it connects to {detail}, where something has to listen on the target too",
    Bound.VHOST_USER: "another process serves it at {detail}, which has to run on the target too",
}


@guest_rule(
    "device.host-file",
    "no device hangs on a file or socket of the host",
    "QEMU: Could not open '/dev/ttyS0'; Failed to connect to '...': No such file or directory",
    severity=Severity.WARN,
)
def host_files(facts: GuestFacts, say: Voice) -> Iterator[Finding]:
    required = "nothing of this host that the target may not have"
    found = facts.needs.tied(*_HOSTS, Bound.HOST_FILE)
    for tie in found:
        if tie.bound is Bound.HOST_FILE:
            remedy = "copy it if it is wanted; a log begins anew"
            yield say.note(tie.subject, f"{tie.detail} stays on {facts.guest.host}", required, remedy)
        else:
            remedy = "make sure of it on the target, or detach it: virsh detach-device"
            yield say.warn(tie.subject, _HOSTS[tie.bound].format(detail=tie.detail), required, remedy)
    if not found:
        yield say.ok(facts.guest.name, "none does", required)


@guest_rule(
    "device.qemu-arguments",
    "QEMU is given nothing behind libvirt's back",
    "QEMU: arguments that libvirt does not understand are checked by nobody before the target's QEMU starts",
    severity=Severity.INFO,
)
def qemu_arguments(facts: GuestFacts, say: Voice) -> Iterator[Finding]:
    found = facts.needs.tied(Bound.FREE_HAND)
    required = "no qemu:commandline or qemu:override"
    for tie in found:
        remedy = "the target's QEMU has to take them as the source's did"
        observed = (
            f"{len(facts.needs.arguments)} arguments" if tie.subject.endswith("line") else "properties overridden"
        )
        yield say.note(tie.subject, observed, required, remedy)
    if not found:
        yield say.ok(facts.guest.name, "there is none", required)
