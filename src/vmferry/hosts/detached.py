"""Programs out of the terminal's reach.

Ctrl-C goes to every process of the terminal's group, and libvirt starts its ssh in ours: the connection would end with
the migration that it steers. Libvirt takes one path as its ssh, so this makes one that starts the real one in a session
of its own.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


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
    return path
