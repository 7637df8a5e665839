"""Programs out of the terminal's reach.

Ctrl-C goes to every process of the terminal's group, and libvirt starts its ssh in ours: the connection would end with
the migration that it steers. Libvirt takes one path as its ssh, so this makes one that starts the real one in a session
of its own.
"""

from __future__ import annotations

import atexit
import os
import shlex
import shutil
import tempfile
import threading
from pathlib import Path

_lock = threading.Lock()  # held to look at and change the two below
_directory: Path | None = None
_made: dict[str, str] = {}


def detached(command: str) -> str:
    """A path that runs `command` detached, good as long as this process lives.

    It is `command` itself where temporary files cannot be run.
    """
    with _lock:
        if command not in _made:
            path = _make(command)
            _made[command] = str(path) if os.access(path, os.X_OK) else command
        return _made[command]


def _make(command: str) -> Path:
    global _directory
    if _directory is None:
        _directory = Path(tempfile.mkdtemp(prefix="vmferry-"))
        atexit.register(shutil.rmtree, _directory, ignore_errors=True)
    path = _directory / f"ssh-{len(_made)}"
    path.write_text(f'#!/bin/sh\nexec setsid -w {shlex.quote(command)} "$@"\n')
    path.chmod(0o700)
    return path
