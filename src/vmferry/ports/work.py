"""What a migration needs beside its hosts: time, eyes, and what is written down."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from vmferry.flow.journal import Entry
from vmferry.forecast.progress import Progress
from vmferry.model.guest import Probe
from vmferry.model.holding import Room
from vmferry.model.host import HostEntry, Withdrawal
from vmferry.model.job import Ask, Job, Lease
from vmferry.model.migration import MigrationResult
from vmferry.model.slots import UNLIMITED, Slots, Wait


class Clock(Protocol):
    """Time that passes; a test has its own."""

    def now_s(self) -> float:
        """From any beginning; never runs backwards."""

    def sleep(self, duration_s: float) -> None: ...


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

    def reserve(self, lease: Lease, job: Job, entry: Entry, room: Room, slots: Slots = UNLIMITED) -> str | Wait | None:
        """As `write`, unless other jobs' claims on the same target leave too little of `room`: then why not.

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

    def jobs(
        self, *, unfinished: bool = False, guest: str | None = None, most: int = 100, before: str | None = None
    ) -> tuple[Job, ...]:
        """Newest first; with `before`, those older than the job of that id."""

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

    def withdrawn(self) -> Mapping[str, Withdrawal]:
        """By host's name, also of hosts that the configuration file declares."""

    def withdraw(self, host: str, withdrawal: Withdrawal) -> None:
        """From now on; what was said of it before is forgotten."""

    def readmit(self, host: str) -> None:
        """It takes guests again."""

    def remember_guests(self, host: str, names: Sequence[tuple[str, str]]) -> None:
        """(name, uuid) of the guests last seen on a host; for completion in the shell only."""

    def remembered_guests(self) -> Mapping[str, str]:
        """Guest name to host, as last seen."""

    def save_result(self, result: MigrationResult) -> None: ...

    def results(
        self, *, guest: str | None = None, source: str | None = None, target: str | None = None, most: int = 100
    ) -> tuple[MigrationResult, ...]:
        """Of that guest and that path, newest first, `most` of them at the most."""
