"""Images in a host's storage pools: made for a disk that is copied, removed, renamed."""

from __future__ import annotations

import contextlib

import libvirt

from vmferry.hosts.shell import Shell
from vmferry.model.storage import DiskCopy
from vmferry.xml.disks import disks
from vmferry.xml.parse import BadXml, parse
from vmferry.xml.volumes import Volume, read_volume, volume_xml

UNTOUCHED_BYTES = 1 << 20
"""So much a qcow2 image that nobody has written to may have allocated."""
_NOT_THERE = (libvirt.VIR_ERR_NO_STORAGE_VOL, libvirt.VIR_ERR_NO_STORAGE_POOL)


def make(connection: libvirt.virConnect, copy: DiskCopy) -> None:
    """Libvirt's own list of a pool may be old, and by it libvirt would write over a file that it does not know."""
    pool = connection.storagePoolLookupByName(copy.pool)
    pool.refresh()
    if copy.volume in pool.listVolumes():
        raise libvirt.libvirtError(f"{copy.path} is there already")
    pool.createXML(volume_xml(copy))


def find(connection: libvirt.virConnect, pool: str, name: str, host: str) -> Volume | None:
    """As it is now. None where it is not there."""
    volume = _volume(connection, pool, name)
    return None if volume is None else read_volume(volume.XMLDesc(), host)


def remove(connection: libvirt.virConnect, pool: str, name: str, host: str, *, empty: bool) -> None:
    """One that is gone is removed."""
    volume = _volume(connection, pool, name)
    if volume is None:
        return
    seen = read_volume(volume.XMLDesc(), host)
    if empty and seen.allocation_bytes > UNTOUCHED_BYTES:
        raise libvirt.libvirtError(f"{seen.path} has data in it, and nobody knows that this migration made it")
    _need_unused(connection, seen.path)
    volume.delete()


def remove_image(connection: libvirt.virConnect, path: str, host: str) -> None:
    """By its path, in whatever pool it is. Raises where it is in none."""
    volume = by_path(connection, path)
    if volume.info()[0] != libvirt.VIR_STORAGE_VOL_FILE:
        raise libvirt.libvirtError(f"{path} is no file; what else is a disk is not removed")
    _need_unused(connection, path)
    volume.delete()


def rename_image(connection: libvirt.virConnect, shell: Shell, path: str, new: str) -> None:
    """Libvirt has no call for it. One that has the new name already is renamed."""
    _need_unused(connection, path)
    answer = shell.ask([f"rename 0 {path}\t{new}"])
    if "0 renamed" not in answer:
        told = "; ".join(line.removeprefix("0 ") for line in answer if line)
        raise libvirt.libvirtError(told or "it was not renamed")
    with contextlib.suppress(libvirt.libvirtError):  # its own list is for people
        connection.storageVolLookupByPath(path).storagePoolLookupByVolume().refresh()


def by_path(connection: libvirt.virConnect, path: str) -> libvirt.virStorageVol:
    """In whatever pool it is. Raises libvirt's error where it is in none."""
    for pool in connection.listAllStoragePools(libvirt.VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE):
        with contextlib.suppress(libvirt.libvirtError):  # a pool that cannot be refreshed does not hold up the others
            pool.refresh()
    return connection.storageVolLookupByPath(path)


def _volume(connection: libvirt.virConnect, pool: str, name: str) -> libvirt.virStorageVol | None:
    try:
        found = connection.storagePoolLookupByName(pool)
        found.refresh()
        return found.storageVolLookupByName(name)
    except libvirt.libvirtError as error:
        if error.get_error_code() in _NOT_THERE:
            return None
        raise


def _need_unused(connection: libvirt.virConnect, path: str) -> None:
    """By no guest that this host knows, running or not."""
    for domain in connection.listAllDomains():
        with contextlib.suppress(BadXml):
            for xml in _definitions(domain):
                for disk in disks(parse(xml, "a guest's definition")):
                    if path in (disk.source, *disk.backing):
                        raise libvirt.libvirtError(f"{path} is a disk of guest {domain.name()}")


def _definitions(domain: libvirt.virDomain) -> tuple[str, ...]:
    """Empty where it has gone meanwhile."""
    try:
        live = domain.XMLDesc()
        return (live, domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)) if domain.isPersistent() else (live,)
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
            raise
        return ()
