"""One migration from its reservation to its end, whatever dies in between.

Each state does its work and says an event; `flow.states.TABLE` says where that leads; everything is written before it
is made and after. A worker that goes on with the job of a dead one begins with TAKE_OVER, and from then on does the
same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from operator import methodcaller

from vmferry.errors import HostError, HostUnreachable, VmferryError
from vmferry.flow.effects import (
    Effect,
    Sighted,
    What,
    announcing,
    completing,
    has_copied,
    is_undone,
    left_volumes,
    pausing,
    quieting,
)
from vmferry.flow.journal import Entry, Kind, failed_to, unanswered
from vmferry.flow.settle import Cell, settle, told
from vmferry.flow.sights import Sight
from vmferry.flow.states import AT_REST, Event, State, next_state
from vmferry.model.job import Ask
from vmferry.model.migration import JobStats, MigrationOrder, MigrationResult, Outcome
from vmferry.ports import Copy
from vmferry.rules.post_copy import resume_crashes
from vmferry.service.believing import believed
from vmferry.service.check import FRESH_S
from vmferry.service.guides import Guides
from vmferry.service.making import Making
from vmferry.service.orders import resume_order
from vmferry.service.record import Record
from vmferry.service.recovery import BROKEN, MOST_TRIES, UNRECOVERED, UNRESUMABLE, pause_s, tries
from vmferry.service.share import wait_for_share, within_share
from vmferry.service.sides import Sides
from vmferry.service.steering import Steering
from vmferry.service.steps import StepLog
from vmferry.service.tidying import left_text as left_definition
from vmferry.service.tidying import tidy
from vmferry.service.volumes import clear_source, copied_disks, left_text, make_volumes, sweep, undo_all
from vmferry.service.watching import Watching

UNTOUCHED = (State.PLANNED, State.CHECKED)
"""Nothing was reserved, and no host was changed."""

OUTCOMES = {
    State.FINISHED: Outcome.MIGRATED,
    State.LEFT_BEHIND: Outcome.MIGRATED,
    State.ROLLED_BACK: Outcome.ROLLED_BACK,
    State.LITTERED: Outcome.ROLLED_BACK,
    State.REFUSED: Outcome.REFUSED,
    State.FAILED: Outcome.FAILED,
    State.IN_DOUBT: Outcome.IN_DOUBT,
}


class Transaction:
    def __init__(self, record: Record, sides: Sides, log: StepLog, guides: Guides) -> None:
        self.record, self.sides, self.log, self.guides = record, sides, log, guides
        self.order: MigrationOrder | None = None
        self.making = Making(record, sides)
        self.last: JobStats | None = None
        self.gave_up = ""
        """Why the copy was aborted by us, and not by its user."""
        self.problem: VmferryError | None = None
        self.text = ""
        """What is now the case, for people."""
        self._sure = False
        """Libvirt itself has said how its call ended."""

    def run(self, order: MigrationOrder | None = None) -> MigrationResult:
        """From RESERVED on, by the worker that began it."""
        self.order = order
        return self._to_rest()

    def go_on(self, text: str) -> MigrationResult:
        """With a job of another worker, or one that an operator wants to be looked at again."""
        self.text = "its worker died before the copy began; nothing was changed"
        self.record.change(outcome=None, error=None, error_detail=None)
        if self.guides.cancel.is_set() and self.record.state in UNTOUCHED:
            self.text = "cancelled before it began; nothing was changed"
            self.record.change(cancelled=True)
        self._enter(Event.TAKE_OVER, text)
        return self._to_rest()

    def _to_rest(self) -> MigrationResult:
        while self.record.state not in AT_REST:
            WORK[self.record.state](self)
        return self.record.close()

    def _enter(self, event: Event, text: str = "", before: Sequence[Entry] = ()) -> None:
        """As the record's; with the result's last words where it then is at rest."""
        state = next_state(self.record.state, event)
        if state in AT_REST:
            self._conclude(state)
        self.record.enter(event, text, before=before)

    # Each of the states' work ends by entering the next one.

    def _prepare(self) -> None:
        """RESERVED: everything that the copy needs beside libvirt's own doing."""
        limit_ms, guides = self.record.job.plan.max_downtime_ms, self.guides
        if not wait_for_share(self.record, guides.jobs, guides.clock, guides.cancel, guides.note):
            self._cancelled_early()
        elif guides.clock.now_s() - guides.checked_s > FRESH_S and (why := guides.explain()):
            self.text = f"it had to wait, and {why}"
            self.record.enter(Event.BREAK, self.text)
        else:
            self._prepare_hosts(limit_ms)

    def _prepare_hosts(self, limit_ms: int | None = None) -> None:
        try:
            if limit_ms is not None:
                self._limit_downtime(limit_ms)
            make_volumes(self.making)
        except HostError as error:
            self.problem, self.text = error, error.message
            self.record.enter(Event.BREAK, error.message)
            return
        self.record.enter(Event.GO)

    def _limit_downtime(self, limit_ms: int) -> None:
        """A setting of the running QEMU: what it was is what undoes it. A budget above it is used once it is needed."""
        was_ms = self.sides.host(self.sides.source_name).max_downtime_ms(self.sides.uuid)
        if was_ms > limit_ms:
            self.making.make(Effect(What.LIMIT_DOWNTIME, self.sides.source_name, limit_ms, was_ms))

    def _begin(self) -> None:
        """PREPARED: have it copied. The intent and the state it leads to are one write."""
        if self.guides.cancel.is_set():
            self._cancelled_early()
            return
        effect = self._copy_effect()
        self.record.renew(now=True)
        self.record.change(steps=self.log.steps)
        self.record.enter(Event.GO, "", self.record.entry(Kind.INTENT, effect=effect))
        with self.log.step("copy"):
            self._copy_ended(effect, self._copy())

    def _copy_effect(self) -> Effect:
        assert self.order is not None
        self.order = within_share(self.order, self.record.job.plan)
        return Effect(What.COPY, self.sides.source_name, was=self.sides.own_bandwidth(self.order))

    def _copy(self) -> VmferryError | None:
        """Hand it over to libvirt, and say how its call has ended."""
        assert self.order is not None
        try:
            copy = self.sides.host(self.sides.source_name).begin(self.order)
        except HostError as error:
            return error
        return self._heard(copy)

    def _is_cancelled(self) -> bool:
        return self.guides.cancel.is_set() or Ask.CANCEL in self.guides.jobs.asked(self.record.job.id)

    def _cancelled_early(self) -> None:
        self.text = "cancelled before the copy began; nothing was changed"
        self.record.change(cancelled=True)
        self._enter(Event.CANCEL, self.text)

    def _adopt(self) -> None:
        """COPYING, of a copy that goes on by itself."""
        with self.log.step("copy"):
            self._follow(None)
        self._sure = False
        self.record.enter(Event.BREAK, "it is not being sent any more", before=self._abort_outcome())

    def _carry_on(self) -> None:
        """POST_COPY, with no call of libvirt's to wait for: watch it, and where it is broken, have it resumed."""
        seen = self.sides.look()
        if Sight.POST_COPY_BROKEN in (seen.source, seen.target):
            self._recover()
        else:
            self._adopt()

    def _recover(self) -> None:
        """Bounded, and less often the longer it takes. Nothing is done to either half but to resume."""
        tried = tries(self.record.entries)
        names = {"source": self.sides.source_name, "target": self.sides.target_name}
        if tried >= MOST_TRIES:
            self.text = UNRECOVERED.format(tries=tried, **names)
            self._enter(Event.DOUBT, self.text)
            return
        self.guides.note(BROKEN.format(**names))
        libvirt = self._unresumable()
        if libvirt is not None:
            if self._stays_broken():
                self.text = UNRESUMABLE.format(libvirt=libvirt, **names)
                self._enter(Event.DOUBT, self.text)
            return
        self._pause(pause_s(tried))
        effect = Effect(What.RECOVER, self.sides.source_name)
        self.record.intend(effect)
        self.record.renew(now=True)
        with self.log.step("recover"):
            try:
                entry = self.sides.host(self.sides.target_name).entry
                copy = self.sides.host(self.sides.source_name).begin(resume_order(self.record.job.plan, entry))
            except HostError as error:
                self._copy_ended(effect, error)
                return
            self._copy_ended(effect, self._heard(copy))

    def _unresumable(self) -> str | None:
        """The target's libvirt, if it must not be told to resume."""
        try:
            libvirt = self.sides.host(self.sides.target_name).describe().libvirt
        except VmferryError:
            return None
        return libvirt if resume_crashes(libvirt) else None

    def _stays_broken(self) -> bool:
        """Libvirt takes a post-copy for broken when its own connection is; QEMU's may go on by itself."""
        for tried in range(MOST_TRIES):
            self._pause(pause_s(tried))
            seen = self.sides.look()
            if Sight.POST_COPY_BROKEN not in (seen.source, seen.target):
                self.record.enter(Event.BREAK, "it is not broken any more")
                return False
        return True

    def _pause(self, duration_s: float) -> None:
        until_s = self.guides.clock.now_s() + duration_s
        while self.guides.clock.now_s() < until_s:
            self.guides.clock.sleep(1.0)
            self.record.renew()

    def _follow(self, copy: Copy | None) -> bool:
        """False where libvirt's own call was not waited for to its end."""
        guides = self.guides
        steering = Steering(self.record, self.sides, guides.note)
        watching = Watching(self.record, self.sides, guides.jobs, guides.clock, guides.cancel, guides.show, steering)
        try:
            watching.follow(copy)
        finally:
            self.last = watching.last or self.last
            self.gave_up = steering.gave_up
        return not watching.left

    def _heard(self, copy: Copy) -> VmferryError | None:
        """Follow it, and say how libvirt's call has ended."""
        if self._follow(copy):
            return copy.problem
        return HostUnreachable(self.sides.source_name, "libvirt's call does not end, though its post-copy is broken")

    def _copy_ended(self, effect: Effect, problem: VmferryError | None) -> None:
        """Only a good end is believed; of any other, the hosts are asked."""
        if problem is None:
            self.record.enter(Event.GO, before=self._outcomes(Kind.DONE, effect))
            return
        self.log.end("cancelled" if self.record.job.result.cancelled else "failed")
        self.problem = problem
        self._sure = not isinstance(problem, HostUnreachable)
        kind = Kind.FAILED if self._sure else Kind.LOST
        text = problem.detail or problem.message
        self.record.enter(Event.BREAK, text, before=self._outcomes(kind, effect, text))

    def _outcomes(self, kind: Kind, effect: Effect, text: str = "") -> list[Entry]:
        """With that of an abort: what became of it is what became of the copy."""
        return [*self._abort_outcome(), self.record.entry(kind, effect=effect, text=text)]

    def _abort_outcome(self) -> list[Entry]:
        open_intents = unanswered(self.record.entries)
        return [self.record.entry(Kind.DONE, effect=each) for each in open_intents if each.what is What.ABORT]

    def _settle(self) -> None:
        """SETTLING: ask both who has it, until they have said the same for as long as it takes to believe it."""
        if not has_copied(self.record.made):
            self.record.enter(Event.SAFE, "nothing was copied")
            return
        self.guides.settling(self.problem)
        with self.log.step("settle"):
            seen, cell = believed(self.record, self.sides, self.guides.clock, self.guides.patience_s, sure=self._sure)
        self.text = self._told(cell)
        self._enter(cell.event, self.text, before=[self.record.entry(Kind.SAW, saw=seen)])

    def _told(self, cell: Cell) -> str:
        return told(cell, self.sides.source_name, self.sides.target_name)

    def _undo(self) -> None:
        """ROLLING_BACK: the journalled effects, newest first, each only as far as it is still there."""
        undo_all(self.making)
        seen, cell, event = self._after_undo()
        copied, why = has_copied(self.record.made), ""
        if copied and event is Event.GO and not (self.gave_up or self.record.job.result.cancelled):
            why = self.guides.explain()
            self.record.renew(now=True)
            seen, cell, event = self._after_undo()  # to explain it takes a while, and the guest may have stopped
        if copied:
            self.text = "; ".join(part for part in (self._told(cell), why if event is Event.GO else "") if part)
        elif event is Event.BREAK:
            self.text = f"{self.text}; {self.sides.source_name} has to be asked again to put back what was set there"
        if event in (Event.GO, Event.STOPPED) and left_volumes(self.record.made):
            again = event is Event.GO
            event = Event.LEAVE if again else event
            self.text = f"{self.text}; {left_text(self.record, self.sides, again=again)}"
        self._enter(event, self.text, before=[self.record.entry(Kind.SAW, saw=seen)])

    def _after_undo(self) -> tuple[Sighted, Cell, Event]:
        """What both hosts say now, and what follows from it."""
        seen, made = self.sides.look(), self.record.made
        cell = settle(seen.source, seen.target, self.record.before)
        if not is_undone(made, seen, self.record.before):
            return seen, cell, Event.BREAK
        return seen, cell, Event.STOPPED if has_copied(made) and cell.event is Event.STOPPED else Event.GO

    def _verify(self) -> None:
        """SWITCHED: complete what libvirt left undone, and look at everything."""
        with self.log.step("verify"):
            self._pause_again()
            arrival = self.guides.verify(self.record, self.last)
            self.record.renew(now=True)  # looking at everything takes up to its time limit
            if arrival.error is not None and (self._complete(arrival.silent) or not arrival.sure):
                self._pause_again()
                arrival = self.guides.verify(self.record, self.last)
        self.problem, self.text = None, arrival.error or ""
        self._sure = arrival.sure
        self.record.enter(Event.GO, self.text)

    def _pause_again(self) -> None:
        """First of all: until then it runs, though somebody has paused it."""
        if self.record.job.plan.user_paused:
            self.making.one_by_one(lambda seen: pausing(self.record.made, seen, self.sides.target_name))

    def _finish(self) -> None:
        """VERIFIED: it was looked at just now."""
        if self._sure and not self.text:
            clear_source(self.making)
        self.record.change(disks=copied_disks(self.record, self.sides))
        if self._sure and self.text and failed_to(What.UNDEFINE_SOURCE, self.record.entries):
            self.problem = self.making.problem
            self.text = f"{self.text}; {left_definition(self.record, self.sides)}"
            self._enter(Event.LEAVE, self.text)
            return
        self._enter(Event.GO if self._sure else Event.DOUBT, self.text)

    def _tidy(self) -> None:
        """TIDYING: what was left behind, once more."""
        with self.log.step("tidy"):
            event, self.text = tidy(self.record, self.sides, self.making)
        self.problem = self.making.problem if event is Event.LEAVE else None
        self._enter(event, self.text)

    def _sweep(self) -> None:
        """SWEEPING: volumes that were left on the target, once more."""
        with self.log.step("sweep"):
            event, self.text = sweep(self.making)
        self.problem = self.making.problem if event is Event.LEAVE else None
        self._enter(event, self.text)

    def _complete(self, silent: bool) -> bool:
        """Whether anything was done, that may let the next look end better."""

        def next_one(seen: Sighted) -> Iterator[Effect]:
            if Sight.UNASKED in (seen.source, seen.target):
                return iter(())
            return completing(seen, self.sides.source_name, self.sides.target_name, self.record.before)

        done = self.making.one_by_one(next_one)
        done = self.making.one_by_one(lambda seen: quieting(seen, self.sides.source_name)) or done
        if not silent:
            return done
        return self.making.one_by_one(lambda seen: announcing(self.record.made, self.sides.target_name)) or done

    def _conclude(self, state: State) -> None:
        result = self.record.job.result
        how = ""
        if OUTCOMES[state] is not Outcome.MIGRATED and self.problem is not None:
            failed = f"given up, {self.gave_up}" if self.gave_up else "the copy failed"
            how = "cancelled" if result.cancelled else failed
        self.record.change(
            outcome=OUTCOMES[state],
            error="; ".join(part for part in (how, self.text) if part) or None,
            error_detail=(self.problem.detail or self.problem.message) if self.problem is not None else None,
            steps=self.log.steps,
        )


WORK: dict[State, Callable[[Transaction], None]] = {
    State.RESERVED: methodcaller("_prepare"),
    State.PREPARED: methodcaller("_begin"),
    State.COPYING: methodcaller("_adopt"),
    State.POST_COPY: methodcaller("_carry_on"),
    State.SETTLING: methodcaller("_settle"),
    State.ROLLING_BACK: methodcaller("_undo"),
    State.SWITCHED: methodcaller("_verify"),
    State.VERIFIED: methodcaller("_finish"),
    State.TIDYING: methodcaller("_tidy"),
    State.SWEEPING: methodcaller("_sweep"),
}
