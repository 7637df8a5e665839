"""One libvirt connection, opened within its time limit whatever the network does."""

from __future__ import annotations

import atexit
import contextlib
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import libvirt

from vmferry.errors import HostUnreachable, silent
from vmferry.hosts.children import end_children_of_thread
from vmferry.hosts.reasons import reason
from vmferry.hosts.uris import ready
from vmferry.hosts.ways import ALONE, Ways
from vmferry.model.host import HostEntry

KEEPALIVE_S, KEEPALIVE_COUNT = 1, 12
"""A host that falls silent is given up after 13 s.

The ticks have a second use. While one thread of a connection waits in a long call, libvirt's client can lose the
wake-up for another's (seen with 9.0: two calls back to back during a migration); the next tick sends it off.
"""


@dataclass(slots=True)
class _Opening:
    """One libvirt.open in a thread of its own, since nothing can interrupt it from within."""

    uri: str
    ssh_options: Sequence[str]
    connection: libvirt.virConnect | None = None
    problem: libvirt.libvirtError | None = None
    abandoned: bool = False
    ended: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    """Held to decide who closes a connection that comes at the last moment."""

    def run(self) -> None:
        with _pending_lock:
            _pending.add(threading.get_native_id())
        try:
            with ready(self.uri, self.ssh_options) as uri:
                self._keep(libvirt.open(uri))
        except libvirt.libvirtError as error:
            self.problem = error
        finally:
            with _pending_lock:
                _pending.discard(threading.get_native_id())
            self.ended.set()

    def _keep(self, connection: libvirt.virConnect) -> None:
        with self.lock:
            if not self.abandoned:
                self.connection = connection
                return
        connection.close()

    def abandon(self, thread: threading.Thread) -> bool:
        """False where the connection came in the end."""
        with self.lock:
            self.abandoned = self.connection is None
        if self.abandoned and thread.native_id is not None:
            end_children_of_thread(thread.native_id)
        return self.abandoned


_pending: set[int] = set()
_pending_lock = threading.Lock()


@atexit.register
def _end_pending() -> None:
    """A process that ends while it connects leaves no ssh behind."""
    with _pending_lock:
        for native_id in _pending:
            end_children_of_thread(native_id)


def open_connection(
    entry: HostEntry, timeout_s: float, deadline: float | None = None, ways: Ways = ALONE
) -> libvirt.virConnect:
    """`deadline` on the monotonic clock: when `timeout_s` seconds, part of which may be spent already, are over."""
    opening = _Opening(entry.uri, ways.ssh_options)
    thread = threading.Thread(target=opening.run, name=f"open-{entry.name}", daemon=True)
    thread.start()
    left_s = timeout_s if deadline is None else max(0.0, deadline - time.monotonic())
    if not opening.ended.wait(left_s) and opening.abandon(thread):
        raise silent(entry.name, timeout_s)
    if opening.connection is None:
        raise _failed(entry, opening.problem, ways.said())
    with contextlib.suppress(libvirt.libvirtError):  # a local connection has no keepalive
        opening.connection.setKeepAlive(KEEPALIVE_S, KEEPALIVE_COUNT)
    return opening.connection


def _failed(entry: HostEntry, problem: libvirt.libvirtError | None, said: str) -> HostUnreachable:
    """Libvirt's words, and what `said` has beside them: of an ssh that says more than 1 KiB, libvirt tells nothing."""
    text = str(problem)
    more = [line for line in said.splitlines() if line.strip() and line.strip() not in text]
    whole = "\n".join([text, *more])
    code = problem.get_error_code() if problem is not None else None
    why = f"host {entry.name} cannot be reached: {reason(entry.uri, whole)}"
    return HostUnreachable(entry.name, why, detail=whole, code=code)
