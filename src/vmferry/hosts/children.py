"""The ssh processes that libvirt starts inside an open that may hang."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path


def end_children_of_thread(native_id: int) -> None:
    """End what this thread of ours has started. Its blocked libvirt call then returns and reaps them itself."""
    with contextlib.suppress(OSError):
        listed = Path(f"/proc/self/task/{native_id}/children").read_text().split()
        for pid in listed:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGTERM)
