"""What systemd is told of a daemon (sd_notify): a datagram to the socket that it names."""

from __future__ import annotations

import contextlib
import os
import socket


def notify(text: str) -> None:
    """Nothing where nobody asked for it."""
    where = os.environ.get("NOTIFY_SOCKET", "")
    if not where:
        return
    address = f"\0{where[1:]}" if where.startswith("@") else where
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.sendto(text.encode(), address)
