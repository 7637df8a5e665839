"""What libvirt answers of a host itself."""

from __future__ import annotations

from dataclasses import replace

import libvirt

from vmferry.facts.compute import DomainSupport
from vmferry.facts.host import HostFacts, KnownGuest, Network
from vmferry.hosts import abilities
from vmferry.hosts.greeting import Greeting
from vmferry.hosts.pools import pools
from vmferry.hosts.told.certificates import read_certificates
from vmferry.hosts.told.clock import UNTOLD, Clock
from vmferry.hosts.told.memory import free_bytes
from vmferry.hosts.told.network import read_network
from vmferry.hosts.told.sections import Sections
from vmferry.hosts.told.storage import read_room, read_storage
from vmferry.hosts.told.system import read_system
from vmferry.model.host import Host, HostEntry, HostState
from vmferry.xml.capabilities import Capabilities
from vmferry.xml.disks import disks
from vmferry.xml.domain import vcpus
from vmferry.xml.network import read_network_xml
from vmferry.xml.parse import BadXml, parse

_ALL_NODES = libvirt.VIR_NODE_MEMORY_STATS_ALL_CELLS


def describe(entry: HostEntry, connection: libvirt.virConnect, release: str | None) -> Host:
    memory_bytes, _ = _memory(connection)
    return Host(
        name=entry.name,
        uri=entry.uri,
        state=HostState.READY,
        release=release,
        libvirt=version(connection.getLibVersion()),
        qemu=version(connection.getVersion()),
        memory_bytes=memory_bytes,
        cpus=connection.getInfo()[2],
        guests=connection.numOfDomains() + connection.numOfDefinedDomains(),
    )


def facts(
    entry: HostEntry,
    connection: libvirt.virConnect,
    capabilities: Capabilities,
    greeting: Greeting,
    sections: Sections | None,
    domains: tuple[DomainSupport, ...] = (),
    clock: Clock = UNTOLD,
) -> HostFacts:
    """`sections`: what the host's shell told; None: nothing."""
    memory_bytes, cached_too_bytes = _memory(connection)
    figures = abilities.memory_figures(connection)
    return HostFacts(
        name=entry.name,
        unreadable=() if capabilities.unreadable is None else (capabilities.unreadable,),
        host_uuid=capabilities.host_uuid,
        peer_uri=entry.peer_uri or entry.uri,
        migration_address=entry.migration_address,
        hostname=connection.getHostname(),
        state=entry.state,
        release=greeting.release,
        libvirt=version(connection.getLibVersion()),
        qemu=version(connection.getVersion()),
        memory_bytes=memory_bytes,
        memory_free_bytes=free_bytes(sections, cached_too_bytes),
        cpus=connection.getInfo()[2],
        cpu=capabilities.cpu,
        guests=_known_guests(connection, figures),
        networks=_networks(connection),
        support=capabilities.support,
        clock_offset_s=clock.offset_s,
        clock_error_s=clock.error_s,
        system=None if sections is None else read_system(sections),
        network=None if sections is None else read_network(sections),
        storage=None if sections is None else read_storage(sections),
        tls=None if sections is None else read_certificates(sections),
        domains=domains,
        cells=abilities.cells(connection, capabilities.cells),
        secrets=abilities.secrets(connection),
        pools=pools(connection, entry.name, {} if sections is None else read_room(sections)),
        qemu_owner=capabilities.qemu_owner,
        claimed_bytes=sum(abilities.claim_bytes(each) for each in figures.values()),
    )


def version(number: int) -> str:
    """Libvirt's packed number as 10.0.2."""
    return f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}"


def _memory(connection: libvirt.virConnect) -> tuple[int | None, int | None]:
    """(total, free and cached). Libvirt counts in KiB."""
    try:
        kib = connection.getMemoryStats(_ALL_NODES)
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_SUPPORT:
            raise
        return connection.getInfo()[1] << 20, None
    free_kib = sum(kib.get(each, 0) for each in ("free", "buffers", "cached"))
    return kib["total"] << 10, free_kib << 10


def _known_guests(connection: libvirt.virConnect, figures: abilities.Figures) -> tuple[KnownGuest, ...]:
    return tuple(_known_guest(each, figures.get(each.UUIDString(), {})) for each in connection.listAllDomains())


def _known_guest(domain: libvirt.virDomain, figures: dict[str, int]) -> KnownGuest:
    """With nothing of the definition of a guest that has gone meanwhile, or whose definition nobody can read."""
    names, memory_bytes = (domain.name(), domain.UUIDString()), abilities.memory_bytes(figures)
    known = KnownGuest(*names, domain.ID() != -1, memory_bytes=memory_bytes)
    try:
        definition = parse(domain.XMLDesc(), "a guest's definition")
    except (libvirt.libvirtError, BadXml):
        return known
    written = (disk.source for disk in disks(definition) if disk.source and not (disk.read_only or disk.shareable))
    return replace(known, vcpus=vcpus(definition), disks=tuple(written))


def _networks(connection: libvirt.virConnect) -> tuple[Network, ...] | None:
    """None where its libvirt has no driver for networks."""
    try:
        return tuple(_network(each) for each in connection.listAllNetworks())
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_SUPPORT:
            raise
        return None


def _network(found: libvirt.virNetwork) -> Network:
    persistent = found.isPersistent()
    autostart = bool(found.autostart()) if persistent else None
    return read_network_xml(found.XMLDesc(), found.name(), bool(found.isActive()), autostart)
