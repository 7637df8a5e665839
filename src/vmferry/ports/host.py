"""A connected host, and a copy that was begun on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from vmferry.errors import HostError
from vmferry.facts.guest import CpuMatch, DiskSight, GuestFacts
from vmferry.facts.host import HostFacts
from vmferry.facts.look import Look
from vmferry.facts.path import PathFacts, PathPlan
from vmferry.model.guest import Disk, Guest, GuestState
from vmferry.model.host import Host, HostEntry
from vmferry.model.image_bytes import Piece
from vmferry.model.migration import DirtyRate, DiskProgress, JobStats, MigrationOrder
from vmferry.model.storage import DiskCopy, DiskState


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

    def agent_answers(self, uuid: str) -> bool | None:
        """Whether the running guest's QEMU agent answers; None where none is connected. Changes and taints nothing."""

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

    def dirty_rate(self, uuid: str, period_s: int | None) -> DirtyRate | None:
        """By libvirt's dirty-rate calculation over `period_s` (1 to 60).

        With None, the result of the last calculation that libvirt still has; None where there is none. Never called
        while a migration of the guest runs.
        """

    def link_rate(self) -> int | None:
        """Bytes a second that its migration network card says it can do; None: not known."""

    def cpu_seconds(self) -> Mapping[str, float]:
        """CPU time that each active guest has used since its QEMU began, by UUID; it may not tell of all."""

    def look(self, uuid: str) -> Look | None:
        """Who has the guest, as this host has it now. None only where it answered that it knows none such."""

    def prepare_to_send(self) -> None:
        """Have ready what `begin` needs, in the background."""

    def begin(self, order: MigrationOrder) -> Copy:
        """Begin to copy it to another host. Goes on by itself, whatever becomes of this process."""

    def migrate(self, order: MigrationOrder) -> None:
        """The same to its end: returns when libvirt says the guest runs on the target, raises HostError when it says
        that it does not.
        """

    def start_post_copy(self, uuid: str) -> None:
        """Let the guest run on the target at once, and send the rest after it. Raises HostError where its order did not
        allow that, or nothing is being copied.
        """

    def suspend_moving(self, uuid: str) -> None:
        """Stop the guest for the rest of its copy: it runs again there, or here where that fails. Raises HostError."""

    def max_downtime_ms(self, uuid: str) -> int:
        """The limit of its running QEMU."""

    def set_max_downtime(self, uuid: str, limit_ms: int) -> None: ...

    def max_bandwidth_bytes_s(self, uuid: str) -> int:
        """The limit that its next migration has if it is told none."""

    def set_max_bandwidth(self, uuid: str, limit_bytes_s: int, *, post_copy: bool = False) -> None:
        """Of its running migration, or its next one."""

    def destroy_held(self, uuid: str) -> None:
        """End the QEMU of a guest that a migration holds still. Raises HostError where it is in any other state."""

    def resume_held(self, uuid: str) -> None:
        """Let a guest run that a migration holds still. Raises HostError where it is in any other state."""

    def undefine_off(self, uuid: str) -> None:
        """Forget the definition of a guest that is shut off, and nothing that belongs to it. Raises HostError."""

    def autostart_off(self, uuid: str) -> None:
        """Do not start a guest that is shut off with the host any more. Raises HostError."""

    def pause(self, uuid: str) -> None:
        """Let a running guest stand still, as its user may."""

    def announce(self, uuid: str) -> None:
        """Have QEMU tell the network again where the running guest's cards are; libvirt then notes `custom-monitor`."""

    def make_volume(self, copy: DiskCopy) -> None:
        """Sparse, in its pool. Raises HostError, also where anything of that name is there."""

    def volume_bytes(self, pool: str, name: str) -> int | None:
        """What is allocated of it; None: it is not there."""

    def remove_volume(self, pool: str, name: str, *, empty: bool) -> None:
        """Nothing where it is not there. Raises HostError where a guest of this host has it as a disk, or, with
        `empty`, something was written to it.
        """

    def remove_image(self, path: str) -> None:
        """A file of one of its pools. Raises HostError where a guest of this host has it as a disk."""

    def rename_image(self, path: str, new: str) -> None:
        """The same. Raises HostError also where there is something of the new name."""

    def disk_progress(self, uuid: str, disks: Sequence[str]) -> tuple[DiskProgress, ...]:
        """Of those of its disks that are being copied with it now."""

    def limit_disks(self, uuid: str, disks: Sequence[str], limit_bytes_s: int) -> None:
        """Of each of its disks that is being copied now; another limit than that of its memory."""

    def write_synchronously(self, uuid: str) -> None:
        """From now on its writes wait for the target's. Raises HostError where its QEMU cannot do that any more."""

    def read_image(self, path: str, at: int = 0) -> Iterator[Piece]:
        """Of one of its pools, from a byte on. Raises HostError, also in the middle."""

    def write_image(self, pool: str, name: str, pieces: Iterable[Piece], at: int = 0) -> None:
        """Over what a volume has, from a byte on. Raises HostError, and whatever `pieces` raise; what was written last
        may then not be there.
        """

    def kept_definition(self, uuid: str) -> str:
        """With its passwords: not to be shown, nor written anywhere but into another host's libvirt."""

    def define(self, xml: str, *, starts: bool) -> None:
        """Keep a definition of a guest that is not there; `starts`: with the host. Raises HostError."""

    def disk_state(self, uuid: str, disk: str) -> DiskState | None:
        """None: this host knows no such guest."""

    def copy_disk(self, uuid: str, copy: DiskCopy, limit_bytes_s: int | None, *, synchronous: bool) -> None:
        """Begin to copy a disk of a running guest onto a volume that is there. Goes on by itself, and keeps the two
        level until `pivot` or `abort_disk`.
        """

    def pivot(self, uuid: str, disk: str) -> None:
        """Let the guest go over to the copy, in its kept definition too. Raises HostError where they are not level."""

    def abort_disk(self, uuid: str, disk: str) -> None:
        """End the copy; the guest stays where it was."""

    def keep_disk(self, uuid: str, copy: DiskCopy) -> None:
        """Have the kept definition say the copy, where it still says the old image."""

    def keep_definition(self, uuid: str) -> None:
        """Keep the definition of a running guest, as it would be after its next start."""

    def job_stats(self, uuid: str) -> JobStats | None:
        """None while no migration job of the guest runs here."""

    def completed_stats(self, uuid: str) -> JobStats | None:
        """Of the last completed migration, asked on the host that the guest now runs on; None: not kept."""

    def abort(self, uuid: str) -> None:
        """Ask libvirt to end the guest's running job."""

    def close(self) -> None: ...


class Copy(Protocol):
    """A copy that was begun, as far as its caller hears of it."""

    def wait(self, timeout_s: float) -> bool:
        """Whether libvirt's own call has ended, within that time."""

    @property
    def problem(self) -> HostError | None:
        """Of a copy that has ended: None where libvirt says that the guest runs on the target."""


class Connector(Protocol):
    """Opens hosts."""

    def connect(self, entry: HostEntry, timeout_s: float) -> HostPort:
        """Raises HostUnreachable when there is no connection within `timeout_s` seconds."""
