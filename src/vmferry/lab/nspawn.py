"""systemd-nspawn: how a host's supervisor is called, and what one that was killed leaves on the machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vmferry.lab import mounts, network
from vmferry.lab.layout import Layout
from vmferry.lab.shell import run

_RUN = Path("/run/systemd/nspawn")
_PROPAGATE, _UNIX_EXPORT = _RUN / "propagate", _RUN / "unix-export"
DIRECTORIES = (Path("/run/systemd/machines"), _RUN, _RUN / "locks", _PROPAGATE, _UNIX_EXPORT)
"""Made when it is first used, the last one from version 256 on."""

ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",
    # The lab has a lock of its own; nspawn's leaves a file behind in a container that lost its power.
    "SYSTEMD_NSPAWN_LOCK": "0",
}
_SYSTEM_CALLS = "@keyring bpf perf_event_open userfaultfd open_by_handle_at name_to_handle_at"
"""On top of nspawn's own list: for QEMU, and the last two for the NFS server."""


def command(layout: Layout, host: str, binds: Sequence[str]) -> list[str]:
    """nsenter, so that the container's /sys is that of its own network; setsid, so that it is nobody's child."""
    namespace = network.NAMESPACES / layout.namespace(host)
    return [
        *("setsid", "--fork", "nsenter", f"--net={namespace}"),
        *("systemd-nspawn", "--quiet", "--boot", f"--directory={layout.host_root(host)}"),
        f"--machine={layout.namespace(host)}",
        f"--hostname={host}",
        f"--network-namespace-path={namespace}",
        *("--register=no", "--keep-unit", "--console=read-only", "--capability=all", "--resolv-conf=off"),
        f"--system-call-filter={_SYSTEM_CALLS}",
        *binds,
    ]


def clean(pattern: str) -> None:
    """Removes what killed supervisors left of the machines whose names match; the next of that name would refuse it."""
    for directory in (_PROPAGATE, _UNIX_EXPORT):
        for path in directory.glob(pattern):
            if mounts.is_point(path):
                run("umount", str(path))
            path.rmdir()
