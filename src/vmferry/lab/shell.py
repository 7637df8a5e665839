"""Running the machine's tools and commands on lab hosts."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence

from vmferry.errors import Failed
from vmferry.lab.layout import Layout

TOOLS = {
    "ip": "iproute2",
    "tc": "iproute2",
    "mmdebstrap": "mmdebstrap",
    "mount": "mount",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "setsid": "util-linux",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "systemd-nspawn": "systemd-container",
    "unshare": "util-linux",
}
"""What the lab runs on the machine, and the Debian package that has it."""


def missing_packages() -> list[str]:
    return sorted({package for tool, package in TOOLS.items() if not shutil.which(tool, path=_path())})


def run(*argv: str, stdin: str = "", env: Mapping[str, str] | None = None) -> str:
    """Standard output. Raises Failed with the tool's own words."""
    try:
        done = subprocess.run(
            argv, input=stdin, capture_output=True, text=True, check=True, env=_environment(env or {})
        )
    except FileNotFoundError as error:
        package = TOOLS.get(argv[0], argv[0])
        raise Failed(f"{argv[0]} is not installed: apt-get install {package}") from error
    except subprocess.CalledProcessError as error:
        raise Failed(_failure(argv, error.returncode, error.stderr), detail=error.stderr) from error
    return done.stdout


def ssh(layout: Layout, host: str, *argv: str, stdin: str = "") -> str:
    """On a lab host, by name or address. The remote shell sees `argv` as it is."""
    return run(str(layout.ssh), f"root@{host}", shlex.join(argv), stdin=stdin)


def _failure(argv: Sequence[str], code: int, stderr: str) -> str:
    words = " ".join(stderr.split()) or f"exit code {code}"
    return f"{shlex.join(argv[:6])} failed: {words[-400:]}"


def _environment(extra: Mapping[str, str]) -> dict[str, str]:
    return {**os.environ, "PATH": _path(), "LC_ALL": "C.UTF-8", **extra}


def _path() -> str:
    """A user's path may lack the sbin folders, where half of these tools are."""
    return os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"
