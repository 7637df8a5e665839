"""`ports.Jobs` in memory, on the time of a fake world."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from vmferry.errors import Fenced, Refused
from vmferry.fakes.clock import Time
from vmferry.flow.journal import Entry
from vmferry.flow.states import CLAIMING, NOTHING_TAKEN, TERMINAL
from vmferry.forecast.progress import Progress
from vmferry.model.bandwidth import claim
from vmferry.model.holding import Claim, Room, no_room, overtaken, taken, the_one
from vmferry.model.job import Ask, Job, Lease
from vmferry.model.slots import UNLIMITED, Slots, Wait, turn

LEASE_S = 15.0


@dataclass(slots=True)
class _Kept:
    job: Job
    opened_s: float
    claimed_s: float | None = None
    waiting_s: float | None = None
    entries: list[Entry] = field(default_factory=list)
    progress: Progress | None = None
    asked: set[Ask] = field(default_factory=set)


@dataclass(slots=True)
class _Held:
    lease: Lease | None
    until_s: float
    fence: int


class MemoryJobs:
    """`dead`: workers that are known not to live any more; put them there."""

    def __init__(self, time: Time) -> None:
        self._time = time
        self._jobs: dict[str, _Kept] = {}
        self._leases: dict[str, _Held] = {}
        self._lock = threading.RLock()  # held for each call
        self.dead: set[str] = set()
        self._workers: dict[str, float] = {}

    def open(self, job: Job, first: Entry, worker: str) -> Lease:
        return self._open(job, first, worker)

    def queue(self, job: Job, first: Entry) -> None:
        with self._lock:
            self._open(job, first, "")

    def _open(self, job: Job, first: Entry, worker: str) -> Lease:
        with self._lock:
            for kept in self._jobs.values():
                if kept.job.plan.guest_uuid == job.plan.guest_uuid and kept.job.state not in TERMINAL:
                    raise Refused(taken(job.result.guest, kept.job.id, kept.job.state))
            self._jobs[job.id] = _Kept(job, self._time.now_s())
            lease = self._grant(job, worker)
            self._write(lease, job, [first])
            return lease

    def take_over(self, job: str, worker: str) -> Lease | None:
        with self._lock:
            kept = self._jobs.get(job)
            if kept is None or kept.job.state in TERMINAL or self.held(job):
                return None
            return self._grant(kept.job, worker)

    def held(self, job: str) -> bool:
        held = self._held(job)
        if held is None or held.lease is None or not held.lease.worker:
            return False
        return held.until_s > self._time.now_s() and held.lease.worker not in self.dead

    def _held(self, job: str) -> _Held | None:
        """None where nobody has it, not even one that is dead: one at its end is nobody's."""
        kept = self._jobs.get(job)
        if kept is None or kept.job.state in TERMINAL:
            return None
        held = self._leases[kept.job.plan.guest_uuid]
        return held if held.lease is not None and held.lease.job == job else None

    def _grant(self, job: Job, worker: str) -> Lease:
        guest = job.plan.guest_uuid
        former = self._leases.get(guest)
        fence = former.fence + 1 if former is not None else 1
        lease = Lease(job.id, guest, worker, fence)
        self._leases[guest] = _Held(lease, self._time.now_s() + LEASE_S, fence)
        return lease

    def renew(self, lease: Lease) -> None:
        with self._lock:
            held = self._leases[lease.guest_uuid]
            if held.lease != lease:
                raise Fenced(overtaken(lease))
            held.until_s = self._time.now_s() + LEASE_S

    def write(self, lease: Lease, job: Job, entries: Sequence[Entry]) -> None:
        with self._lock:
            self.renew(lease)
            self._write(lease, job, entries)

    def _write(self, lease: Lease, job: Job, entries: Sequence[Entry]) -> None:
        kept = self._jobs[job.id]
        kept.job = replace(job, worker=lease.worker, fence=lease.fence)
        kept.entries.extend(entries)
        kept.waiting_s = None
        if job.state not in CLAIMING:
            kept.claimed_s = None
        elif kept.claimed_s is None:
            kept.claimed_s = self._time.now_s()

    def reserve(self, lease: Lease, job: Job, entry: Entry, room: Room, slots: Slots = UNLIMITED) -> str | Wait | None:
        with self._lock:
            self.renew(lease)
            mine = self._jobs[job.id]
            wait = turn(job.result.source, job.result.target or "", self._before(mine), slots)
            if wait is not None:
                mine.job = replace(mine.job, result=replace(mine.job.result, target=job.result.target))
                mine.waiting_s = self._time.now_s() if mine.waiting_s is None else mine.waiting_s
                return wait
            others = [
                Claim(
                    other.job.id,
                    other.job.plan,
                    other.claimed_s >= mine.opened_s or other.job.state in NOTHING_TAKEN,
                )
                for other in self._jobs.values()
                if other is not mine and other.claimed_s is not None and other.job.result.target == job.result.target
            ]
            why_not = no_room(job, room, others)
            if why_not is not None:
                return why_not
            self._write(lease, job, [entry])
            return None

    def _before(self, mine: _Kept) -> list[tuple[str, str | None]]:
        mine_s = self._time.now_s() if mine.waiting_s is None else mine.waiting_s
        return [
            (other.job.result.source, other.job.result.target)
            for other in self._jobs.values()
            if other is not mine
            if other.claimed_s is not None
            or (other.waiting_s is not None and other.waiting_s < mine_s and self.held(other.job.id))
        ]

    def share(self, lease: Lease, job: Job) -> int:
        with self._lock:
            self.renew(lease)
            mine, link = self._jobs[job.id], (job.result.source, job.result.target)
            others = [
                other.job.plan
                for other in self._jobs.values()
                if other is not mine and other.claimed_s is not None
                if (other.job.result.source, other.job.result.target) == link
            ]
            widened, may = claim(job.plan, others)
            if widened is not None:
                mine.job = replace(mine.job, plan=widened)
            return may

    def close(self, lease: Lease) -> None:
        with self._lock:
            self.renew(lease)
            self._leases[lease.guest_uuid].lease = None
            kept = self._jobs[lease.job]
            kept.progress = kept.waiting_s = None
            kept.asked = set()

    def release(self, lease: Lease) -> None:
        with self._lock:
            self.renew(lease)
            self._leases[lease.guest_uuid].lease = replace(lease, worker="")
            self._jobs[lease.job].waiting_s = None

    def jobs(
        self, *, unfinished: bool = False, guest: str | None = None, most: int = 100, before: str | None = None
    ) -> tuple[Job, ...]:
        with self._lock:
            names = list(self._jobs)
            older = names if before is None else names[: names.index(before)] if before in names else []
            found = [
                self._seen(kept)
                for kept in (self._jobs[name] for name in reversed(older))
                if not (unfinished and kept.job.state in TERMINAL)
                if guest in (None, kept.job.result.guest, kept.job.plan.guest_uuid)
            ]
        return tuple(found[:most])

    def _seen(self, kept: _Kept) -> Job:
        held = self._held(kept.job.id)
        lease = held.lease if held is not None else None
        worker = lease.worker or None if lease else None
        return replace(kept.job, worker=worker, fence=lease.fence if lease else 0)

    def job(self, name: str) -> Job:
        if name in self._jobs:
            return self._seen(self._jobs[name])
        return the_one(name, [self._seen(kept) for id, kept in self._jobs.items() if name and id.startswith(name)])

    def journal(self, job: str) -> tuple[Entry, ...]:
        return tuple(self._jobs[job].entries) if job in self._jobs else ()

    def show(self, job: str, progress: Progress) -> None:
        if self._held(job) is not None:
            self._jobs[job].progress = progress

    def shown(self, job: str) -> Progress | None:
        return self._jobs[job].progress if self._held(job) is not None else None

    def ask(self, job: str, what: Ask) -> None:
        if self._held(job) is not None:
            self._jobs[job].asked.add(what)

    def asked(self, job: str) -> frozenset[Ask]:
        return frozenset(self._jobs[job].asked) if self._held(job) is not None else frozenset()

    def announce(self, worker: str) -> None:
        self._workers[worker] = self._time.now_s() + LEASE_S

    def retire(self, worker: str) -> None:
        self._workers.pop(worker, None)

    def workers(self) -> tuple[str, ...]:
        now_s = self._time.now_s()
        here = (name for name, until_s in self._workers.items() if until_s > now_s)
        return tuple(sorted(name for name in here if name not in self.dead))
