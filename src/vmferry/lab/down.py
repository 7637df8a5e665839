"""Taking a lab away: by what is there, not by what is remembered, so that it works after any accident."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from vmferry.lab import cgroup, network
from vmferry.lab.host import remove_root
from vmferry.lab.layout import RUN, Layout
from vmferry.lab.shell import run

_NETNS_MARK = RUN / "netns-is-ours"
_NSPAWN_RUN = Path("/run/systemd/nspawn")


def clear(layout: Layout) -> bool:
    """Ends and removes everything of this lab. True if there was anything. The caller holds the lab lock."""
    there = exists(layout)
    hosts = cgroup.hosts(layout)
    if hosts:
        with ThreadPoolExecutor(len(hosts)) as pool:
            list(pool.map(lambda host: cgroup.kill(layout, host), hosts))
    network.remove(layout)
    remove_root(layout)
    cgroup.remove(layout)
    _remove_nspawn_files(layout)
    shutil.rmtree(layout.run, ignore_errors=True)
    _release_namespace_directory()
    return there


def exists(layout: Layout) -> bool:
    """Anything of this lab's, whole or not."""
    return bool(layout.run.exists() or layout.disks.exists() or cgroup.hosts(layout) or network.namespaces(layout))


def claim_namespace_directory() -> None:
    """`ip netns` makes a mount of /run/netns when it is first used. Remembers that it is for us to undo."""
    if not network.NAMESPACES.exists():
        _NETNS_MARK.touch()


def _release_namespace_directory() -> None:
    if _NETNS_MARK.exists() and not (network.NAMESPACES.exists() and any(network.NAMESPACES.iterdir())):
        if network.NAMESPACES.is_mount():
            run("umount", str(network.NAMESPACES))
        if network.NAMESPACES.exists():
            network.NAMESPACES.rmdir()
        _NETNS_MARK.unlink()


def _remove_nspawn_files(layout: Layout) -> None:
    """What a supervisor that was killed had no time to remove."""
    for path in (_NSPAWN_RUN / "propagate").glob(f"{layout.prefix}-*"):
        path.rmdir()
