"""The few Protocols between the pure half and the half that touches the world.

`vmferry.hosts` and `vmferry.store` are the real ones, `vmferry.fakes` the in-memory ones; both pass one contract suite.
All calls block, may be made from any thread, and raise `HostError` or `HostUnreachable` with libvirt's text kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from vmferry.facts.guest import CpuMatch, DiskSight, GuestFacts
from vmferry.facts.host import HostFacts
from vmferry.facts.path import PathFacts, PathPlan
from vmferry.facts.system import SystemFacts, Unit
from vmferry.model.guest import Disk, Guest, GuestState, Probe
from vmferry.model.host import Host, HostEntry
from vmferry.model.migration import JobStats, MigrationOrder, MigrationResult
from vmferry.repair.change import Change, Definition, Edited, Kind, Place, Pool, Record, Wanted


class HostPort(Protocol):
    """One connected host."""

    @property
    def entry(self) -> HostEntry: ...

    def describe(self) -> Host:
        """The inventory's line for it."""

    def guests(self) -> tuple[Guest, ...]:
        """All its guests, active or not, with disks and network cards."""

    def facts(self) -> HostFacts: ...

    def guest_facts(self, uuid: str) -> GuestFacts:
        """Raises HostError where the guest is not there."""

    def guest_state(self, uuid: str) -> GuestState | None:
        """None only where the host answered that it knows no such guest."""

    def guest_persistent(self, uuid: str) -> bool:
        """True where the host keeps a definition of the guest that outlives a shutdown."""

    def disk_problems(self, uuid: str) -> tuple[tuple[str, str], ...]:
        """(target, problem) for every disk of the running guest on which QEMU has stopped at an I/O error."""

    def compare_cpu(self, guest: GuestFacts) -> tuple[CpuMatch, str]:
        """Libvirt's own comparison of the guest's CPU with this host, and its text where it says no."""

    def baseline_cpu(self, arch: str, virt_type: str, cpus: Sequence[str]) -> str | None:
        """The `<cpu>` that all of these hosts' CPUs, each a `<cpu>`, can give a guest; None: libvirt knows none."""

    def see_disks(self, disks: Sequence[Disk], marks: Sequence[Sequence[str]] = ()) -> tuple[DiskSight, ...]:
        """Look at the disks' sources read-only, in one round trip. One sight a disk, in order.

        `marks`: of each disk's sight, as another host's `mark_disks` gave it; they are looked for beside the files.
        """

    def mark_disks(self, disks: Sequence[Disk]) -> tuple[DiskSight, ...]:
        """As `see_disks`, and leave a mark of a new name beside every file on storage that others may see.

        Marks are empty directories; they are gone after `unmark_disks`, with the connection, and after 20 s at the
        latest.
        """

    def unmark_disks(self) -> None:
        """Remove every mark that was left over this connection. Raises HostUnreachable; they go by themselves then."""

    def probe(self, plans: Sequence[PathPlan]) -> tuple[PathFacts, ...]:
        """Try the ways to other hosts from this one, a plan each, all at once. Where it cannot, it says why."""

    def dirty_rate(self, uuid: str, period_s: int | None) -> int | None:
        """Bytes a second by libvirt's dirty-rate calculation over `period_s` (1 to 60).

        With None, the result of the last calculation that libvirt still has; None where there is none. Never called
        while a migration of the guest runs.
        """

    def link_rate(self) -> int | None:
        """Bytes a second that its migration network card says it can do; None: not known."""

    def migrate(self, order: MigrationOrder) -> None:
        """Returns when libvirt says the guest runs on the target; raises HostError when it says it does not."""

    def job_stats(self, uuid: str) -> JobStats | None:
        """None while no migration job of the guest runs here."""

    def completed_stats(self, uuid: str) -> JobStats | None:
        """Of the last completed migration, asked on the host that the guest now runs on; None: not kept."""

    def abort(self, uuid: str) -> None:
        """Ask libvirt to end the guest's running job."""

    def close(self) -> None: ...


class Connector(Protocol):
    """Opens hosts."""

    def connect(self, entry: HostEntry, timeout_s: float) -> HostPort:
        """Raises HostUnreachable when there is no connection within `timeout_s` seconds."""


class Mender(Protocol):
    """One host to be changed by its shell, as root, and by its libvirt. Opening it changes nothing and asks nothing."""

    @property
    def entry(self) -> HostEntry: ...

    def need_root(self) -> None:
        """Raises UserError where the shell is not root's."""

    def system(self) -> SystemFacts:
        """Told by the shell, whether libvirt answers or not."""

    def units(self) -> Mapping[str, Unit]:
        """Those of libvirt's daemons, by name."""

    def edited(self, wanted: Wanted) -> Edited:
        """A configuration file as it would be with these keys; the file itself is left as it is."""

    def pools(self) -> tuple[Pool, ...]:
        """Those that are kept."""

    def definitions(self) -> tuple[Definition, ...]:
        """Of every guest that is kept."""

    def jobs(self) -> tuple[tuple[str, str], ...]:
        """(guest, kind of job) of every job of libvirt's that runs on a guest now."""

    def place(self, path: str) -> Place:
        """Of a directory, there or not."""

    def observe(self, kind: Kind, name: str) -> str | None:
        """The text of that thing as it is now; None where it is not there."""

    def put(self, change: Change, backup: str = "") -> None:
        """Bring it from `before` to `after`. Raises Refused where it is not as `before` any more.

        `backup` is what is appended to the name of a file's old copy, which stays beside it; empty: none is kept.
        """

    def restart(self, services: Sequence[str], limit_s: float) -> None: ...

    def answers(self, limit_s: float) -> bool:
        """Whether libvirt answers on a new connection within that many seconds."""

    def records(self) -> tuple[Record, ...]:
        """What the host keeps of fixes made on it, by whichever controller, oldest first."""

    def keep(self, record: Record) -> None:
        """On the host, in place of the one with the same id."""

    def close(self) -> None: ...


class Menders(Protocol):
    """Opens hosts for changes."""

    def open(self, entry: HostEntry, timeout_s: float) -> Mender:
        """Raises UserError where the host has no shell, HostUnreachable where there is no way to it."""


class Watch(Protocol):
    """A running look at a guest's address from here."""

    def stop(self) -> int | None:
        """End it; the longest silence in milliseconds, None where it could not be watched."""


class Prober(Protocol):
    """Sees guests from outside, over the network."""

    def watch(self, address: str) -> Watch: ...

    def answers(self, probe: Probe, timeout_s: float) -> tuple[bool | None, str]:
        """Whether the guest answers at all of its probe's places within the time, and what was seen.

        None where none of them could be looked at from here.
        """


class Store(Protocol):
    """The embedded store: inventory and the record of migrations."""

    def hosts(self) -> tuple[HostEntry, ...]: ...

    def add_host(self, entry: HostEntry) -> None:
        """Raises UserError where the name is taken."""

    def remove_host(self, name: str) -> None:
        """Raises UserError where there is none of that name."""

    def remember_guests(self, host: str, names: Sequence[tuple[str, str]]) -> None:
        """(name, uuid) of the guests last seen on a host; for completion in the shell only."""

    def remembered_guests(self) -> Mapping[str, str]:
        """Guest name to host, as last seen."""

    def save_result(self, result: MigrationResult) -> None: ...

    def results(
        self, *, guest: str | None = None, source: str | None = None, target: str | None = None, most: int = 100
    ) -> tuple[MigrationResult, ...]:
        """Of that guest and that path, newest first, `most` of them at the most."""
