"""Opens hosts, each within its time limit."""

from __future__ import annotations

import contextlib
import itertools
import time
from typing import TYPE_CHECKING

from vmferry.errors import UserError
from vmferry.hosts import ways
from vmferry.hosts.shell import Shell
from vmferry.model.host import HostEntry
from vmferry.model.names import entry_problem

if TYPE_CHECKING:
    from libvirt import virConnect

    from vmferry.hosts.host import LibvirtHost

REOPEN_LIMIT_S = 4.0

EARLY_SHELLS = 8
"""So many first hosts have their shell begun with libvirt's connection, most questions need both. In a big fleet a
command looks at few hosts closely, and the others are spared it.
"""


class LibvirtConnector:
    """`ports.Connector`."""

    def __init__(self) -> None:
        self._connecting = itertools.count(1)

    def connect(self, entry: HostEntry, timeout_s: float) -> LibvirtHost:
        wrong = entry_problem(entry.name, entry.uri, entry.peer_uri, entry.migration_address)
        if wrong:
            raise UserError(f"host {entry.name!a}: its {wrong[0]} cannot be used: {wrong[1]}")
        deadline = time.monotonic() + timeout_s
        early = next(self._connecting) <= EARLY_SHELLS
        with contextlib.ExitStack() as undo:
            begun = ways.begin(entry, timeout_s, undo, share=early)
            # The handshake is under way by now: libvirt's library is loaded meanwhile.
            from vmferry.hosts import events
            from vmferry.hosts.host import LibvirtHost
            from vmferry.hosts.line import Line
            from vmferry.hosts.opening import open_connection
            from vmferry.hosts.sender import Sender

            events.start()
            way = begun()
            shell = Shell(entry.name, way.shell)
            undo.callback(shell.close)
            if early:
                shell.begin()
            connection = open_connection(entry, timeout_s, deadline, way)

            def reopen() -> virConnect:
                return open_connection(entry, REOPEN_LIMIT_S)

            sender = Sender(lambda: Line(open_connection(entry, REOPEN_LIMIT_S, ways=way), reopen))
            return LibvirtHost(entry, Line(connection, reopen), sender, shell, undo.pop_all())
