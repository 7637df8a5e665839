"""What an operator can do about a job in doubt: have its hosts asked again, or end it by his own word."""

from __future__ import annotations

from vmferry.errors import Refused
from vmferry.flow.states import Event, State
from vmferry.model.job import Job, Lease
from vmferry.model.migration import MigrationResult, Outcome
from vmferry.service.migrate import Tools
from vmferry.service.reconcile import Reconciler, held_record

FORGETTABLE = {
    State.IN_DOUBT: Outcome.FAILED,
    State.LEFT_BEHIND: Outcome.MIGRATED,
    State.LITTERED: Outcome.ROLLED_BACK,
}
"""With what then has become of it."""


def repair(reconciler: Reconciler, job: Job) -> MigrationResult:
    """Raises Refused where it is at its end, or somebody works on it."""
    lease = _take(reconciler.tools, job)
    return reconciler.go_on(job, lease, "an operator has it looked at again")


def forget(tools: Tools, job: Job) -> MigrationResult:
    """End it without a look at any host. Raises Refused where it does not wait for anybody."""
    if job.state not in FORGETTABLE:
        raise Refused(f"job {job.id} is not in doubt but {job.state.replace('_', ' ')}; only then it can be forgotten")
    lease = _take(tools, job)
    record = held_record(tools, lease)
    if record.state not in FORGETTABLE:
        record.close()
        raise Refused(f"job {job.id} is not in doubt any more; see vmferry job show {job.id}")
    text = "an operator has put it right by hand and ended the job"
    outcome = FORGETTABLE[record.state]
    record.change(outcome=outcome, error=text if outcome is Outcome.FAILED else None)
    record.enter(Event.FORGET, text)
    return record.close()


def _take(tools: Tools, job: Job) -> Lease:
    lease = tools.jobs.take_over(job.id, tools.worker)
    if lease is None:
        how = "is at its end" if job.worker is None else "is being worked on by another process"
        raise Refused(f"job {job.id} {how}; see vmferry job show {job.id}")
    return lease
