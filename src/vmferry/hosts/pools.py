"""What libvirt answers of a host's storage pools."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace

import libvirt

from vmferry.facts.pool import Pool
from vmferry.xml.parse import BadXml
from vmferry.xml.pools import read_pool


def pools(connection: libvirt.virConnect, host: str, room: Mapping[str, int]) -> tuple[Pool, ...] | None:
    """None where its libvirt has no driver for storage. A pool that goes while it is read is left out.

    `room`: free bytes by directory, as the host tells now; libvirt's own figure may be old.
    """
    try:
        every = connection.listAllStoragePools()
        active = _names(connection, libvirt.VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE)
        autostart = _names(connection, libvirt.VIR_CONNECT_LIST_STORAGE_POOLS_AUTOSTART)
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_SUPPORT:
            raise
        return None
    found = []
    for pool in every:
        with contextlib.suppress(libvirt.libvirtError, BadXml):
            name = pool.name()
            told = read_pool(pool.XMLDesc(), host, active=name in active, autostart=name in autostart)
            free_bytes = room.get(told.path or "") if told.active else None
            found.append(told if free_bytes is None else replace(told, available_bytes=free_bytes))
    return tuple(found)


def _names(connection: libvirt.virConnect, flag: int) -> frozenset[str]:
    return frozenset(pool.name() for pool in connection.listAllStoragePools(flag))
