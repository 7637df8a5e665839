"""A PostgreSQL of the tests' own: a cluster in a temporary folder, on a socket there, run by an unprivileged user."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

PROGRAMS = Path("/usr/lib/postgresql")
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_directories": "{folder}",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "log_min_messages": "fatal",
}


class Cluster:
    """Started by `start`. Every database in it is made by `create`."""

    def __init__(self, *, durable: bool = False) -> None:
        """`durable`: what is committed is on the disk; tests crash processes, never the machine."""
        self.settings = SETTINGS if durable else {**SETTINGS, "fsync": "off"}
        self.folder = Path(tempfile.mkdtemp(prefix="vmferry-postgres-", dir="/tmp"))  # a socket's path is short
        self.folder.chmod(0o755)
        self.user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        if os.geteuid() == 0:
            shutil.chown(self.folder, self.user)
        self.programs = max(PROGRAMS.glob("*/bin"), key=lambda path: int(path.parent.name))
        self.number = 0
        self._run("initdb", "--no-sync", "--auth=trust", "--username=vmferry", "-D", str(self.data))

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self.programs / program), *arguments],
            user=self.user if os.geteuid() == 0 else None,
            cwd=self.folder,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"

    def _control(self, *arguments: str) -> None:
        log = str(self.folder / "log")
        self._run("pg_ctl", "-D", str(self.data), "-l", log, "-w", "-t", "60", "-s", *arguments)

    def start(self) -> None:
        settings = [f"-c {name}='{value.format(folder=self.folder)}'" for name, value in self.settings.items()]
        self._control("-o", " ".join(settings), "start")

    def stop(self, mode: str = "fast") -> None:
        self._control("-m", mode, "stop")

    def restart(self) -> None:
        """Every session ends in the middle of what it does."""
        self.stop("immediate")
        self.start()

    def url(self, name: str) -> str:
        return f"postgresql://vmferry@/{name}?host={self.folder}"

    def create(self) -> str:
        """A new database, empty; its URL."""
        self.number += 1
        name = f"trial{self.number}"
        self._run("createdb", "-h", str(self.folder), "-U", "vmferry", name)
        return self.url(name)

    def remove(self) -> None:
        self.stop("immediate")
        shutil.rmtree(self.folder)
