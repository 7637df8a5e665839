"""Connection URIs: made ready for libvirt, and the ssh command line that belongs to one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from vmferry.hosts.detached import detached
from vmferry.model.host import HostEntry

LOCAL_SCHEMES = ("qemu", "qemu+unix")


@contextmanager
def ready(uri: str, options: Sequence[str] = ()) -> Iterator[str]:
    """The URI to open, with ssh kept from asking, if the user has not said otherwise, and out of Ctrl-C's reach.

    `options` are for ssh.
    """
    parts = urlsplit(uri)
    if parts.scheme != "qemu+ssh":
        yield uri
        return
    query = {"no_tty": "1", **_query(parts)}
    with detached(query.get("command", "ssh"), options) as command:
        query["command"] = command
        yield urlunsplit(parts._replace(query=urlencode(query, quote_via=quote, safe="/")))


def shareable(entry: HostEntry) -> bool:
    """Libvirt and the shell reach it by the very same ssh."""
    return entry.ssh is None and urlsplit(entry.uri).scheme == "qemu+ssh"


def shell_command(entry: HostEntry, connect_timeout_s: float) -> tuple[str, ...] | None:
    """What to put before a command to run it on the host; empty on this machine itself, None: there is no way."""
    if entry.ssh is not None:
        return entry.ssh
    parts = urlsplit(entry.uri)
    if parts.scheme in LOCAL_SCHEMES and not parts.hostname:
        return ()
    return _ssh(parts, connect_timeout_s) if parts.scheme == "qemu+ssh" and parts.hostname else None


def _ssh(parts: SplitResult, connect_timeout_s: float) -> tuple[str, ...]:
    query = _query(parts)
    options = {"BatchMode": "yes", "ConnectTimeout": str(max(1, math.ceil(connect_timeout_s)))}
    if query.get("no_verify", "0") != "0":
        options["StrictHostKeyChecking"] = "no"
    command = [query.get("command", "ssh"), "-T", *(f"-o{name}={value}" for name, value in options.items())]
    for flag, value in (("-p", parts.port), ("-l", parts.username), ("-i", query.get("keyfile"))):
        if value:
            command += [flag, unquote(str(value))]
    return (*command, "--", parts.hostname or "")


def _query(parts: SplitResult) -> dict[str, str]:
    return dict(parse_qsl(parts.query, keep_blank_values=True))


def describe(uri: str) -> Mapping[str, str]:
    """The words of a URI that a reason for people uses."""
    parts = urlsplit(uri)
    host = parts.hostname or "this machine"
    known_as = host if parts.port in (None, 22) else f"'[{host}]:{parts.port}'"  # in ssh's known_hosts
    return {"host": host, "user": parts.username or "this user", "known_as": known_as}
