"""Programs out of the terminal's reach.

Ctrl-C goes to every process of the terminal's group, and libvirt starts its ssh in ours: the connection would end with
the migration that it steers. Libvirt takes one path as its ssh, so this makes one that starts the real one in a session
of its own.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shlex
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

LOOK_EVERY_S = 0.002
MOST_LOOKS = 500


@contextmanager
def detached(command: str, options: Sequence[str] = ()) -> Iterator[str]:
    """A path that starts `command` with these options detached, good inside the `with`; what it started may go on.

    It is `command` itself where temporary files cannot be made or run.
    """
    with contextlib.ExitStack() as made:
        path = None
        with contextlib.suppress(OSError):
            path = _written(made, f'#!/bin/sh\nexec setsid -w {shlex.join([command, *options])} "$@"\n')
        yield str(path) if path is not None and os.access(path, os.X_OK) else command


def _written(made: contextlib.ExitStack, script: str) -> Path:
    temporary = tempfile.TemporaryDirectory(prefix="vmferry-", ignore_cleanup_errors=True)
    path = Path(made.enter_context(temporary)) / "ssh"
    path.write_text(script)
    path.chmod(0o700)
    until_unwritten(path)
    return path


def until_unwritten(path: Path) -> None:
    """Returns once it can be executed.

    A thread that starts a program while the file is being written passes it on, open, for as long as it takes to
    execute that program; meanwhile the kernel executes the file for nobody ("Text file busy"). Nobody has it open for
    writing when a lease for reading is granted.
    """
    with path.open("rb") as file:
        for _ in range(MOST_LOOKS):
            try:
                fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
            except BlockingIOError:
                time.sleep(LOOK_EVERY_S)
            except OSError:  # a file system without leases
                return
            else:
                fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
                return
