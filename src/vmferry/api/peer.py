"""Who is at the other end of the unix socket: the kernel says, and nothing that is sent can say otherwise."""

from __future__ import annotations

import asyncio
import contextlib
import grp
import os
import pwd
import socket
import struct

from uvicorn.protocols.http.h11_impl import H11Protocol

from vmferry.model.access import Caller, Role

LOCAL = "unix socket"
"""In place of a client's address, which is never such a text; beside it the user's number."""
GROUP = "vmferry"
"""Who belongs to it may use the socket, as an operator."""


class PeerProtocol(H11Protocol):
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        end = transport.get_extra_info("socket")
        if end is not None and end.family == socket.AF_UNIX:
            told = end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
            self.client = (LOCAL, struct.unpack("3i", told)[1])


def caller_of(uid: int) -> Caller | None:
    """None: this user may not use the socket."""
    name = str(uid)
    groups: set[int] = set()
    with contextlib.suppress(KeyError):
        user = pwd.getpwuid(uid)
        name, groups = user.pw_name, set(os.getgrouplist(user.pw_name, user.pw_gid))
    if uid in (0, os.geteuid()):
        return Caller(f"user {name}", Role.ADMIN)
    with contextlib.suppress(KeyError):
        if grp.getgrnam(GROUP).gr_gid in groups:
            return Caller(f"user {name}", Role.OPERATOR)
    return None
