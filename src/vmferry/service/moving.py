"""A move that is no live migration, from its opening to its reservation: what all of them share."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vmferry.errors import VmferryError
from vmferry.facts.host import HostFacts
from vmferry.flow.journal import Entry, Kind
from vmferry.flow.states import Event, State, next_state
from vmferry.forecast.progress import Progress
from vmferry.model.finding import Finding
from vmferry.model.holding import Room
from vmferry.model.job import Job, Plan
from vmferry.model.migration import JobStats, MigrationResult
from vmferry.model.slots import UNLIMITED
from vmferry.ports import Clock, Jobs
from vmferry.service.guides import Arrival, Guides
from vmferry.service.migrate import Listener, Tools, to_come
from vmferry.service.record import Record
from vmferry.service.request import PATIENCE_S
from vmferry.service.steps import StepLog, stamp
from vmferry.service.transaction import OUTCOMES


@dataclass(frozen=True, slots=True)
class Silent:
    """What a transaction tells, to nobody."""

    jobs: Jobs
    clock: Clock
    cancel: threading.Event
    show: Callable[[Progress], None] = lambda progress: None
    settling: Callable[[VmferryError | None], None] = lambda problem: None
    note: Callable[[str], None] = lambda text: None

    def guides(self, verify: Callable[[Record, JobStats | None], Arrival], patience_s: float = PATIENCE_S) -> Guides:
        return Guides(
            jobs=self.jobs,
            clock=self.clock,
            patience_s=patience_s,
            verify=verify,
            show=self.show,
            settling=self.settling,
            cancel=self.cancel,
            note=self.note,
        )


class Moving(ABC):
    """One run. `cancel` may be set at any time, from any thread."""

    def __init__(
        self, result: MigrationResult, plan: Plan, tools: Tools, listener: Listener, cancel: threading.Event
    ) -> None:
        self.result, self.plan = result, plan
        self.tools, self.listener, self.cancel = tools, listener, cancel
        self.log = StepLog(tools.now)

    def run(self) -> MigrationResult:
        """Blocks to the end. Raises Refused where another job has the guest already, Fenced where it lost this one."""
        tools = self.tools
        job = Job(self.result, self.plan, State.PLANNED, tools.worker)
        first = Entry(Kind.STATE, State.PLANNED, at=stamp(tools.now()), worker=tools.worker)
        record = Record(tools.jobs, tools.clock, tools.now, tools.jobs.open(job, first, tools.worker), job, [first])
        try:
            known = to_come(tools.jobs)
            with self.log.step("check"):
                host, wrong = self._check(record)
            if host is None or wrong:
                return self._end(record, Event.REFUSE, "refused by the check: " + "; ".join(wrong))
            record.enter(Event.GO)
            no_room = record.reserve(_room(host, known), UNLIMITED)
            if no_room is not None:
                return self._end(record, Event.REFUSE, str(no_room))
            return self._carry(record)
        except (VmferryError, KeyboardInterrupt) as error:
            if record.state in (State.PLANNED, State.CHECKED):
                self._end(record, Event.BREAK, str(error))
            raise

    @abstractmethod
    def _check(self, record: Record) -> tuple[HostFacts | None, list[str]]:
        """The target, with its plan and result written into the record; and what is wrong with it."""

    @abstractmethod
    def _carry(self, record: Record) -> MigrationResult:
        """From RESERVED on."""

    def _guides(self, verify: Callable[[Record, JobStats | None], Arrival]) -> Guides:
        told, tools = self.listener, self.tools
        silent = Silent(tools.jobs, tools.clock, self.cancel, told.progress, told.settling, told.note)
        return silent.guides(verify)

    def _end(self, record: Record, event: Event, error: str) -> MigrationResult:
        record.change(outcome=OUTCOMES[next_state(record.state, event)], error=error, steps=self.log.steps)
        record.enter(event, error)
        return record.close()


def _room(host: HostFacts, known: Mapping[str, int]) -> Room:
    free = {each.name: each.available_bytes for each in host.pools or () if each.available_bytes is not None}
    return Room(None, free, known)


def told(finding: Finding) -> str:
    remedy = f" ({finding.remedy})" if finding.remedy else ""
    return f"{finding.rule}: {finding.subject}: {finding.observed}{remedy}"
