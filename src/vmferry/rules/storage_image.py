"""Every image is there on both hosts, of a format and by a driver that QEMU can take along, and open to QEMU."""

from __future__ import annotations

from collections.abc import Iterator

from vmferry.facts.disk import FileSight
from vmferry.facts.guest import GuestFacts
from vmferry.facts.host import HostFacts
from vmferry.facts.move import MoveFacts
from vmferry.model.finding import Finding
from vmferry.model.guest import Disk
from vmferry.rules.alike import by_files
from vmferry.rules.layers import Layer, eject, kept, layers, mount_command
from vmferry.rules.registry import Voice, guest_rule, move_rule

EXTRA = "qemu-block-extra"
"""Debian's package of QEMU's drivers for iSCSI, NFS, RBD and others."""
_PACKAGES = {"rhel": "qemu-kvm-block-{}", "fedora": "qemu-block-{}", "suse": "qemu-block-{}"}
_MODULES = {"http": "curl", "https": "curl", "ftp": "curl", "ftps": "curl"}
_BLOCKED = frozenset({"vmdk", "vdi", "vhdx", "vpc", "parallels", "qcow", "vvfat"})
"""Formats whose drivers in QEMU block migration, as they keep what they have read in memory."""


@move_rule(
    "storage.image",
    "every disk's image is there on both hosts",
    "libvirt: Cannot access storage file '...': No such file or directory",
    guards_data=True,
    alike=by_files,
)
def image_there(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    for disk in kept(move):
        found = list(layers(move, disk))
        missing = [finding for layer in found for finding in _missing(layer, say)]
        yield from missing
        if found and not missing and all(layer.here.seen and layer.there.seen for layer in found):
            if not all(layer.there.opened for layer in found):
                remedy = f"make sure that {move.target.host.name} has its secret: virsh secret-list"
                observed = "named alike, and not opened: only libvirt holds its credentials"
                yield say.note(disk.target, observed, f"{disk.source} on both hosts", remedy)
                continue
            chain = f", with {len(found) - 1} that it rests on" if len(found) > 1 else ""
            yield say.ok(disk.target, f"it is on both{chain}", f"{disk.source} on both hosts")


def _missing(layer: Layer, say: Voice) -> Iterator[Finding]:
    move, disk, required = layer.move, layer.disk, f"{layer.word} on both hosts"
    if layer.here.seen is False and layer.here.lacks_driver is None:
        remedy = f"{eject(move, disk)}mend the disk's source on {layer.source}"
        yield say.refuse(disk.target, f"{layer.name}{layer.source}: {layer.here.problem}", required, remedy)
    elif layer.there.seen is False and layer.there.lacks_driver is None and not layer.local:
        mount = mount_command(move, layer.here)
        reach = mount or f"make {layer.word} reachable from {layer.target} (mount, export, access list)"
        if layer.here.shared_kind is False:
            reach = f"copy {layer.word} from {layer.source} to {layer.target}"
        observed = f"{layer.name}{layer.target}: {layer.there.problem}"
        yield say.refuse(disk.target, observed, required, f"{eject(move, disk)}{reach}")


@move_rule(
    "storage.driver",
    "QEMU on the target has the driver for every disk's protocol",
    "QEMU: Could not open '...': Unknown driver '...'",
    alike=by_files,
)
def driver(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    for disk in move.guest.guest.disks:
        for layer in layers(move, disk):
            protocol = layer.there.lacks_driver
            required = f"a driver for {protocol or layer.there.protocol} in QEMU on {layer.target}"
            if protocol is not None:
                remedy = f"on {layer.target}: install {_package(move.target.host, protocol)}"
                yield say.refuse(disk.target, f"QEMU on {layer.target} has no driver for {protocol}", required, remedy)
            elif layer.there.seen and layer.there.opened and "://" in layer.word:
                yield say.ok(disk.target, f"QEMU on {layer.target} opens {layer.word}", required)


def _package(host: HostFacts, protocol: str) -> str:
    system = host.system
    known = {system.os_id or "", *system.os_like} if system is not None else set()
    named = next((form for family, form in _PACKAGES.items() if family in known), EXTRA)
    return named.format(_MODULES.get(protocol, protocol))


@guest_rule(
    "storage.format",
    "every image is of a format that can migrate live",
    "QEMU: The vmdk format used by node '...' does not support live migration",
)
def image_format(facts: GuestFacts, say: Voice) -> Iterator[Finding]:
    required = "raw, qcow2, or another format whose driver lets go of what it has read"
    for disk in facts.guest.disks:
        blocked = [form for form in _formats(disk) if form in _BLOCKED]
        if blocked:
            remedy = (
                f"shut {facts.guest.name} down, qemu-img convert -O qcow2 {disk.source} NEW,"
                f" and name the new image in its definition"
            )
            yield say.refuse(disk.target, f"{blocked[0]} in {disk.source}", required, remedy)
        elif disk.source is not None:
            yield say.ok(disk.target, disk.format or "as libvirt takes it: raw", required)


def _formats(disk: Disk) -> Iterator[str]:
    """A directory that is shown as a disk is QEMU's vvfat."""
    if disk.kind == "dir":
        yield "vvfat"
    yield from (disk.format or "", *disk.backing_formats)


@move_rule(
    "storage.image-access",
    "QEMU on the target may open every image",
    "libvirt: Cannot access storage file '...' (as uid:..., gid:...): Permission denied",
    alike=by_files,
)
def image_access(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    for disk in kept(move):
        for layer in layers(move, disk):
            if layer.there.seen is None and "Permission denied" in (layer.there.problem or ""):
                yield _closed_directory(layer, say)
            elif layer.there.file is not None and not layer.local:
                yield _access(layer, layer.there.file, say)


def _closed_directory(layer: Layer, say: Voice) -> Finding:
    observed = f"{layer.name}root on {layer.target} may not even look at it: {layer.there.problem}"
    required = f"{layer.word} open to QEMU on {layer.target}"
    remedy = "let its server trust root of that host (no_root_squash), or open the directories to all (chmod o+x)"
    return say.refuse(layer.disk.target, observed, required, remedy)


def _access(layer: Layer, file: FileSight, say: Voice) -> Finding:
    need = "r" if layer.read_only or not layer.top else "rw"
    host = layer.move.target.host
    required = f"{layer.word} open for {'reading' if need == 'r' else 'reading and writing'} to {file.user or 'QEMU'}"
    subject, target = layer.disk.target, layer.target
    barrier = _barrier(host, layer, file, need)
    if barrier is not None:
        return say.refuse(subject, f"{layer.name}{barrier[0]}", required, barrier[1])
    if file.user_may is None:
        remedy = f"let ssh to {target} log in as root"
        return say.note(subject, f"{layer.name}there, but nobody has tried to open it as QEMU", required, remedy)
    if _within(need, file.user_may):
        return say.ok(subject, f"{layer.name}{file.user} on {target} may open it", required)
    return say.ok(subject, f"{layer.name}libvirt on {target} makes it {file.user}'s before QEMU opens it", required)


def _within(need: str, may: str) -> bool:
    return set(need) <= set(may)


def _barrier(host: HostFacts, layer: Layer, file: FileSight, need: str) -> tuple[str, str] | None:
    """(the layer that keeps QEMU from it, what to do); None: none was found."""
    selinux = _selinux(host, file)
    if selinux is not None:
        return selinux
    if need == "rw" and file.read_only:
        remedy = f"on {host.name}: mount -o remount,rw {file.mount}"
        return f"{file.mount} is mounted read-only on {host.name}", remedy
    if file.user_may is None or _within(need, file.user_may):
        return None
    if not _within(need, file.root_may or ""):
        observed = f"not even root on {host.name} may open it: its server trusts no root (root squash)"
        remedy = (
            f"export it with no_root_squash to {host.name}, or make it {file.user}'s (chown {file.user} on the server)"
        )
        return observed, remedy
    if _gives(host):
        return None
    owner = f"owner {file.uid}:{file.gid}, mode {file.mode or 0:o}"
    observed = f"{file.user} on {host.name} may not open it ({owner}), and dynamic_ownership = 0 leaves it so"
    path = file.path
    return observed, f"chown {file.user} {path}, or on {host.name} dynamic_ownership = 1 in /etc/libvirt/qemu.conf"


def _gives(host: HostFacts) -> bool:
    """Libvirt gives an image to QEMU's user by itself, which it does unless told otherwise."""
    conf = host.system.conf("qemu.conf") if host.system is not None else None
    setting = conf.setting("dynamic_ownership") if conf is not None else None
    return setting is None or setting.value != 0


_BOOLEANS = {
    "nfs": "virt_use_nfs",
    "cifs": "virt_use_samba",
    "smb3": "virt_use_samba",
    "fuse": "virt_use_fusefs",
}


def _selinux(host: HostFacts, file: FileSight) -> tuple[str, str] | None:
    system = host.system
    if system is None or system.selinux != "enforcing":
        return None
    boolean = _BOOLEANS.get(file.kind.partition(".")[0])
    if boolean is None or dict(system.selinux_booleans).get(boolean) is not False:
        return None
    observed = f"SELinux on {host.name} keeps QEMU from {file.kind}: {boolean} is off"
    return observed, f"on {host.name}: setsebool -P {boolean} on"
