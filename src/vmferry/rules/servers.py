"""Which of the two hosts is the one that a disk's bytes are kept on."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from ipaddress import ip_address

from vmferry.facts.disk import DiskSight, Server
from vmferry.facts.host import HostFacts
from vmferry.facts.move import MoveFacts
from vmferry.facts.storage import Mount
from vmferry.rules.layers import mounted


def server_hosts(move: MoveFacts, sight: DiskSight) -> Iterator[tuple[str, str]]:
    """(host, what says that it keeps the bytes), of the source and the target."""
    for host in (move.source, move.target.host):
        for server in sight.servers:
            address = next((each for each in server.addresses if _is_of(each, host)), None)
            if address is not None:
                shown = server.name if server.name == address else f"{server.name} is {address}"
                yield host.name, f"{shown}, an address of its own"
        brick = _brick(host, mounted(move.source, sight))
        if brick is not None:
            yield host.name, f"it has a brick of the GlusterFS volume {brick}"
    if any(_loopback(server) for server in sight.servers):
        names = " and ".join(sorted((move.source.name, move.target.host.name)))
        yield names, f"{sight.servers[0].name} is whichever host asks"


def _is_of(address: str, host: HostFacts) -> bool:
    known = host.network.addresses if host.network is not None else None
    return any(each.address == address for each in known or ()) and not _is_loopback(address)


def _loopback(server: Server) -> bool:
    return any(_is_loopback(each) for each in (server.name, *server.addresses))


@lru_cache(maxsize=4096)
def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _brick(host: HostFacts, mount: Mount | None) -> str | None:
    """The volume that is mounted, where the host keeps a part of it."""
    if mount is None or "glusterfs" not in mount.kind:
        return None
    volume = mount.source.rpartition(":")[2].strip("/").partition("/")[0]
    exports = host.storage.exports if host.storage is not None else ()
    return volume if any(each.kind == "gluster" and each.name == volume for each in exports) else None
