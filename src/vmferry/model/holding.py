"""What is said where a job is held by another worker, or cannot be told from others. All stores say the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from vmferry.errors import Unknown, UserError
from vmferry.model.job import Job, Lease, Plan
from vmferry.model.units import format_bytes


def taken(guest: str, job: str, state: str) -> str:
    """Why no second migration of a guest can begin."""
    return (
        f"guest {guest} has a migration that is not at its end: job {job}, {state.replace('_', ' ')}; "
        f"see vmferry job show {job}"
    )


@dataclass(frozen=True, slots=True)
class Room:
    """What a target has free, as it was seen."""

    memory_bytes: int | None = None
    """None: not known."""
    pools: Mapping[str, int] = field(default_factory=dict)
    """By the name of each pool into which disks are copied; one that is not there is not known."""
    to_come: Mapping[str, int] = field(default_factory=dict)
    """By job, what was still to come of its disks before the room was seen: what came after is counted twice, which
    is the safe side. Of one that is not there all is to come.
    """


@dataclass(frozen=True, slots=True)
class Claim:
    """What another job has spoken for of the same target."""

    job: str
    plan: Plan
    fresh: bool
    """It has taken nothing of it yet, or has begun to since the room was seen."""


def no_room(job: Job, room: Room, others: Sequence[Claim]) -> str | None:
    """Why it cannot be reserved, for people; None: it can. Nobody is held up but by others."""
    claimed = sum(other.plan.memory_bytes for other in others if other.fresh)
    if room.memory_bytes is not None and claimed and claimed + job.plan.memory_bytes > room.memory_bytes:
        return _no_memory(job, claimed, room.memory_bytes)
    for pool, free in sorted(room.pools.items()):
        taken = sum(_to_come(other, pool, room) for other in others)
        needed = _needed(job.plan, pool)
        if taken and taken + needed > free:
            return (
                f"the pool {pool} of {job.result.target} has {format_bytes(free)} free, of which other migrations to "
                f"it will take {format_bytes(taken)}; the disks of {job.result.guest} need {format_bytes(needed)}: "
                "wait for them, or name another pool with --disk"
            )
    return None


def _needed(plan: Plan, pool: str) -> int:
    return sum(copy.needed_bytes for copy in plan.copies if copy.pool == pool)


def _to_come(other: Claim, pool: str, room: Room) -> int:
    """Of what is copied, a part may be there already, and so not free any more."""
    needed = _needed(other.plan, pool)
    return needed if other.fresh else min(needed, room.to_come.get(other.job, needed))


def _no_memory(job: Job, claimed_bytes: int, room_bytes: int) -> str:
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
    """Raises Unknown where there is none, UserError where there are more than one."""
    if not found:
        raise Unknown(f"there is no job {name!a}; see vmferry job list")
    if len(found) > 1:
        raise UserError(f"{name!a} is the beginning of several jobs; write more of it: see vmferry job list")
    return found[0]
