"""What is said where a job is held by another worker, or cannot be told from others. All stores say the same."""

from __future__ import annotations

from collections.abc import Sequence

from vmferry.errors import UserError
from vmferry.model.job import Job, Lease


def taken(guest: str, job: str, state: str) -> str:
    """Why no second migration of a guest can begin."""
    return (
        f"guest {guest} has a migration that is not at its end: job {job}, {state.replace('_', ' ')}; "
        f"see vmferry job show {job}"
    )


def no_room(job: Job, claimed_bytes: int, room_bytes: int) -> str:
    """For people: why it cannot be reserved."""
    mib = 1 << 20
    return (
        f"{job.result.target} has {room_bytes // mib} MiB free, of which other migrations to it will take "
        f"{claimed_bytes // mib}; {job.result.guest} needs {job.plan.memory_bytes // mib}: wait for them, or name "
        "another target with --to"
    )


def overtaken(lease: Lease) -> str:
    return (
        f"job {lease.job} was taken over by another worker while this one did not answer; nothing more is done here: "
        f"see vmferry job show {lease.job}"
    )


def the_one(name: str, found: Sequence[Job]) -> Job:
    """Raises UserError where there is none or more than one."""
    if not found:
        raise UserError(f"there is no job {name!a}; see vmferry job list")
    if len(found) > 1:
        raise UserError(f"{name!a} is the beginning of several jobs; write more of it: see vmferry job list")
    return found[0]
