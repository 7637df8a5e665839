"""What a lab could leave behind on the machine, as sets that are compared before and after."""

from __future__ import annotations

import os
from pathlib import Path

from vmferry.lab.layout import Layout
from vmferry.lab.shell import run

_TREES = ("/run/netns", "/run/systemd/machines", "/run/systemd/nspawn", "/run/vmferry", "/run/lock", "/var/lib/libvirt")
_DIRECTORIES = ("/", "/etc", "/etc/libvirt", "/run", "/srv", "/var", "/var/lib", "/var/log")
_SHARED = ("/tmp", "/var/tmp")


def machine(layout: Layout) -> dict[str, set[str]]:
    return {
        "processes": _processes(layout),
        "mounts": {line.split(" ", 4)[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()},
        "namespaces": set(run("ip", "netns").split()),
        "links": {line.split(":")[1] for line in run("ip", "-oneline", "link").splitlines()},
        "groups": {str(path) for path in Path("/sys/fs/cgroup").rglob("vmferry*")},
        "files": _files(),
    }


def _processes(layout: Layout) -> set[str]:
    """In networks of containers, or named after the lab; of those of another lab, that may be up, none."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            arguments, groups = (process / "cmdline").read_text(), (process / "cgroup").read_text()
            apart = os.readlink(process / "ns/net") != os.readlink("/proc/self/ns/net")
        except OSError:
            continue
        another = "/vmferry-" in groups and f"/{layout.prefix}/" not in groups
        if not another and (apart or layout.prefix in arguments or str(layout.disks) in arguments):
            found.add(f"{process.name} {arguments}")
    return found


def _files() -> set[str]:
    files = {str(path) for directory in _DIRECTORIES if Path(directory).is_dir() for path in Path(directory).iterdir()}
    for shared in _SHARED:
        files |= {str(path) for name in ("vmferry", "mmdebstrap") for path in Path(shared).glob(f"*{name}*")}
    return files | {str(path) for tree in _TREES for path in Path(tree).rglob("*")}
