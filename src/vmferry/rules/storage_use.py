"""How disks are used: their cache modes, other guests that have them too, their pools, and the ways to them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from vmferry.facts.disk import FileSight
from vmferry.facts.host import HostFacts, KnownGuest
from vmferry.facts.move import MoveFacts
from vmferry.facts.pool import Pool
from vmferry.model.finding import Finding, Severity
from vmferry.model.guest import Disk
from vmferry.rules.alike import by_files
from vmferry.rules.layers import Layer, kept, layers
from vmferry.rules.registry import Voice, host_rule, move_rule

_COHERENT = frozenset({"gfs2", "ocfs2"})
"""Cluster file systems keep the hosts' page caches alike."""
_BY_LIBVIRT = frozenset(
    {"nfs", "gfs2", "ocfs2", "afs", "cifs", "smb3", "ceph", "gpfs", "acfs", "beegfs"}
    | {"fuse.quobyte", "fuse.glusterfs", "glusterfs"}
)
"""File systems that libvirt takes for shared."""
_DROPS_CACHE = ((5, 7), (4, 0))
"""From these releases of libvirt and QEMU on, QEMU drops what the target's page cache holds before the guest runs."""


@move_rule(
    "storage.known-to-libvirt",
    "libvirt takes every shared file system for one",
    "libvirt: Unsafe migration: Migration without shared storage is unsafe",
    alike=by_files,
)
def known_to_libvirt(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    for disk in kept(move):
        layer = next(iter(layers(move, disk)), None)
        if layer is None or layer.here.file is None or layer.here.shared_kind is False or disk.read_only:
            continue
        kind, path = layer.here.file.kind, layer.here.file.path
        required = f"a file system that libvirt on {move.source.name} knows to be shared"
        if kind in _BY_LIBVIRT or _declared(move.source, path):
            yield say.ok(disk.target, kind, required)
        elif kind:
            remedy = (
                f'on {move.source.name} and {move.target.host.name}: shared_filesystems = [ "{layer.here.file.mount}" ]'
                f" in /etc/libvirt/qemu.conf, and restart the daemon; an old libvirt needs another kind of share"
            )
            yield say.refuse(disk.target, f"{path} is on {kind}, which libvirt does not know", required, remedy)


def _declared(host: HostFacts, path: str) -> bool:
    conf = host.system.conf("qemu.conf") if host.system is not None else None
    setting = conf.setting("shared_filesystems") if conf is not None else None
    known = setting.value if setting is not None and isinstance(setting.value, tuple) else ()
    return any(f"{path}/".startswith(f"{each.rstrip('/')}/") for each in known)


@move_rule(
    "storage.cache",
    "no disk's data stay behind in a host's page cache",
    "libvirt: Migration may lead to data corruption if disks use cache other than none or directsync",
    alike=by_files,
)
def cache_mode(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    """As libvirt on the source will judge it, but for `unsafe`, which it lets pass."""
    for disk in kept(move):
        layer = next(iter(layers(move, disk)), None)
        if disk.kind != "network" and not disk.read_only and not disk.shareable and not (layer and layer.local):
            yield _cache(move, disk, layer, say)


def _cache(move: MoveFacts, disk: Disk, layer: Layer | None, say: Voice) -> Finding:
    required = "cache mode none or directsync"
    kind = layer.here.file.kind if layer is not None and layer.here.file is not None else ""
    shown = f"cache mode {disk.cache}" if disk.cache not in (None, "default") else "no cache mode, which is writeback"
    if disk.cache in ("none", "directsync"):
        return say.ok(disk.target, shown, required)
    name = move.guest.guest.name
    remedy = f"virsh edit {name}: <driver cache='none'/> of {disk.target}, then shut {name} down and start it again"
    if disk.cache == "unsafe":
        return say.refuse(disk.target, f"{shown}: what is written may not be there when it arrives", required, remedy)
    if kind in _COHERENT:
        return say.ok(disk.target, f"{shown}, on {kind}, which keeps caches alike", required)
    versions = f"libvirt {move.source.libvirt} with QEMU {move.source.qemu}"
    if not _drops_cache(move.source):
        return say.refuse(disk.target, f"{shown}, and {versions} does not drop caches", required, remedy)
    observed = f"{shown}: {versions} lets it pass, and relies on QEMU to drop the target's cache"
    return say.warn(disk.target, observed, required, remedy)


def _drops_cache(host: HostFacts) -> bool:
    told = (host.libvirt, host.qemu)
    return all(
        version is not None and tuple(map(int, re.findall(r"\d+", version)[:2])) >= least
        for version, least in zip(told, _DROPS_CACHE, strict=True)
    )


@move_rule(
    "storage.growing",
    "the target sees at once how long an image has become",
    "tried: what the guest wrote behind the end that the target remembers reads as zeros there after the switch",
    alike=by_files,
)
def growing(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    """Of FUSE, whose clients let the kernel keep a file's size for a while: GlusterFS's for 1 s unless told not to."""
    for disk in kept(move):
        layer = next(iter(layers(move, disk)), None)
        seen = layer.there.file if layer is not None else None
        if seen is None or not _grows(disk, seen) or not seen.kind.startswith(("fuse.", "glusterfs")):
            continue
        required = f"{seen.mount} on {move.target.host.name} mounted with attribute-timeout=0"
        setting = f"{seen.mount} on {move.target.host.name} mounted so that it keeps no sizes"
        if "glusterfs" not in seen.kind:
            remedy = "look up by what option its client does so, or migrate it while it writes nothing new"
            yield say.warn(disk.target, f"how long {seen.kind} keeps sizes there is not known", setting, remedy)
            continue
        remedy = (
            f"add attribute-timeout=0 to the options of {seen.mount} on all hosts (in /etc/fstab), and mount it anew;"
            f" until then: migrate {move.guest.guest.name} while it writes nothing new, or by --storage copy"
        )
        kept_s = _sizes_kept_s(move.target.host, seen.mount)
        if kept_s is None:
            yield say.warn(disk.target, "how long sizes are kept there is not known", required, remedy)
        elif kept_s > 0:
            yield say.refuse(disk.target, f"{disk.format} grows, and sizes are kept for {kept_s:g} s", required, remedy)
        else:
            yield say.ok(disk.target, "sizes are asked for anew every time", required)


def _grows(disk: Disk, seen: FileSight) -> bool:
    full = None not in (seen.virtual_bytes, seen.allocated_bytes) and seen.allocated_bytes >= seen.virtual_bytes  # type: ignore[operator]
    return disk.format != "raw" and not disk.read_only and not full


def _sizes_kept_s(host: HostFacts, mount: str) -> float | None:
    """By the client that serves the mount; it keeps them for 1 s where it was told nothing."""
    for words in host.storage.gluster_clients if host.storage is not None else ():
        if words[-1] == mount:
            told = re.search(r"--attribute-timeout[= ](\d+(?:\.\d+)?)", " ".join(words))
            return float(told[1]) if told else 1.0
    return None


@move_rule(
    "storage.in-use",
    "no other guest writes to the guest's disks",
    'QEMU: Failed to get "write" lock; Is another process using the image [...]?',
    guards_data=True,
    alike=by_files,
)
def in_use(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    guest = move.guest.guest
    for disk in guest.disks:
        if disk.source is None or disk.read_only or disk.shareable:
            continue
        required = f"{disk.source} used by {guest.name} alone"
        found = list(_users(move, disk))
        for host, known in found:
            state = "running" if known.active else "shut off"
            observed = f"the {state} guest {known.name} on {host} has it too"
            remedy = f"give one of the two another disk: on {host}: virsh edit {known.name}"
            yield (say.refuse if known.active else say.warn)(disk.target, observed, required, remedy)
        if not found:
            yield say.ok(disk.target, "no other guest of the two hosts has it", required)


def _users(move: MoveFacts, disk: Disk) -> Iterator[tuple[str, KnownGuest]]:
    """On the target only where both see the same: a file of the target's own is another one."""
    layer = next(iter(layers(move, disk)), None)
    names = {disk.source, layer.here.file.path if layer is not None and layer.here.file is not None else None}
    own = layer is not None and layer.local
    for host in (move.source, move.target.host):
        if own and host is move.target.host:
            continue
        for known in host.guests:
            if known.uuid != move.guest.guest.uuid and names & set(known.disks):
                yield host.name, known


@move_rule(
    "storage.pool",
    "the pools of the guest's disks are there and active on the target",
    "libvirt: Storage pool not found: no storage pool with matching name '...'; storage pool '...' is not active",
    alike=by_files,
)
def pool_there(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    """Libvirt itself needs the pool of a volume; of a file in a pool's directory, only those who manage volumes do."""
    if move.target.host.pools is None or move.source.pools is None:
        return
    judged: set[str] = set()
    for disk in kept(move):
        pool = _pool_of(disk, move.source.pools)
        if pool is not None and pool.name not in judged:
            judged.add(pool.name)
            yield _pool(move, disk, pool, say)


def _pool_of(disk: Disk, pools: tuple[Pool, ...]) -> Pool | None:
    source = disk.source or ""
    if disk.kind == "volume":
        name = source.partition("/")[0]
        return next((each for each in pools if each.name == name), None)
    inside = (each for each in pools if each.path not in (None, "/dev", "/dev/disk/by-path") and each.active)
    return next((each for each in inside if source.rpartition("/")[0] == (each.path or "").rstrip("/")), None)


def _pool(move: MoveFacts, disk: Disk, pool: Pool, say: Voice) -> Finding:
    host, needed = move.target.host, disk.kind == "volume"
    speak = say.refuse if needed else say.warn
    required = f"the {pool.kind} pool {pool.name} active on {host.name}"
    there = next((each for each in host.pools or () if each.name == pool.name), None)
    if there is None and not needed:
        there = next((each for each in host.pools or () if each.active and each.path == pool.path), None)
    start = f"on {host.name}: virsh pool-start {shlex.quote(pool.name)}"
    if there is None:
        dump = f"virsh pool-dumpxml {shlex.quote(pool.name)} on {move.source.name}"
        remedy = f"{dump}, virsh pool-define with it on {host.name}; then {start}"
        return speak(disk.target, f"{host.name} has no pool {pool.name}", required, remedy)
    if not there.active:
        return speak(disk.target, f"the pool {pool.name} is not active on {host.name}", required, start)
    if (there.kind, there.serves) != (pool.kind, pool.serves):
        observed = f"{pool.name} is of {pool.kind} {pool.serves} here and of {there.kind} {there.serves} there"
        remedy = f"look whether it is meant: virsh pool-dumpxml {shlex.quote(pool.name)} on both"
        return say.warn(disk.target, observed, required, remedy)
    return say.ok(disk.target, f"{there.name} is active, of {there.kind} {there.serves}", required)


@host_rule(
    "storage.paths",
    "every way to the host's storage works",
    "guide 15.2: shared storage over Fibre Channel, iSCSI, SRP; a lost path is one failure from a lost disk",
    severity=Severity.WARN,
)
def paths(host: HostFacts, say: Voice) -> Iterator[Finding]:
    told = host.storage
    if told is None:
        return
    required = f"all paths of {host.name} alive"
    lost = list(_lost(host))
    for observed, remedy in lost:
        yield say.warn(host.name, observed, required, remedy)
    ways = len(told.multipaths) + len(told.fc_hosts) + len(told.iscsi_sessions) + len(told.nvme_controllers)
    if not lost and ways + len(told.srp_ports):
        yield say.ok(host.name, f"{len(told.multipaths)} multipath devices, no path lost", required)


def _lost(host: HostFacts) -> Iterator[tuple[str, str]]:
    told = host.storage
    assert told is not None
    for each in told.multipaths:
        dead = [path.device for path in each.paths or () if not path.alive]
        if dead:
            observed = f"{each.name}: {len(dead)} of {len(each.paths or ())} paths failed ({', '.join(dead)})"
            yield observed, f"on {host.name}: multipath -ll {shlex.quote(each.name)}, then mend the link or the zone"
    for port in told.fc_hosts:
        if port.state != "Online":
            yield f"Fibre Channel port {port.name} ({port.wwpn}) is {port.state}", f"look at its cable on {host.name}"
    for session in told.iscsi_sessions:
        if session.state != "LOGGED_IN":
            login = f"on {host.name}: iscsiadm -m node -T {shlex.quote(session.target)} --login"
            yield f"iSCSI session with {session.target} is {session.state}", login
    for srp in told.srp_ports:
        if srp.state not in ("running", "-"):
            yield f"SRP port {srp.name} is {srp.state}", f"look at its fabric on {host.name}"
    for nvme in told.nvme_controllers:
        if nvme.transport != "pcie" and nvme.state != "live":
            connect = f"on {host.name}: nvme connect -t {nvme.transport} -n {shlex.quote(nvme.nqn)}"
            yield f"NVMe controller {nvme.name} of {nvme.nqn} is {nvme.state}", connect
