"""Questions about a disk's sources to the shell on a host, and its answers as sights."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from vmferry.facts.guest import DiskSight
from vmferry.hosts.images import image_json
from vmferry.hosts.shares import at_home, share
from vmferry.model.guest import Disk

SHARED_FILE_SYSTEMS = frozenset(
    {"nfs", "ceph", "gfs2", "ocfs2", "gpfs", "lustre", "afs", "9p", "virtiofs", "glusterfs", "beegfs"}
    | {"fuse.glusterfs", "fuse.ceph", "fuse.ceph-fuse", "fuse.moosefs", "fuse.mfs", "fuse.quobyte"}
)
"""Those of which a file has one inode number on all hosts; that of cifs or fuse.sshfs may be the client's invention."""
LOCAL_FILE_SYSTEMS = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "f2fs", "bcachefs"})
SHARED_TRANSPORTS = frozenset({"iscsi", "fc", "fcoe"})

_ONE_KIND = {"nfs4": "nfs"}
"""One export may be mounted by either version."""
_PAIR = re.compile(r'([A-Z]+)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Source:
    """One thing to look at: a disk's own source or one that its image rests on."""

    disk: Disk
    kind: str
    """`file`, `block`, `network`, or a kind that is not looked at."""
    word: str
    """A path or URL, as `Disk.source`."""


def sources(disk: Disk) -> tuple[Source, ...]:
    """A disk's own source first. Those below say no kind, but their words do: a URL, or a path of the same kind."""
    if disk.source is None:
        return ()
    below = (Source(disk, "network" if "://" in word else "file", word) for word in disk.backing)
    return (Source(disk, disk.kind, disk.source), *below)


def request(index: int, source: Source) -> str | None:
    """The line that asks about it; None where there is no way to look."""
    if "\n" in source.word or "\0" in source.word or (source.disk.needs_secret and source.kind == "network"):
        return None
    if source.kind in ("file", "dir"):
        return f"file {index} {source.word}" if source.word.startswith("/") else None
    if source.kind == "block":
        return f"block {index} {source.word}" if source.word.startswith("/") else None
    described = image_json(source.word) if source.kind == "network" else None
    return f"image {index} {described}" if described is not None else None


def not_asked(source: Source) -> DiskSight:
    if source.disk.needs_secret and source.kind == "network":
        return DiskSight(source.disk.target, None, problem="its source asks for credentials that only libvirt holds")
    if "+unix://" in source.word:
        return DiskSight(source.disk.target, None, problem=f"{source.word} is a socket, which is each host's own")
    return DiskSight(source.disk.target, None, problem=f"no way to look at a {source.kind} source as {source.word!a}")


def answers(lines: Sequence[str]) -> Mapping[int, str]:
    """What each request was answered."""
    parts = (line.partition(" ") for line in lines)
    return {int(index): said for index, _, said in parts if index.isdigit()}


def sight(source: Source, said: str | None) -> DiskSight:
    """What one answer means."""
    blank = DiskSight(source.disk.target, None)
    what, _, rest = (said or "").partition(" ")
    if what == "file":
        return _file(source, blank, rest)
    if what == "block":
        return _block(blank, dict(_PAIR.findall(rest)))
    if what == "image":
        return _image(source, blank, rest)
    if what == "problem" and "Permission denied" not in rest:
        return replace(blank, seen=False, problem=_problem(source, rest))
    return replace(blank, problem=rest or "the host did not say")


def _file(source: Source, blank: DiskSight, rest: str) -> DiskSight:
    size, inode, said = rest.split(" ", 2)
    mount = dict(_PAIR.findall(said))
    kind = _ONE_KIND.get(mount.get("FSTYPE", ""), mount.get("FSTYPE", ""))
    if kind not in SHARED_FILE_SYSTEMS | LOCAL_FILE_SYSTEMS:
        return replace(blank, seen=True, problem=f"not proved to be the same: inodes of {kind or '?'} prove nothing")
    identity = f"{kind} inode {inode}{_sized(source.disk, int(size))}"
    if kind in LOCAL_FILE_SYSTEMS:
        return replace(blank, seen=True, identity=identity, shared_kind=False)
    return replace(blank, seen=True, identity=identity, where=share(mount), shared_kind=True)


def _sized(disk: Disk, size_bytes: int | None) -> str:
    """Only a raw image keeps its size: others grow while they are looked at."""
    return f" of {size_bytes} bytes" if disk.format == "raw" and size_bytes is not None else ""


def _block(blank: DiskSight, said: Mapping[str, str]) -> DiskSight:
    # Multipath's word for a disk is 3 and its WWN: a host with one path and one with two see the same.
    mapped = re.sub("^mpath-3", "0x", said.get("MAPPED", ""))
    shared = True if said.get("TRAN") in SHARED_TRANSPORTS else None
    return replace(blank, seen=True, identity=mapped or said.get("WWN") or None, shared_kind=shared)


def _image(source: Source, blank: DiskSight, rest: str) -> DiskSight:
    identity = f"{source.word}{_sized(source.disk, int(rest) if rest.isdigit() else None)}"
    if at_home(source.word):
        why = f"{source.word} is another server on every host: it names the host itself"
        return replace(blank, seen=True, problem=why, identity=identity, where=None, shared_kind=True)
    return replace(blank, seen=True, identity=identity, shared_kind=True)


def _problem(source: Source, text: str) -> str:
    if "No such file or directory" in text and source.kind != "network":
        return f"{source.word} is not there"
    if "Unknown driver" in text or "Unknown protocol" in text:
        return f"its QEMU has no driver for {source.word.partition(':')[0]}; install qemu-block-extra"
    return f"{source.word}: {text.removeprefix('qemu-img: ').strip()}"
