"""One connected host, as `ports.HostPort`. Every libvirt call counts: each is a round trip."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

import libvirt

from vmferry.errors import HostError, HostUnreachable
from vmferry.facts.compute import DomainSupport
from vmferry.facts.guest import CpuMatch, DiskSight, GuestFacts, Reason
from vmferry.facts.host import HostFacts
from vmferry.facts.look import OUTGOING, Look
from vmferry.facts.path import PathFacts, PathPlan
from vmferry.hosts import abilities, disk_moves, guests, image_streams, inventory, jobs, mirrors, volumes
from vmferry.hosts.asking import asking
from vmferry.hosts.disks import look_at, mark, unmark
from vmferry.hosts.greeting import Greeting, read_greeting
from vmferry.hosts.line import Line
from vmferry.hosts.probes import probe
from vmferry.hosts.sender import Sender
from vmferry.hosts.shell import Shell
from vmferry.hosts.threaded import InThread
from vmferry.hosts.told.clock import read_clock
from vmferry.hosts.told.sections import Sections, read_sections
from vmferry.model.guest import Disk, Guest, GuestState
from vmferry.model.host import Host, HostEntry
from vmferry.model.image_bytes import Piece
from vmferry.model.migration import DirtyRate, DiskProgress, JobStats, MigrationOrder
from vmferry.model.storage import DiskCopy, DiskState
from vmferry.ports import Copy
from vmferry.xml.capabilities import Capabilities, read_capabilities
from vmferry.xml.parse import BadXml

HELD = (Reason.MIGRATION, Reason.STARTING_UP, Reason.RESUME_FAILED)
"""Why a guest stands still that a migration has not let run yet, has stopped for its switch, or could not let go on."""


class LibvirtHost:
    """Made by `LibvirtConnector`. Methods may be called from any thread, also at the same time."""

    def __init__(self, entry: HostEntry, line: Line, sender: Sender, shell: Shell, ways: contextlib.ExitStack) -> None:
        """`sender`: for the calls that migrate. `ways` ends what the connections run through, after them."""
        self._entry, self._line, self._sender, self._shell, self._ways = entry, line, sender, shell, ways
        self._capabilities: Capabilities | None = None
        self._domains: tuple[DomainSupport, ...] | None = None
        self._capabilities_lock = threading.Lock()  # held while they are asked for: the answer is big

    @property
    def entry(self) -> HostEntry:
        return self._entry

    @property
    def _connection(self) -> libvirt.virConnect:
        return self._line.connection

    @contextlib.contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        with self._line.used(), asking(self._entry.name, self._connection, what):
            yield

    def _domain(self, uuid: str) -> libvirt.virDomain:
        return self._line.domain(uuid)

    def _knows(self, uuid: str) -> bool:
        """False only where the host answered that it has no such guest."""
        try:
            self._domain(uuid)
        except libvirt.libvirtError as error:
            if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
                return False
            raise
        return True

    def describe(self) -> Host:
        release = self._greeting().release
        with self._asking("tell what it is"):
            return inventory.describe(self._entry, self._connection, release)

    def guests(self) -> tuple[Guest, ...]:
        with self._asking("list its guests"):
            return guests.all_guests(self._connection, self._entry.name)

    def facts(self) -> HostFacts:
        greeting = self._greeting()
        asked_s = time.time()
        told = self._told()
        clock = read_clock(told, asked_s, time.time())
        with self._asking("tell its facts"):
            known, domains = self._known_capabilities(), self._known_domains()
            return inventory.facts(self._entry, self._connection, known, greeting, told, domains, clock)

    def _told(self) -> Sections | None:
        if not self._shell.available:
            return None
        try:
            return read_sections(self._shell.ask(["tell"]))
        except HostUnreachable:
            return None

    def _known_capabilities(self) -> Capabilities:
        with self._capabilities_lock:
            if self._capabilities is None:
                self._capabilities = _capabilities(self._connection.getCapabilities(), self._entry.name)
            return self._capabilities

    def _known_domains(self) -> tuple[DomainSupport, ...]:
        capabilities = self._known_capabilities()
        with self._capabilities_lock:
            if self._domains is None:
                self._domains = abilities.domain_support(self._connection, capabilities, self._entry.name)
            return self._domains

    def _greeting(self) -> Greeting:
        """Empty where there is no shell: nothing that a host must answer rests on it."""
        if self._shell.available:
            with contextlib.suppress(HostUnreachable):
                return read_greeting(self._shell.greeting())
        return Greeting()

    def guest_facts(self, uuid: str) -> GuestFacts:
        with self._asking(f"tell of guest {uuid}"):
            return guests.guest_facts(self._connection, self._domain(uuid), self._entry.name)

    def guest_state(self, uuid: str) -> GuestState | None:
        with self._asking(f"tell the state of guest {uuid}"):
            return guests.state(self._domain(uuid)) if self._knows(uuid) else None

    def guest_persistent(self, uuid: str) -> bool:
        with self._asking(f"tell whether guest {uuid} is persistent"):
            return bool(self._domain(uuid).isPersistent())

    def disk_problems(self, uuid: str) -> tuple[tuple[str, str], ...]:
        with self._asking(f"tell of disk errors of guest {uuid}"):
            return guests.disk_problems(self._domain(uuid))

    def agent_answers(self, uuid: str) -> bool | None:
        with self._asking(f"ask the agent of guest {uuid}"):
            return guests.agent_answers(self._domain(uuid))

    def compare_cpu(self, guest: GuestFacts) -> tuple[CpuMatch, str]:
        with self._asking("compare the guest's CPU with its own"):
            return guests.compare_cpu(self._connection, guest)

    def baseline_cpu(self, arch: str, virt_type: str, cpus: Sequence[str]) -> str | None:
        with self._asking("find a CPU that all hosts can give"):
            return abilities.baseline(self._connection, arch, virt_type, cpus)

    def see_disks(self, disks: Sequence[Disk], marks: Sequence[Sequence[str]] = ()) -> tuple[DiskSight, ...]:
        return look_at(disks, self._shell, self._line, marks)

    def mark_disks(self, disks: Sequence[Disk]) -> tuple[DiskSight, ...]:
        return mark(disks, self._shell, self._line)

    def unmark_disks(self) -> None:
        unmark(self._shell)

    def probe(self, plans: Sequence[PathPlan]) -> tuple[PathFacts, ...]:
        return probe(plans, self._shell)

    def dirty_rate(self, uuid: str, period_s: int | None) -> DirtyRate | None:
        with self._asking(f"measure the dirty rate of guest {uuid}"):
            return jobs.dirty_rate(self._connection, self._domain(uuid), period_s)

    def link_rate(self) -> int | None:
        return self._greeting().rate_bytes_s(self._entry.migration_address)

    def cpu_seconds(self) -> Mapping[str, float]:
        with self._asking("tell how much CPU its guests have used"):
            return abilities.cpu_seconds(self._connection)

    def look(self, uuid: str) -> Look | None:
        with self._asking(f"tell who has guest {uuid}"):
            return guests.look(self._domain(uuid)) if self._knows(uuid) else None

    def prepare_to_send(self) -> None:
        self._sender.prepare()

    def begin(self, order: MigrationOrder) -> Copy:
        return InThread(lambda: self.migrate(order))

    def migrate(self, order: MigrationOrder) -> None:
        line = self._sender.line()
        with line.used(), asking(self._entry.name, line.connection, f"migrate guest {order.guest_uuid}"):
            jobs.migrate(line.domain(order.guest_uuid), order)

    def read_image(self, path: str, at: int = 0) -> Iterator[Piece]:
        line = self._sender.line()
        with line.used(), asking(self._entry.name, line.connection, f"read the image {path}"):
            yield from image_streams.read(line.connection, path, at)

    def write_image(self, pool: str, name: str, pieces: Iterable[Piece], at: int = 0) -> None:
        line = self._sender.line()
        with line.used(), asking(self._entry.name, line.connection, f"write the volume {name} of its pool {pool}"):
            image_streams.write(line.connection, pool, name, pieces, at)

    def kept_definition(self, uuid: str) -> str:
        with self._asking(f"tell the definition of guest {uuid}"):
            return guests.kept_definition(self._domain(uuid))

    def define(self, xml: str, *, starts: bool) -> None:
        with self._asking("define a guest"):
            guests.define(self._connection, xml, starts=starts)

    def disk_state(self, uuid: str, disk: str) -> DiskState | None:
        with self._asking(f"tell where {disk} of guest {uuid} is"):
            return disk_moves.state(self._domain(uuid), disk) if self._knows(uuid) else None

    def copy_disk(self, uuid: str, copy: DiskCopy, limit_bytes_s: int | None, *, synchronous: bool) -> None:
        with self._asking(f"copy {copy.disk} of guest {uuid}"):
            disk_moves.begin(self._domain(uuid), copy, limit_bytes_s, synchronous=synchronous)

    def pivot(self, uuid: str, disk: str) -> None:
        with self._asking(f"let guest {uuid} go over to its new {disk}"):
            disk_moves.pivot(self._domain(uuid), disk)

    def abort_disk(self, uuid: str, disk: str) -> None:
        with self._asking(f"end the copy of {disk} of guest {uuid}"):
            disk_moves.abort(self._domain(uuid), disk)

    def keep_disk(self, uuid: str, copy: DiskCopy) -> None:
        with self._asking(f"keep the definition of guest {uuid}"):
            disk_moves.keep(self._connection, self._domain(uuid), copy)

    def job_stats(self, uuid: str) -> JobStats | None:
        with self._asking(f"tell of the migration of guest {uuid}"):
            return jobs.running(self._domain(uuid)) if self._knows(uuid) else None

    def completed_stats(self, uuid: str) -> JobStats | None:
        with self._asking(f"tell of the last migration of guest {uuid}"):
            return jobs.completed(self._domain(uuid))

    def abort(self, uuid: str) -> None:
        with self._asking(f"abort the migration of guest {uuid}"):
            self._domain(uuid).abortJob()

    def start_post_copy(self, uuid: str) -> None:
        with self._asking(f"switch guest {uuid} to post-copy"):
            self._domain(uuid).migrateStartPostCopy()

    def suspend_moving(self, uuid: str) -> None:
        with self._asking(f"suspend guest {uuid} for the rest of its copy"):
            if jobs.running(self._domain(uuid)) is None:
                raise HostError(self._entry.name, f"guest {uuid} is not being migrated from {self._entry.name}")
            self._domain(uuid).suspend()

    def max_downtime_ms(self, uuid: str) -> int:
        with self._asking(f"tell the downtime limit of guest {uuid}"):
            return jobs.max_downtime_ms(self._domain(uuid))

    def set_max_downtime(self, uuid: str, limit_ms: int) -> None:
        with self._asking(f"set the downtime limit of guest {uuid}"):
            self._domain(uuid).migrateSetMaxDowntime(limit_ms)

    def max_bandwidth_bytes_s(self, uuid: str) -> int:
        with self._asking(f"tell the bandwidth limit of guest {uuid}"):
            return jobs.MIB * int(self._domain(uuid).migrateGetMaxSpeed(0))

    def set_max_bandwidth(self, uuid: str, limit_bytes_s: int, *, post_copy: bool = False) -> None:
        flags = libvirt.VIR_DOMAIN_MIGRATE_MAX_SPEED_POSTCOPY if post_copy else 0
        with self._asking(f"set the bandwidth limit of guest {uuid}"):
            self._domain(uuid).migrateSetMaxSpeed(max(1, limit_bytes_s // jobs.MIB), flags)

    def destroy_held(self, uuid: str) -> None:
        with self._asking(f"destroy the held copy of guest {uuid}"):
            self._need_held(uuid)
            self._domain(uuid).destroy()

    def resume_held(self, uuid: str) -> None:
        with self._asking(f"resume guest {uuid}"):
            self._need_held(uuid)
            self._domain(uuid).resume()

    def _need_held(self, uuid: str) -> None:
        """Right before, so that nothing is done to a guest that has begun to run."""
        seen = guests.look(self._domain(uuid))
        held = seen is not None and seen.state is GuestState.PAUSED and seen.reason in HELD and seen.job != OUTGOING
        if not held:
            state = "gone" if seen is None else f"{seen.state}{f' ({seen.reason})' if seen.reason else ''}"
            raise HostError(self._entry.name, f"guest {uuid} is {state} on host {self._entry.name}; it was left alone")

    def undefine_off(self, uuid: str) -> None:
        with self._asking(f"forget the definition of guest {uuid}"):
            guests.undefine(self._domain(uuid))

    def autostart_off(self, uuid: str) -> None:
        with self._asking(f"switch off the start at boot of guest {uuid}"):
            guests.autostart_off(self._domain(uuid))

    def pause(self, uuid: str) -> None:
        with self._asking(f"pause guest {uuid}"):
            self._domain(uuid).suspend()

    def announce(self, uuid: str) -> None:
        with self._asking(f"announce the addresses of guest {uuid}"):
            guests.announce(self._domain(uuid))

    def make_volume(self, copy: DiskCopy) -> None:
        with self._asking(f"make the volume {copy.volume} in its pool {copy.pool}"):
            volumes.make(self._connection, copy)

    def volume_bytes(self, pool: str, name: str) -> int | None:
        with self._asking(f"tell of the volume {name} in its pool {pool}"):
            found = volumes.find(self._connection, pool, name, self._entry.name)
        return None if found is None else found.allocation_bytes

    def remove_volume(self, pool: str, name: str, *, empty: bool) -> None:
        with self._asking(f"remove the volume {name} from its pool {pool}"):
            volumes.remove(self._connection, pool, name, self._entry.name, empty=empty)

    def remove_image(self, path: str) -> None:
        with self._asking(f"remove {path}"):
            volumes.remove_image(self._connection, path, self._entry.name)

    def rename_image(self, path: str, new: str) -> None:
        with self._asking(f"rename {path}"):
            volumes.rename_image(self._connection, self._shell, path, new)

    def disk_progress(self, uuid: str, disks: Sequence[str]) -> tuple[DiskProgress, ...]:
        with self._asking(f"tell how far the disks of guest {uuid} are"):
            return mirrors.progress(self._domain(uuid), disks)

    def limit_disks(self, uuid: str, disks: Sequence[str], limit_bytes_s: int) -> None:
        with self._asking(f"set the bandwidth limit of the disks of guest {uuid}"):
            mirrors.limit(self._domain(uuid), disks, limit_bytes_s)

    def write_synchronously(self, uuid: str) -> None:
        with self._asking(f"have the writes of guest {uuid} wait for the target's"):
            mirrors.write_synchronously(self._domain(uuid))

    def keep_definition(self, uuid: str) -> None:
        with self._asking(f"keep the definition of guest {uuid}"):
            guests.keep_definition(self._connection, self._domain(uuid))

    def close(self) -> None:
        self._sender.close()
        self._line.close()
        self._ways.close()


def _capabilities(xml: str, host: str) -> Capabilities:
    try:
        return read_capabilities(xml, host)
    except BadXml as error:
        return Capabilities(None, (), None, unreadable=error.message)
