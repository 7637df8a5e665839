"""One ssh connection to a host for all that is asked there: libvirt's session and the shell's run through it.

A handshake costs client and server 0.1 s of CPU each, and every login counts against sshd's MaxStartups; a second
session of the same connection costs next to nothing. OpenSSH's own multiplexing does it. Where it does not come up,
each goes its own way, and whoever connects then says what is wrong.

A process that is killed outright takes its ssh with it, and leaves an empty directory for each host.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO
from weakref import WeakSet

LOOK_EVERY_S = 0.005
LONGEST_PATH = 90
"""Of a socket, with what ssh appends to it while it makes it; the kernel takes 107."""

UNTIL_WE_END = "exec cat >/dev/null"
"""What is run there: it ends, and the connection with it, when its input does, however this process may end."""

KEPT_BYTES = 16 << 10
"""Of what ssh says; the first of it counts."""


_begun: WeakSet[SharedSsh] = WeakSet()


@atexit.register
def _end_all() -> None:
    """One that is still connecting does not see that its input has ended."""
    begun = list(_begun)
    for each in begun:
        each.terminate()
    for each in begun:
        each.close()


class SharedSsh:
    """`command` is an ssh command line that lacks only the command to run there."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = tuple(command)
        self._directory: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._closing = False
        self._words = _Words()

    def begin(self) -> None:
        """Start to connect; returns at once."""
        _begun.add(self)
        with contextlib.suppress(OSError):  # no place for the socket: each goes its own way
            self._directory = _private_directory()
        socket = self._socket
        if socket is None or len(str(socket)) > LONGEST_PATH:
            return
        program, *rest = self._command
        with contextlib.suppress(OSError):  # no such program: whoever goes its own way says so
            self._process = subprocess.Popen(
                [program, "-M", f"-oControlPath={socket}", "-oControlPersist=no", *rest, UNTIL_WE_END],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is for us
            )
            self._words.listen(self._process.stderr)

    @property
    def _socket(self) -> Path | None:
        return self._directory and self._directory / "ssh"

    def options(self, limit_s: float) -> tuple[str, ...]:
        """What makes another ssh go through this one, once it is up; nothing where it ended without coming up.

        Raises TimeoutError where it is still connecting after `limit_s` seconds, or was told to end: at the end of the
        process nobody may begin to go a way of their own.
        """
        deadline, socket = time.monotonic() + limit_s, self._socket
        while socket is not None and self._process is not None and self._process.poll() is None:
            if socket.exists():
                return (f"-oControlPath={socket}",)
            if time.monotonic() > deadline:
                raise TimeoutError
            time.sleep(LOOK_EVERY_S)
        if self._closing:
            raise TimeoutError
        return ()

    def said(self) -> str:
        """On standard error; all of it where it has ended."""
        ended = self._process is not None and self._process.poll() is not None
        return self._words.so_far(wait=ended)

    def terminate(self) -> None:
        """Tell it to end, without waiting for it."""
        self._closing = True
        if self._process is not None:
            self._process.terminate()

    def close(self) -> None:
        """Ends what still runs through it."""
        self.terminate()
        if self._process is not None:
            if self._process.stdin is not None:
                self._process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(1)
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)


class _Words:
    """What comes out of a pipe, read to its end whatever it is, so that nobody waits to write into it."""

    def __init__(self) -> None:
        self._kept = b""
        self._thread: threading.Thread | None = None

    def listen(self, pipe: IO[bytes] | None) -> None:
        assert pipe is not None
        self._thread = threading.Thread(target=self._read, args=(pipe,), daemon=True)
        self._thread.start()

    def _read(self, pipe: IO[bytes]) -> None:
        with pipe:
            while chunk := os.read(pipe.fileno(), 4096):
                self._kept += chunk[: KEPT_BYTES - len(self._kept)]

    def so_far(self, *, wait: bool) -> str:
        """`wait` for the end, but not for a child of ssh that holds the pipe longer than ssh lives."""
        if wait and self._thread is not None:
            self._thread.join(0.2)
        return self._kept.decode("utf-8", "replace").strip()


def _private_directory() -> Path:
    """In the user's own run directory, which is gone with the session, or else where temporary files are."""
    run = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}"
    if os.access(run, os.W_OK | os.X_OK):
        return Path(tempfile.mkdtemp(prefix="vmferry-", dir=run))
    return Path(tempfile.mkdtemp(prefix="vmferry-"))
