"""By what ssh a host is reached: one connection for libvirt's session and the shell's, or each by its own."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from vmferry.errors import silent
from vmferry.hosts.shared_ssh import SharedSsh
from vmferry.hosts.uris import shareable, shell_command
from vmferry.model.host import HostEntry


@dataclass(frozen=True, slots=True)
class Ways:
    """What to put before a command to run it on the host, and what libvirt's ssh is told."""

    shell: tuple[str, ...] | None
    ssh_options: tuple[str, ...] = ()
    said: Callable[[], str] = str
    """What the ssh that both go through said on standard error."""


ALONE = Ways(None)


def begin(entry: HostEntry, timeout_s: float, undo: contextlib.ExitStack, *, share: bool) -> Callable[[], Ways]:
    """Start to connect at once; the answer waits for it, and raises HostUnreachable after `timeout_s` seconds."""
    command = shell_command(entry, timeout_s)
    if not (share and command and shareable(entry)):
        return lambda: Ways(command)
    shared = SharedSsh(command)
    undo.callback(shared.close)
    shared.begin()
    return lambda: _shared(entry, shared, command, timeout_s)


def _shared(entry: HostEntry, shared: SharedSsh, command: tuple[str, ...], timeout_s: float) -> Ways:
    try:
        options = shared.options(timeout_s)
    except TimeoutError:
        raise silent(entry.name, timeout_s) from None
    return Ways((command[0], *options, *command[1:]), options, shared.said)
