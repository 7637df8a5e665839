"""What a lab could leave behind on the machine, as sets that are compared before and after."""

from __future__ import annotations

from pathlib import Path

from vmferry.lab.shell import run

_SMALL_TREES = ("/run", "/tmp", "/etc", "/var/lib/libvirt", "/var/tmp")
_ROOTS = ("/", "/root", "/srv", "/var", "/var/lib", "/var/log")


def machine() -> dict[str, set[str]]:
    return {
        "processes": _contained_processes(),
        "mounts": {line.split(" ", 4)[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()},
        "namespaces": set(run("ip", "netns").split()),
        "links": {line.split(":")[1] for line in run("ip", "-oneline", "link").splitlines()},
        "groups": {str(path) for path in Path("/sys/fs/cgroup").rglob("vmferry*")},
        "files": _files(),
    }


def _contained_processes() -> set[str]:
    """Processes of containers, and whatever runs them: the rest of the machine's come and go by themselves."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            status, arguments = (process / "status").read_text(), (process / "cmdline").read_text()
        except OSError:
            continue
        numbers = next(line.split() for line in status.splitlines() if line.startswith("NSpid:"))
        alive = "State:\tZ" not in status
        if alive and (len(numbers) > 2 or "nspawn" in arguments or "vmferry-" in arguments):
            found.add(f"{process.name} {arguments}")
    return found


def _files() -> set[str]:
    files = {str(path) for root in _ROOTS for path in Path(root).iterdir()}
    for tree in _SMALL_TREES:
        files |= {str(path) for path in Path(tree).rglob("*") if "pytest" not in str(path)}
    return files
