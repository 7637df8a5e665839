"""What a host's shell said of one file, as a sight."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from vmferry.facts.disk import DiskSight, FileSight
from vmferry.hosts.shares import share
from vmferry.hosts.told.protocols import CLIENTS_INODES, FILE_SYSTEMS, LOCAL_FILE_SYSTEMS, ONE_KIND
from vmferry.model.guest import Disk
from vmferry.xml.parse import number

_PAIR = re.compile(r'([A-Z_:]+)="([^"]*)"')
_QCOW2 = bytes.fromhex("514649fb")

Said = Mapping[str, Sequence[str]]
"""First word of each line of an answer to the rests of the lines that have it."""


def file_sight(disk: Disk, blank: DiskSight, said: Said) -> DiskSight:
    size, inode, blocks, block_bytes, uid, gid, mode, *rest = f"{said['file'][0]} ".split(" ", 7)
    mount: dict[str, str] = dict(_PAIR.findall(" ".join(rest)))
    told = mount.get("FSTYPE", "")
    kind = ONE_KIND.get(told, told)
    virtual_bytes, cluster_bytes = _qcow2_sizes((said.get("head") or [""])[0])
    rights = dict(pair.split("=", 1) for pair in (said.get("rights") or [""])[0].split() if "=" in pair)
    sight = replace(
        blank,
        seen=True,
        marked=_marked(said),
        mark_problem=next((line for line in said.get("unmarked", ()) if line), None),
        file=FileSight(
            path=(said.get("path") or [""])[0],
            kind=kind,
            mount=mount.get("TARGET", ""),
            size_bytes=number(size) or 0,
            allocated_bytes=(number(blocks) or 0) * (number(block_bytes) or 512),
            virtual_bytes=virtual_bytes,
            cluster_bytes=cluster_bytes,
            uid=number(uid),
            gid=number(gid),
            mode=int(mode, 8) if re.fullmatch("[0-7]{1,5}", mode) else None,
            read_only="ro" in mount.get("OPTIONS", "").split(","),
            user=rights.get("user", ""),
            user_may=None if "?" in rights.get("may", "?") else rights["may"],
            root_may=rights.get("root"),
        ),
    )
    return _identified(disk, sight, kind, mount, inode, said)


def _marked(said: Said) -> bool | None:
    return True if "marked" in said else False if "unmarked" in said else None


def _identified(disk: Disk, sight: DiskSight, kind: str, mount: Mapping[str, str], inode: str, said: Said) -> DiskSight:
    assert sight.file is not None
    identity = f"{kind} inode {inode}{sized(disk, sight.file.size_bytes)}"
    if kind in LOCAL_FILE_SYSTEMS:
        return replace(sight, identity=identity, shared_kind=False)
    protocol = FILE_SYSTEMS.get(kind)
    if protocol is None or kind in CLIENTS_INODES:
        problem = f"not proved to be the same: inodes of {kind or '?'} prove nothing"
        return replace(sight, problem=problem, protocol=protocol, shared_kind=True if protocol else None)
    device = mount.get("MAJ:MIN") or mount.get("MAJ_MIN") or "?"
    cluster = ", ".join(word for word in (_lock_table(device, said), mount.get("UUID")) if word)
    known = replace(sight, shared_kind=True, protocol=protocol)
    if cluster:
        return replace(known, identity=f"{identity} of {cluster}", where="")
    return replace(known, identity=identity, where=_where(mount, device, said))


def _lock_table(device: str, said: Said) -> str | None:
    """A cluster file system is the same on two hosts if its lock table and its UUID are."""
    tables = (words[1] for line in said.get("gfs2", ()) if len(words := line.split()) == 2 and words[0] == device)
    table = next(tables, None)
    return None if table is None else f"lock table {table}"


def _where(mount: Mapping[str, str], device: str, said: Said) -> str | None:
    """The share, with the server's own number of the file system beside its name."""
    named = share(mount.get("SOURCE", ""))
    fsids = (words[4] for line in said.get("nfsfs", ()) if len(words := line.split()) > 4 and words[3] == device)
    fsid = next(fsids, "0:0")
    return named if named is None or fsid in ("0", "0:0") else f"{named} (file system {fsid})"


def sized(disk: Disk, size_bytes: int | None) -> str:
    """Only a raw image keeps its size: others grow while they are looked at."""
    return f" of {size_bytes} bytes" if disk.format == "raw" and size_bytes is not None else ""


def _qcow2_sizes(head: str) -> tuple[int | None, int | None]:
    """What the guest sees, and a cluster: from the first bytes of a qcow2 image, as hexadecimal digits."""
    if not re.fullmatch("(?:[0-9a-f]{2}){32}", head):
        return None, None
    data = bytes.fromhex(head)
    if not data.startswith(_QCOW2):
        return None, None
    bits = int.from_bytes(data[20:24], "big")
    return int.from_bytes(data[24:32], "big"), 1 << bits if 9 <= bits <= 21 else None
