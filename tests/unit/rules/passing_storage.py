"""The storage's part of the move that every rule lets pass: an image on a GlusterFS volume of a third system."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from vmferry.facts.disk import DiskSight, FileSight, Server
from vmferry.facts.move import MoveFacts
from vmferry.facts.pool import Pool
from vmferry.facts.storage import Mount, Multipath, MultipathPath, StorageFacts

IMAGE = FileSight(
    "/srv/shared/web.img",
    "fuse.glusterfs",
    "/srv/shared",
    size_bytes=64 << 20,
    allocated_bytes=1 << 20,
    uid=0,
    gid=0,
    mode=0o600,
    user="libvirt-qemu",
    user_may="rw",
    root_may="rw",
)
KEPT = DiskSight(
    "vda",
    True,
    None,
    "fuse.glusterfs inode 7 of 67108864 bytes",
    "storage:/shared",
    True,
    protocol="GlusterFS",
    word="/srv/shared/web.img",
    servers=(Server("storage", ("10.0.0.9",)),),
    file=IMAGE,
)
URL = DiskSight(
    "vdb",
    True,
    None,
    "iscsi://storage:3260/iqn.2026-01.test:t/1",
    "",
    True,
    protocol="iSCSI",
    word="iscsi://storage:3260/iqn.2026-01.test:t/1",
    servers=(Server("storage", ("10.0.0.9",)),),
)
NFS = (Mount("/", "ext4", "/dev/vda1"), Mount("/srv/shared", "fuse.glusterfs", "storage:/shared"))
STORAGE = StorageFacts(
    mounts=NFS,
    multipaths=(Multipath("mpatha", "36001", (MultipathPath("8:16", True), MultipathPath("8:32", True))),),
)
POOL = Pool("shared", "dir", True, True, "/srv/shared", available_bytes=8 << 30)


def with_storage(move: MoveFacts, here: StorageFacts | None, there: StorageFacts | None) -> MoveFacts:
    """The move with what the source's and the target's shell told of storage; None: as it was."""
    source = move.source if here is None else replace(move.source, storage=here)
    host = move.target.host if there is None else replace(move.target.host, storage=there)
    return replace(move, source=source, target=replace(move.target, host=host))


def with_wish(move: MoveFacts, **wish: Any) -> MoveFacts:  # noqa: ANN401 - fields of MoveWish
    return replace(move, wish=replace(move.wish, **wish))
