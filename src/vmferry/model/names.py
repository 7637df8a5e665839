"""What names, URIs and addresses may look like, before they reach a path or an argument list."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_URI = re.compile(r"[A-Za-z0-9+]+://[A-Za-z0-9._~:/?&=@%,+\[\]-]*")
_SCHEME = re.compile(r"qemu(\+(ssh|libssh2?|tls|tcp|unix))?|test")
_REMOTE = ("qemu+ssh", "qemu+libssh", "qemu+libssh2", "qemu+tls", "qemu+tcp")


def name_problem(name: str) -> str | None:
    """Why this is no name for a host, or None."""
    if _NAME.fullmatch(name):
        return None
    return "a host's name has up to 63 letters, digits, '.', '-' and '_', and begins with a letter or digit"


def uri_problem(uri: str) -> str | None:
    """Why this is no libvirt URI that vmferry opens, or None."""
    if not _URI.fullmatch(uri):
        return "a URI looks like qemu+ssh://root@host/system, without spaces, quotes or shell characters"
    try:
        parts = urlsplit(uri)
        parts.port  # noqa: B018 - reading it is the check
    except ValueError as error:
        return f"it cannot be read as a URI: {error}"
    if not _SCHEME.fullmatch(parts.scheme):
        return "its scheme has to be qemu, qemu+ssh, qemu+libssh, qemu+libssh2, qemu+tls, qemu+tcp or qemu+unix"
    if parts.scheme in _REMOTE and not parts.hostname:
        return "it names no host: write qemu+ssh://root@host/system"
    if (parts.hostname or "").startswith("-") or (parts.username or "").startswith("-"):
        return "neither its user nor its host may begin with '-'"
    return None


def address_problem(address: str) -> str | None:
    """Why this is neither an IP address nor a host's name, or None."""
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return None if _NAME.fullmatch(address) else "it is neither an IP address nor a host's name"
    return None


def probe_problem(address: str | None, url: str | None) -> tuple[str, str] | None:
    """The first wrong field of what is known of a guest's place on the network, as (field, what is wrong), or None."""
    try:
        ipaddress.ip_address("::" if address is None else address)
    except ValueError:
        return "address", f"{address!a} is no IP address; write it as 10.0.0.101 or fd00::101"
    return None if url is None or _is_web(url) else ("url", f"{url!a} is no http:// or https:// address")


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it is the check
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and all("!" <= letter <= "~" for letter in url)


def entry_problem(
    name: str, uri: str, peer_uri: str | None = None, migration_address: str | None = None
) -> tuple[str, str] | None:
    """The first wrong field of an inventory entry, as (field, what is wrong), or None."""
    checks = (
        ("name", name, name_problem),
        ("uri", uri, uri_problem),
        ("peer_uri", peer_uri, uri_problem),
        ("migration_address", migration_address, address_problem),
    )
    for field, value, problem in checks:
        wrong = None if value is None else problem(value)
        if wrong:
            return field, wrong
    return None
