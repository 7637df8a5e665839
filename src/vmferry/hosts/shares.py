"""Which server's share a file or an image is on, as far as a host's own words for it tell."""

from __future__ import annotations

import ipaddress
import re

_PART = re.compile(r"\[/[^\]]*\]$")
"""A bind mount's directory, which findmnt puts behind the source."""
_SERVED = re.compile(r"(?P<server>[^/].*)[:=](?P<path>[^:=]*)")
"""Ceph writes `user@cluster.name=/path`."""


def share(source: str) -> str | None:
    """`server:/export` of what is mounted.

    None where the words may mean something else on another host: a device, a tag, a server that is the host itself.
    """
    named = _SERVED.fullmatch(_PART.sub("", source))
    if named is None or _itself(named["server"]):
        return None
    return f"{named['server'].lower()}:/{named['path'].strip('/')}"


def servers(url: str) -> tuple[str, ...]:
    """Names or addresses of its servers, without ports."""
    words = url.partition("://")[2].partition("/")[0].split(",")
    return tuple((re.sub(r":\d+$", "", word) if word[-1:] != "]" else word).strip("[]") for word in words)


def at_home(url: str) -> bool:
    """A server of this URL is the host that asks, whichever that is."""
    return any(_itself(server) for server in servers(url))


def _itself(server: str) -> bool:
    name = server.strip("[]").lower().rstrip(".")
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return name in ("", "localhost", "localhost.localdomain", "ip6-localhost")
    return address.is_loopback or address.is_unspecified
