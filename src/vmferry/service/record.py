"""A job being written: its journal, its state and its result, under one lease."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from vmferry.flow.effects import Effect, Sighted
from vmferry.flow.journal import Entry, Kind, check_invariants, made, state_of
from vmferry.flow.settle import Before
from vmferry.flow.states import Event, State, next_state
from vmferry.model.bandwidth import part
from vmferry.model.holding import Room
from vmferry.model.job import Job, Lease
from vmferry.model.migration import MigrationResult
from vmferry.model.slots import Slots, Wait
from vmferry.ports import Clock, Jobs
from vmferry.service.steps import stamp

RENEW_EVERY_S = 5.0


class Record:
    """Holds a lease. Every method that writes raises Fenced once another worker has taken over."""

    def __init__(
        self, jobs: Jobs, clock: Clock, now: Callable[[], datetime], lease: Lease, job: Job, past: Sequence[Entry]
    ) -> None:
        self._jobs, self._clock, self._now = jobs, clock, now
        self.lease, self.job, self.entries = lease, job, list(past)
        self._renewed_s = clock.now_s()
        self.dirtied: tuple[tuple[float, float], ...] = ()
        """What its copy has told of the guest so far, for what is measured in the end."""

    @property
    def state(self) -> State:
        return state_of(self.entries)

    @property
    def before(self) -> Before:
        return Before(paused=self.job.plan.paused, persistent=self.job.plan.persistent)

    @property
    def made(self) -> tuple[Effect, ...]:
        return made(self.entries)

    def change(self, **fields: object) -> None:
        """Of the result; on the disk with the next write."""
        self.job = replace(self.job, result=replace(self.job.result, **fields))  # type: ignore[arg-type]

    def enter(self, event: Event, text: str = "", *more: Entry, before: Sequence[Entry] = ()) -> None:
        """Go where the event leads, with other entries before and after in the same write."""
        self.write(*before, self.entry(Kind.STATE, state=next_state(self.state, event), event=event, text=text), *more)

    def intend(self, effect: Effect, seen: Sighted | None = None, text: str = "") -> None:
        saw = () if seen is None else (self.entry(Kind.SAW, saw=seen),)
        self.write(*saw, self.entry(Kind.INTENT, effect=effect, text=text))

    def outcome(self, kind: Kind, effect: Effect, text: str = "") -> None:
        self.write(self.entry(kind, effect=effect, text=text))

    def entry(
        self,
        kind: Kind,
        *,
        state: State | None = None,
        event: Event | None = None,
        saw: Sighted | None = None,
        effect: Effect | None = None,
        text: str = "",
    ) -> Entry:
        return Entry(kind, state, event, saw, effect, text, stamp(self._now()), self.lease.worker)

    def write(self, *entries: Entry) -> None:
        whole = [*self.entries, *entries]
        check_invariants(whole, self.before)
        job = replace(self.job, state=state_of(whole))
        self._jobs.write(self.lease, job, entries)
        self._wrote(job, entries)

    def reserve(self, room: Room, slots: Slots) -> str | Wait | None:
        """Enter RESERVED if other jobs leave room on the target, and as soon as `slots` let it; else why not."""
        entry = self.entry(Kind.STATE, state=next_state(self.state, Event.GO), event=Event.GO)
        check_invariants([*self.entries, entry], self.before)
        job = replace(self.job, state=State.RESERVED)
        why_not = self._jobs.reserve(self.lease, job, entry, room, slots)
        self._renewed_s = self._clock.now_s()
        if why_not is None:
            self._wrote(job, [entry])
        return why_not

    def share(self) -> int | None:
        """What it may send now of its link's bandwidth; more than before is held at once. None: it has no limit."""
        if part(self.job.plan) is None:
            return None
        may = self._jobs.share(self.lease, self.job)
        self._renewed_s = self._clock.now_s()
        if may > (self.job.plan.share_bytes_s or 0):
            self.hold_share(may)
        return may

    def hold_share(self, share_bytes_s: int | None) -> None:
        """On the disk with the next write."""
        self.job = replace(self.job, plan=replace(self.job.plan, share_bytes_s=share_bytes_s))

    def user_paused(self, paused: bool) -> None:
        """Somebody has, during the copy; or let it run again."""
        self.job = replace(self.job, plan=replace(self.job.plan, user_paused=paused))
        text = "somebody has paused the guest" if paused else "the guest runs again"
        self.write(self.entry(Kind.SAW, text=text))

    def _wrote(self, job: Job, entries: Sequence[Entry]) -> None:
        self.job = job
        self.entries.extend(entries)
        self._renewed_s = self._clock.now_s()

    def renew(self, *, now: bool = False) -> None:
        """Keep the lease. `now`: look at it even if it was renewed a moment ago, as before every effect."""
        if now or self._clock.now_s() - self._renewed_s >= RENEW_EVERY_S:
            self._jobs.renew(self.lease)
            self._renewed_s = self._clock.now_s()

    def close(self) -> MigrationResult:
        self._jobs.close(self.lease)
        return self.job.result
