"""By what names and ports a source gets to a target: to its libvirt, and with the data of a migration."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from vmferry.facts.conf import ConfValue
from vmferry.facts.host import HostFacts

PORTS = {"ssh": 22, "libssh": 22, "libssh2": 22, "tls": 16514, "tcp": 16509}
"""By transport. A URI that names none means TLS."""
FIRST_PORT, LAST_PORT = 49152, 49215


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of a connection to a target's libvirt."""

    transport: str
    host: str
    port: int


def peer_of(target: HostFacts) -> Peer | None:
    """None where its URI is not known, cannot be read, or names no host."""
    try:
        parts = urlsplit(target.peer_uri or "")
        given = parts.port
    except ValueError:
        return None
    transport = parts.scheme.partition("+")[2] or "tls"
    port = given or PORTS.get(transport)
    return Peer(transport, parts.hostname, port) if parts.hostname and port else None


def data_host(target: HostFacts) -> str | None:
    """Where memory is sent: as the user said, or else as the target's libvirt says; None: not known."""
    if target.migration_address is not None:
        return target.migration_address
    said = qemu_setting(target, "migration_host")
    return said if isinstance(said, str) and said else target.hostname


def migration_ports(target: HostFacts) -> tuple[int, int]:
    """The first and the last."""
    first, last = qemu_setting(target, "migration_port_min"), qemu_setting(target, "migration_port_max")
    return (
        first if isinstance(first, int) and 0 < first < 1 << 16 else FIRST_PORT,
        last if isinstance(last, int) and 0 < last < 1 << 16 else LAST_PORT,
    )


def qemu_setting(host: HostFacts, key: str) -> ConfValue | None:
    """Of qemu.conf; None: not set, or not told."""
    conf = host.system.conf("qemu.conf") if host.system is not None else None
    found = conf.setting(key) if conf is not None else None
    return None if found is None else found.value


@lru_cache(maxsize=4096)
def is_address(word: str) -> bool:
    try:
        ip_address(word)
    except ValueError:
        return False
    return True
