"""Where a daemon's socket is: root's in /run, everybody else's in their own runtime directory."""

from __future__ import annotations

import os
from pathlib import Path

from vmferry.errors import UserError


def socket_path() -> Path:
    """Raises UserError where the user has no such directory."""
    if os.geteuid() == 0:
        return Path("/run/vmferry/api.sock")
    own = os.environ.get("XDG_RUNTIME_DIR")
    if not own:
        raise UserError("there is no XDG_RUNTIME_DIR for the socket; name one with --socket")
    return Path(own, "vmferry/api.sock")
