"""What is mended through libvirt: storage pools, and what it keeps of guests."""

from __future__ import annotations

import contextlib

import libvirt

from vmferry.errors import HostError
from vmferry.hosts import jobs
from vmferry.repair.change import Change, Definition, Pool
from vmferry.repair.pools import comparable, read_pool_text

_KEPT = libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE
_INACTIVE = libvirt.VIR_STORAGE_XML_INACTIVE


def definitions(connection: libvirt.virConnect) -> tuple[Definition, ...]:
    """Of all guests that outlive a shutdown."""
    kept = connection.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_PERSISTENT)
    return tuple(Definition(each.UUIDString(), each.name(), each.XMLDesc(_KEPT), each.ID() != -1) for each in kept)


def definition(connection: libvirt.virConnect, uuid: str) -> str | None:
    try:
        domain = connection.lookupByUUIDString(uuid)
        return str(domain.XMLDesc(_KEPT)) if domain.isPersistent() else None
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return None
        raise


def pools(connection: libvirt.virConnect) -> tuple[Pool, ...]:
    """Those that do not outlive a restart too. Empty where its libvirt has no driver for storage."""
    try:
        return tuple(_pool(each) for each in connection.listAllStoragePools())
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_SUPPORT:
            raise
        return ()


def _pool(pool: libvirt.virStoragePool) -> Pool:
    return Pool(pool.name(), comparable(pool.XMLDesc(_INACTIVE)), bool(pool.isActive()), bool(pool.autostart()))


def pool_text(connection: libvirt.virConnect, name: str) -> str | None:
    found = _found(connection, name)
    return None if found is None else _pool(found).text


def _found(connection: libvirt.virConnect, name: str) -> libvirt.virStoragePool | None:
    try:
        return connection.storagePoolLookupByName(name)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_STORAGE_POOL:
            return None
        raise


def put_pool(connection: libvirt.virConnect, change: Change) -> None:
    """Of files that are in it, none is touched. A pool that cannot be started is not left behind."""
    pool = _found(connection, change.name)
    if change.after is None:
        if pool is not None:
            _remove(pool)
        return
    active, autostart, xml = read_pool_text(change.after)
    made = pool is None
    pool = connection.storagePoolDefineXML(xml, 0) if pool is None else pool
    try:
        if active and not pool.isActive():
            pool.create(0)
        elif pool.isActive() and not active:
            pool.destroy()
        pool.setAutostart(int(autostart))
    except libvirt.libvirtError:
        if made:
            _remove(pool)
        raise


def _remove(pool: libvirt.virStoragePool) -> None:
    if pool.isActive():
        pool.destroy()
    pool.undefine()


def define_guest(connection: libvirt.virConnect, host: str, change: Change) -> None:
    if change.after is None:
        raise HostError(
            host, f"host {host}: guest {change.name} is not undefined by a fix; do it by hand if it is meant"
        )
    connection.defineXML(change.after)


def running_jobs(connection: libvirt.virConnect) -> tuple[tuple[str, str], ...]:
    """(guest, kind of job) of every guest that has one: a guest that ends meanwhile has none."""
    found = []
    for domain in connection.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE):
        with contextlib.suppress(libvirt.libvirtError):
            kind = jobs.kind(domain)
            if kind is not None:
                found.append((str(domain.name()), kind))
    return tuple(found)
