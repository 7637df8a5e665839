"""How many migrations may run at the same time, and who has to wait for whom."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Slots:
    """Each at least 1; None: as many as come."""

    hosts_in: int | None = None
    """To one host."""
    hosts_out: int | None = None
    """From one host."""
    link: int | None = None
    """From one host to another one."""
    fleet: int | None = None
    """Of all hosts together."""


UNLIMITED = Slots()


@dataclass(frozen=True, slots=True)
class Wait:
    """Not yet: others are before it."""

    reason: str


def turn(source: str, target: str, before: Iterable[tuple[str, str | None]], slots: Slots) -> Wait | None:
    """`before`: (source, target) of each migration that runs or has waited for longer. None: it is this one's turn.

    Those that wait count as if they ran, so that none is overtaken for ever.
    """
    others = list(before)
    counts = (
        (slots.hosts_out, sum(other[0] == source for other in others), f"from {source}"),
        (slots.hosts_in, sum(other[1] == target for other in others), f"to {target}"),
        (slots.link, sum(other == (source, target) for other in others), f"from {source} to {target}"),
        (slots.fleet, len(others), "in the fleet"),
    )
    for most, running, where in counts:
        if most is not None and running >= most:
            verb = "runs or waits" if running == 1 else "run or wait"
            return Wait(f"{running} {_migrations(running)} {where} {verb} before it, and at most {most} may run")
    return None


def _migrations(number: int) -> str:
    return "migration" if number == 1 else "migrations"
