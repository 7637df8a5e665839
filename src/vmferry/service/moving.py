"""A move that is no live migration, from its opening to its reservation: what all of them share."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable

from vmferry.errors import VmferryError
from vmferry.facts.host import HostFacts
from vmferry.flow.states import Event, State, next_state
from vmferry.model.finding import Finding
from vmferry.model.holding import Room
from vmferry.model.job import Plan
from vmferry.model.migration import JobStats, MigrationResult
from vmferry.model.slots import UNLIMITED
from vmferry.service.guides import Arrival, Guides
from vmferry.service.migrate import Listener, Tools, free_in_pools, opened, to_come
from vmferry.service.record import Record
from vmferry.service.request import PATIENCE_S
from vmferry.service.steps import StepLog
from vmferry.service.transaction import OUTCOMES


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
        record = opened(self.tools, self.result, self.plan)
        try:
            known = to_come(self.tools.jobs)
            with self.log.step("check"):
                host, wrong = self._check(record)
            if host is None or wrong:
                return self._end(record, Event.REFUSE, "refused by the check: " + "; ".join(wrong))
            record.enter(Event.GO)
            no_room = record.reserve(Room(None, free_in_pools(host, record.job.plan), known), UNLIMITED)
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
        return Guides(
            jobs=tools.jobs,
            clock=tools.clock,
            patience_s=PATIENCE_S,
            verify=verify,
            show=told.progress,
            settling=told.settling,
            cancel=self.cancel,
            note=told.note,
        )

    def _end(self, record: Record, event: Event, error: str) -> MigrationResult:
        record.change(outcome=OUTCOMES[next_state(record.state, event)], error=error, steps=self.log.steps)
        record.enter(event, error)
        return record.close()


def told(finding: Finding) -> str:
    remedy = f" ({finding.remedy})" if finding.remedy else ""
    return f"{finding.rule}: {finding.subject}: {finding.observed}{remedy}"
