"""A worker: takes the jobs that others have queued or left, and brings each to rest.

It holds no knowledge of its own. A job is whoever's takes its lease, and carrying one begins with asking the hosts, or,
where nothing was touched yet, with the check; so it does no harm that a job comes to two workers, or to one twice.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from vmferry.errors import Fenced, VmferryError
from vmferry.flow.states import AT_REST, State
from vmferry.model.job import Job, Lease
from vmferry.model.migration import MigrationResult
from vmferry.ports import Dispatcher
from vmferry.service.fleet import Fleet
from vmferry.service.ground import Standing, request_of, survey_ground
from vmferry.service.listening import Quiet
from vmferry.service.migrate import Migration, Tools
from vmferry.service.reconcile import Reconciler, is_waiting, reconciler_of
from vmferry.service.record import RENEW_EVERY_S, Record

LOOK_EVERY_S = 1.0
"""For jobs, and for workers that have died."""
DOUBTS_EVERY_S = 60.0
"""For news of jobs in doubt: their hosts are asked each time."""
LEAVING_S = 20.0
"""For what is short (reserving, verifying, undoing) when a worker is told to end."""
COPYING = (State.COPYING, State.POST_COPY)
MOST_LEFT = 10_000


@dataclass(slots=True)
class Worker:
    tools: Tools
    dispatcher: Dispatcher
    fleet: Callable[[], Fleet]
    """Every host of the inventory, being connected to."""
    standing: Standing
    note: Callable[[str], None]
    _carrying: dict[str, Lease] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    """Held to look at or change the above."""
    _renewed_s: float = 0.0
    _doubted_s: float | None = None
    _trouble: str = ""
    _hurried: threading.Event = field(default_factory=threading.Event)

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set. What then still copies goes on by itself and is left to the next worker."""
        self.dispatcher.launch(self.carry)
        while not stop.is_set():
            try:
                self._look()
                self._trouble = ""
            except VmferryError as error:  # the store was away: it is asked again
                if error.message != self._trouble:
                    self.note(error.message)
                self._trouble = error.message
            self._hurried.wait(LOOK_EVERY_S)
            self._hurried.clear()
        self._leave()

    def hurry(self) -> None:
        """A job was queued just now: it is looked for at once."""
        self._hurried.set()

    def _look(self) -> None:
        jobs, now_s = self.tools.jobs, self.tools.clock.now_s()
        jobs.announce(self.tools.worker)
        living = jobs.workers()
        self.dispatcher.resume(living)
        doubts = self._doubted_s is None or now_s - self._doubted_s >= DOUBTS_EVERY_S
        self._doubted_s = now_s if doubts else self._doubted_s
        for job in reversed(jobs.jobs(unfinished=True, most=MOST_LEFT)):
            if (job.state not in AT_REST or doubts) and not jobs.held(job.id):
                self.dispatcher.dispatch(job)
        if now_s - self._renewed_s >= RENEW_EVERY_S:
            self._renewed_s = now_s
            self._renew()

    def _renew(self) -> None:
        """Of jobs that are only being checked, which takes as long as the hosts take to answer."""
        for name, lease in self._carried():
            if is_waiting(self.tools.jobs.job(name)):
                with contextlib.suppress(Fenced):
                    self.tools.jobs.renew(lease)

    def _carried(self) -> list[tuple[str, Lease]]:
        with self._lock:
            return list(self._carrying.items())

    def carry(self, name: str) -> str:
        """To rest, if it is this worker's to carry. Raises nothing that vmferry raises on purpose."""
        try:
            with self.fleet() as fleet:
                return self._carry(name, fleet)
        except Fenced as error:
            return error.message
        except VmferryError as error:
            self.note(f"job {name}: {error.message}")
            return error.message

    def _carry(self, name: str, fleet: Fleet) -> str:
        tools = self.tools
        job, reconciler = tools.jobs.job(name), reconciler_of(self.tools, fleet)
        if job.state in AT_REST and not reconciler.is_ripe(job):
            return "there is no news"
        lease = tools.jobs.take_over(name, tools.worker)
        if lease is None:
            return "it is at its end, or another worker has it"
        with self._lock:
            self._carrying[name] = lease
        try:
            self.note(f"job {name} of {job.result.guest}: taken, {job.state.replace('_', ' ')}")
            result = self._work(tools.jobs.job(name), lease, reconciler, fleet)
        finally:
            with self._lock:
                self._carrying.pop(name, None)
        outcome = str(result.outcome).replace("_", " ")
        self.note(f"job {name} of {result.guest}: {outcome}{'; ' if result.error else ''}{result.error or ''}")
        return outcome

    def _work(self, job: Job, lease: Lease, reconciler: Reconciler, fleet: Fleet) -> MigrationResult:
        wish, tools = job.plan.wish, self.tools
        if wish is None or not is_waiting(job):
            return reconciler.go_on(job, lease)
        record = Record(tools.jobs, tools.clock, tools.now, lease, job, tools.jobs.journal(job.id))
        try:
            ground = survey_ground(fleet, tools.store, wish.guest, wish.to)
        except Fenced:
            raise
        except VmferryError as error:
            return Migration.cannot(record, error)
        request = request_of(wish, ground, self.standing)
        return Migration(
            request, tools, Quiet(lambda message: self.note(f"job {job.id}: {message}")), threading.Event()
        ).take_up(record)

    def _leave(self) -> None:
        """Give back each job at a moment at which another worker can go on with it."""
        jobs, clock = self.tools.jobs, self.tools.clock
        self.dispatcher.stop()
        end_s = clock.now_s() + LEAVING_S
        while self._carried() and clock.now_s() < end_s:
            for name, lease in self._carried():
                if self._can_be_left(name):
                    with contextlib.suppress(Fenced):
                        jobs.release(lease)
                        self.note(f"job {name}: left to the next worker")
                    with self._lock:
                        self._carrying.pop(name, None)
            clock.sleep(0.2)
        jobs.retire(self.tools.worker)

    def _can_be_left(self, name: str) -> bool:
        """A copy that is seen goes on by itself."""
        job = self.tools.jobs.job(name)
        return is_waiting(job) or (job.state in COPYING and self.tools.jobs.shown(name) is not None)
