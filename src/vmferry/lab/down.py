"""Taking a lab away: by what is there, not by what is remembered, so that it works after any accident."""

from __future__ import annotations

import shutil
from pathlib import Path

from vmferry.lab import cgroup, mounts, network, nspawn
from vmferry.lab.host import remove_root
from vmferry.lab.layout import RUN, Layout
from vmferry.lab.parallel import side_by_side
from vmferry.lab.shell import run

_CLAIMS = RUN / "directories"
_MADE_BY_TOOLS = (network.NAMESPACES, *nspawn.DIRECTORIES)
"""Directories that `ip netns` (which makes it a mount as well) and systemd-nspawn make when they are first used."""


def clear(layout: Layout) -> bool:
    """Ends and removes everything of this lab. True if there was anything. The caller holds the lab lock."""
    there = exists(layout)
    hosts = cgroup.hosts(layout)
    side_by_side(lambda host: cgroup.kill(layout, host), hosts)
    network.remove(layout)
    remove_root(layout)
    cgroup.remove(layout)
    nspawn.clean(f"{layout.prefix}-*")
    shutil.rmtree(layout.run, ignore_errors=True)
    _release_directories()
    return there


def exists(layout: Layout) -> bool:
    """Anything of this lab's, whole or not."""
    return bool(layout.run.exists() or layout.disks.exists() or cgroup.hosts(layout) or network.namespaces(layout))


def claim_directories() -> None:
    """Remembers which of the tools' directories are for us to undo. Before a lab's first use of them."""
    absent = [str(path) for path in _MADE_BY_TOOLS if not path.exists()]
    if absent:
        with _CLAIMS.open("a") as file:
            file.writelines(f"{path}\n" for path in absent)


def _release_directories() -> None:
    """With the last lab, and only those that nobody else uses by now."""
    if not _CLAIMS.exists() or any(path != _CLAIMS for path in RUN.iterdir()):
        return
    claimed = {Path(line) for line in _CLAIMS.read_text().splitlines()}
    for path in sorted(claimed & set(_MADE_BY_TOOLS), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            while mounts.is_point(path):  # two labs that first used it at once have mounted it twice
                run("umount", str(path))
            path.rmdir()
    _CLAIMS.unlink()
