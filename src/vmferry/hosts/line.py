"""A connection that is made anew when it was found broken: libvirt on the other side lives on without it."""

from __future__ import annotations

import threading
from collections.abc import Callable

import libvirt

from vmferry.hosts.asking import alive

Open = Callable[[], libvirt.virConnect]


class Line:
    """The connection to one host, and libvirt's handles of guests that belong to it."""

    def __init__(self, connection: libvirt.virConnect, reopen: Open) -> None:
        """`reopen` has a time limit of its own and raises HostUnreachable."""
        self._connection, self._reopen = connection, reopen
        self._domains: dict[str, libvirt.virDomain] = {}
        self._closed = False
        self._lock = threading.Lock()  # held to look at and replace all of these

    @property
    def connection(self) -> libvirt.virConnect:
        """Raises HostUnreachable where the old one is broken and there is no new one."""
        with self._lock:
            if not self._closed and not alive(self._connection):
                self._connection, self._domains = self._reopen(), {}
            return self._connection

    def domain(self, uuid: str) -> libvirt.virDomain:
        """Libvirt's handle, asked for once: it holds but name and UUID, and outlasts the guest's comings and goings.

        Asking for it before each call would also bring two calls back to back, which stall beside a long one.
        """
        connection, known = self.connection, self._domains
        if uuid not in known:
            known[uuid] = connection.lookupByUUIDString(uuid)
        return known[uuid]

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._connection.close()
