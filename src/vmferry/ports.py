"""The few Protocols between the pure half and the half that touches the world.

`vmferry.hosts` and `vmferry.store` are the real ones, `vmferry.fakes` the in-memory ones; both pass one contract suite.
All calls block, may be made from any thread, and raise `HostError` or `HostUnreachable` with libvirt's text kept.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from vmferry.errors import HostError
from vmferry.facts.guest import CpuMatch, DiskSight, GuestFacts
from vmferry.facts.host import HostFacts
from vmferry.facts.look import Look
from vmferry.facts.path import PathFacts, PathPlan
from vmferry.facts.system import SystemFacts, Unit
from vmferry.flow.journal import Entry
from vmferry.forecast.progress import Progress
from vmferry.model.guest import Disk, Guest, GuestState, Probe
from vmferry.model.host import Host, HostEntry
from vmferry.model.job import Ask, Job, Lease
from vmferry.model.migration import JobStats, MigrationOrder, MigrationResult
from vmferry.model.secret import Secret
from vmferry.model.slots import UNLIMITED, Slots, Wait
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

    def dirty_rate(self, uuid: str, period_s: int | None) -> int | None:
        """Bytes a second by libvirt's dirty-rate calculation over `period_s` (1 to 60).

        With None, the result of the last calculation that libvirt still has; None where there is none. Never called
        while a migration of the guest runs.
        """

    def link_rate(self) -> int | None:
        """Bytes a second that its migration network card says it can do; None: not known."""

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


class Clock(Protocol):
    """Time that passes; a test has its own."""

    def now_s(self) -> float:
        """From any beginning; never runs backwards."""

    def sleep(self, duration_s: float) -> None: ...


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

    def put(self, change: Change, backup: str = "", secret: Secret | None = None) -> None:
        """Bring it from `before` to `after`. Raises Refused where it is not as `before` any more.

        `backup` is what is appended to the name of a file's old copy, which stays beside it; empty: none is kept.
        `secret` is what goes into a key.
        """

    def restore(self, change: Change, backup: str) -> None:
        """The same back to what it was: a key from its old copy, which `put` has kept. Of files, none stays."""

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


class Chest(Protocol):
    """Where the fleet's certificate authority is kept. Nothing of its key is ever shown."""

    def certificates(self) -> str | None:
        """As PEM, the newest first; None: there is no authority yet."""

    def key(self) -> Secret:
        """Raises Failed where it is not there, or others than its owner may read it."""

    def make(self, certificates: str, key: Secret) -> None:
        """Raises Refused where there is an authority already."""

    def renew(self, certificates: str) -> None:
        """Of the same key."""


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

    def has_address(self, address: str, macs: Collection[str], timeout_s: float) -> bool | None:
        """Whether one of these cards says by ARP that it has the address; None: that cannot be asked from here."""


class Jobs(Protocol):
    """Migrations while they run: each is held by one worker at a time, and what it writes is there for all others.

    Every write of a holder names its lease; one that has been overtaken raises Fenced, and nothing was written.
    """

    def open(self, job: Job, first: Entry, worker: str) -> Lease:
        """Raises Refused where another job that is not at its end has the guest; names that job."""

    def queue(self, job: Job, first: Entry) -> None:
        """As `open`, for whichever worker takes it over first."""

    def take_over(self, job: str, worker: str) -> Lease | None:
        """The right to go on with it. None where its holder lives and keeps its lease, or it is at its end."""

    def held(self, job: str) -> bool:
        """A worker has it that lives and keeps its lease, as far as can be known."""

    def renew(self, lease: Lease) -> None:
        """Raises Fenced where it is not the holder any more. Right before every effect."""

    def write(self, lease: Lease, job: Job, entries: Sequence[Entry]) -> None:
        """All of it or nothing. Raises Fenced."""

    def reserve(
        self, lease: Lease, job: Job, entry: Entry, room_bytes: int | None, slots: Slots = UNLIMITED
    ) -> str | Wait | None:
        """As `write`, unless other jobs' claims on the same target leave too little of `room_bytes`: then why not.

        Wait where as many as `slots` allow run already, or waited before; it then keeps its place in the queue for as
        long as it keeps its lease.
        """

    def share(self, lease: Lease, job: Job) -> int:
        """`model.bandwidth.grant` of its link, with all that are reserved or run on it. What is more than its plan says
        is written into the plan in the same transaction; less only its holder writes, once the source keeps to it.
        """

    def close(self, lease: Lease) -> None:
        """Nobody holds it any more."""

    def release(self, lease: Lease) -> None:
        """Nobody holds it any more, but it is not at rest: whoever takes it over goes on. What was asked stays."""

    def jobs(self, *, unfinished: bool = False, guest: str | None = None, most: int = 100) -> tuple[Job, ...]:
        """Newest first."""

    def job(self, name: str) -> Job:
        """By its id, or the beginning of it that only this one has. Raises UserError."""

    def journal(self, job: str) -> tuple[Entry, ...]: ...

    def show(self, job: str, progress: Progress) -> None:
        """What any process may look at while it runs. Kept only while a worker has it, dead or not; so is an ask."""

    def shown(self, job: str) -> Progress | None: ...

    def ask(self, job: str, what: Ask) -> None: ...

    def asked(self, job: str) -> frozenset[Ask]: ...

    def announce(self, worker: str) -> None:
        """This worker takes jobs that others queue; to be said again every few seconds."""

    def retire(self, worker: str) -> None:
        """It takes no more."""

    def workers(self) -> tuple[str, ...]:
        """Those that take jobs, as far as they are known to live."""


class Dispatcher(Protocol):
    """Brings each job to one of the workers, and to another one where that one dies. It may come to two: whoever works
    on a job takes its lease first.
    """

    def launch(self, carry: Callable[[str], str]) -> None:
        """From now on `carry` is called with jobs, in threads, several at a time. It says what became of the job."""

    def dispatch(self, job: Job) -> None:
        """Have it carried, unless that is under way."""

    def resume(self, living: Collection[str]) -> None:
        """Have carried what was being carried by workers that are not among these."""

    def stop(self) -> None:
        """Call `carry` no more. Does not wait for what is being carried."""


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
