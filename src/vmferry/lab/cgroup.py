"""A host's processes, all of them and only them: the members of its control groups.

Unlike a recorded process id, membership survives the loss of all state and cannot come to mean somebody else.
The groups are made in each hierarchy that systemd may use in a container: the unified one, and on a machine of the
older layout also the named one. vmferry-LAB/HOST in it holds the container's supervisor and its payload.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from vmferry.errors import Failed
from vmferry.lab.layout import Layout
from vmferry.lab.mounts import mountinfo

_LIMIT_S = 8.0
_FOREIGN = 0
"""How the kernel lists a member that this process's pid namespace has no number for. To a signal it means ourselves."""


def hierarchies(text: str) -> list[Path]:
    """Mount points of the hierarchies of interest, from the text of mountinfo."""
    found = []
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        if kind == "cgroup2" or (kind == "cgroup" and "name=systemd" in options.split(",")):
            found.append(Path(before.split(" ")[4]))
    return found


def create(layout: Layout, host: str) -> list[Path]:
    """The host's groups, empty, for a process to enter."""
    groups = _groups(layout, host)
    for group in groups:
        group.mkdir(parents=True, exist_ok=True)
    return groups


def hosts(layout: Layout) -> list[str]:
    """Hosts of the lab that have groups, running or not."""
    parents = (root / layout.prefix for root in _roots())
    return sorted({path.name for parent in parents if parent.is_dir() for path in parent.iterdir() if path.is_dir()})


def processes(layout: Layout, host: str) -> set[int]:
    return _all_members(layout, host) - {_FOREIGN}


def _all_members(layout: Layout, host: str) -> set[int]:
    members: set[int] = set()
    for group in _groups(layout, host):
        for folder, _, _ in os.walk(group):  # not rglob: that one raises where a group goes away while it looks
            members |= _members(Path(folder, "cgroup.procs"))
    return members


def leader(layout: Layout, host: str) -> int | None:
    """The host's own process 1, as the machine numbers it."""
    return next((pid for pid in processes(layout, host) if _number_inside(pid) == 1), None)


def kill(layout: Layout, host: str) -> None:
    """At once and without a word to them, as a loss of power does. Returns when they are gone."""
    deadline = time.monotonic() + _LIMIT_S
    while members := _all_members(layout, host):
        for pid in members - {_FOREIGN}:
            _kill(pid)
        if time.monotonic() > deadline:
            raise Failed(_unkilled(host, members))
        time.sleep(0.02)


def _unkilled(host: str, members: set[int]) -> str:
    if members == {_FOREIGN}:
        return f"processes of {host} are in a container this one does not see into; run the command where the lab began"
    return f"processes of {host} do not end: {sorted(members)}; see what holds them, then lab down again"


def remove(layout: Layout) -> None:
    """The groups of a lab whose processes are gone."""
    for root in _roots():
        top = root / layout.prefix
        if top.is_dir():
            for path in (*sorted(top.rglob("*"), reverse=True), top):
                if path.is_dir():
                    _remove_group(path)


def _roots() -> list[Path]:
    return hierarchies(mountinfo())


def _groups(layout: Layout, host: str) -> list[Path]:
    return [root / layout.prefix / host for root in _roots()]


def _members(listing: Path) -> set[int]:
    try:
        return {int(word) for word in listing.read_text().split()}
    except OSError:  # the group went away while it was read
        return set()


def _remove_group(group: Path) -> None:
    """The kernel holds a group for a moment after its last process is gone."""
    deadline = time.monotonic() + _LIMIT_S
    while True:
        try:
            group.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _number_inside(pid: int) -> int | None:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    numbers = next((line.split()[1:] for line in lines if line.startswith("NSpid:")), [])
    return int(numbers[-1]) if len(numbers) > 1 else None


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
