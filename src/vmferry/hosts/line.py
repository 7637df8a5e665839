"""A connection that is made anew when it was found broken: libvirt on the other side lives on without it.

One call at a time runs on it. Where a connection breaks, libvirt's client (seen with 9.0) tells only one of the threads
that wait for an answer; the others wait for ever. So a call that takes long, as a migration's, has a line of its own.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

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
        self._users = 0
        self._lock = threading.Lock()  # held to look at and replace all of these
        self._turn = threading.RLock()  # held for a call

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

    @contextlib.contextmanager
    def used(self) -> Iterator[None]:
        """For as long as a call runs, and alone; a dead connection is told to whoever waits on it within its keepalive.

        Libvirt's own calls hold no reference: to close under one of them is a crash.
        """
        with self._lock:
            self._users += 1
        try:
            with self._turn:
                yield
        finally:
            with self._lock:
                self._users -= 1
                self._close_unused()

    @property
    def busy(self) -> bool:
        """A call runs on it, or waits for its turn."""
        with self._lock:
            return self._users > 0

    def close(self) -> None:
        """At once, or after the last call that runs; one that never answers keeps it to the end of the process."""
        with self._lock:
            self._closed = True
            self._close_unused()

    def _close_unused(self) -> None:
        if self._closed and not self._users:
            with contextlib.suppress(libvirt.libvirtError):  # it is gone already, which is what was wanted
                self._connection.close()
