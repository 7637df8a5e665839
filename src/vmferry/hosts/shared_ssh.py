"""One ssh connection to a host for all that is asked there: libvirt's session and the shell's run through it.

A handshake costs client and server 0.1 s of CPU each, and every login counts against sshd's MaxStartups; a second
session of the same connection costs next to nothing. OpenSSH's own multiplexing does it. Where it does not come up,
each goes its own way, and whoever connects then says what is wrong.
"""

from __future__ import annotations

import atexit
import contextlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from weakref import WeakSet

LOOK_EVERY_S = 0.005
LONGEST_PATH = 90
"""Of a socket, with what ssh appends to it while it makes it; the kernel takes 107."""

UNTIL_WE_END = "exec cat >/dev/null"
"""What is run there: it ends, and the connection with it, when its input does, however this process may end."""


_begun: WeakSet[SharedSsh] = WeakSet()


@atexit.register
def _end_all() -> None:
    """One that is still connecting does not see that its input has ended."""
    for each in list(_begun):
        each.close()


class SharedSsh:
    """`command` is an ssh command line that lacks only the command to run there."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = tuple(command)
        self._directory = Path(tempfile.mkdtemp(prefix="vmferry-"))
        self._socket = self._directory / "ssh"
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        """Start to connect; returns at once."""
        _begun.add(self)
        program, *rest = self._command
        if len(str(self._socket)) > LONGEST_PATH:
            return
        with contextlib.suppress(OSError):  # no such program: whoever goes its own way says so
            self._process = subprocess.Popen(
                [program, "-M", f"-oControlPath={self._socket}", "-oControlPersist=no", *rest, UNTIL_WE_END],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for us
            )

    def options(self, limit_s: float) -> tuple[str, ...]:
        """What makes another ssh go through this one, once it is up; nothing where it ended without coming up.

        Raises TimeoutError where it is still connecting after `limit_s` seconds.
        """
        deadline = time.monotonic() + limit_s
        while self._process is not None and self._process.poll() is None:
            if self._socket.exists():
                return (f"-oControlPath={self._socket}",)
            if time.monotonic() > deadline:
                raise TimeoutError
            time.sleep(LOOK_EVERY_S)
        return ()

    def close(self) -> None:
        """Ends what still runs through it."""
        if self._process is not None:
            self._process.terminate()
            if self._process.stdin is not None:
                self._process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(1)
        shutil.rmtree(self._directory, ignore_errors=True)
