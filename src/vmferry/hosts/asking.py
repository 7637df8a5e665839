"""Libvirt's errors as vmferry's, its text kept."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import libvirt

from vmferry.errors import HostError, HostUnreachable

GONE = (
    "the connection to host {host} broke while it was asked to {what}; check the host and its network, then try again"
)
REFUSED = "host {host} could not {what}: {text}"


@contextlib.contextmanager
def asking(host: str, connection: libvirt.virConnect, what: str) -> Iterator[None]:
    """Whatever libvirt raises inside becomes a HostError, or HostUnreachable where the connection is gone.

    `what` completes "host h1 could not ...".
    """
    try:
        yield
    except libvirt.libvirtError as error:
        raise _translated(host, connection, what, error) from error


def _translated(host: str, connection: libvirt.virConnect, what: str, error: libvirt.libvirtError) -> HostError:
    text, code = str(error), error.get_error_code()
    if not alive(connection):
        return HostUnreachable(host, GONE.format(host=host, what=what), detail=text, code=code)
    return HostError(host, REFUSED.format(host=host, what=what, text=text), detail=text, code=code)


def alive(connection: libvirt.virConnect) -> bool:
    """Answered from what this side knows; it asks nobody."""
    try:
        return bool(connection.isAlive() == 1)
    except libvirt.libvirtError:
        return False
