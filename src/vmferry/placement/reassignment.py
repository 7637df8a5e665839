"""A better place for every process of a fleet: the machine reassignment problem, to the compiled search.

The problem and its words are those of the Google/ROADEF-EURO challenge of 2012. For vmferry a machine is a host and a
process a guest; a transient resource is what a guest that moves holds of both hosts; conflict and spread are
anti-affinity and failure domains, dependency is affinity; costs of moves are what migrations are expected to take.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from vmferry import native
from vmferry.errors import Refused, UserError

MOST_RESOURCES = 64


@dataclass(frozen=True, slots=True)
class Resource:
    transient: bool
    load_weight: int


@dataclass(frozen=True, slots=True)
class Machine:
    neighbourhood: int
    location: int
    capacity: Sequence[int]
    """Of each resource; never exceeded."""
    soft_capacity: Sequence[int]
    """Above it, each unit costs the resource's weight."""
    move_costs: Sequence[int]
    """To each machine."""
    curve: Sequence[float] = ()
    """Of each resource, what the squared distance of its load from the soft capacity costs; all machines have one, or
    none has.
    """


@dataclass(frozen=True, slots=True)
class Service:
    """Its processes are on machines of their own, in `spread` locations at the least."""

    spread: int
    needs: Sequence[int]
    """Services of which a process has to be in the neighbourhood of each of its own."""


@dataclass(frozen=True, slots=True)
class Process:
    service: int
    need: Sequence[int]
    """Of each resource."""
    move_cost: int
    allowed: bytes | None = None
    """A byte for each machine: not 0 where it may be. None: anywhere."""


@dataclass(frozen=True, slots=True)
class Balance:
    """Each machine should have `target` times as much left of `other` as of `one`; what is missing costs `weight`."""

    one: int
    other: int
    target: int
    weight: int


@dataclass(frozen=True, slots=True)
class Problem:
    resources: Sequence[Resource]
    machines: Sequence[Machine]
    services: Sequence[Service]
    processes: Sequence[Process]
    balances: Sequence[Balance]
    process_weight: int
    service_weight: int
    machine_weight: int
    origin: Sequence[int]
    """Of each process, the machine that it is on."""


class _Fleet(ctypes.Structure):
    """Field by field the Fleet of native/reassignment.hpp."""

    _fields_ = (
        *(
            (name, ctypes.c_int64)
            for name in (
                "machines",
                "processes",
                "services",
                "resources",
                "balances",
                "locations",
                "neighbourhoods",
            )
        ),
        ("transient", native.FLAGS),
        *(
            (name, native.INTEGERS)
            for name in (
                "load_weight",
                "capacity",
                "soft_capacity",
                "location",
                "neighbourhood",
                "machine_move",
                "service",
                "need",
                "process_move",
                "spread",
                "needs_from",
                "needs",
                "balance",
            )
        ),
        ("curve", native.DOUBLES),
        ("allowed", native.FLAGS),
        *((name, ctypes.c_int64) for name in ("process_weight", "service_weight", "machine_weight")),
        ("origin", native.INTEGERS),
    )


def solve(
    problem: Problem, *, seconds: float = 1.0, steps: int = 0, seed: int = 1, threads: int = 1
) -> tuple[list[int], int]:
    """The best assignment found, and its cost; never worse than the origin.

    `steps`: of each thread, instead of a time; with them and one thread the same seed gives the same answer. Raises
    Refused where the origin itself breaks a constraint, UserError where there are more than 64 resources.
    """
    if len(problem.resources) > MOST_RESOURCES:
        raise UserError(f"there are {len(problem.resources)} resources, and {MOST_RESOURCES} are the most")
    fleet, _kept = _fleet(problem)
    assignment = (ctypes.c_int64 * max(1, len(problem.origin)))(*problem.origin)
    find = native.library().vmferry_reassign
    find.restype = ctypes.c_double
    cost = find(
        ctypes.byref(fleet),
        assignment,
        ctypes.c_double(max(seconds, 1e-3)),
        ctypes.c_int64(steps),
        ctypes.c_uint64(seed),
        ctypes.c_int64(threads),
    )
    if cost < 0:
        raise Refused("the assignment to begin with breaks a constraint itself: mend that first")
    return list(assignment)[: len(problem.origin)], int(cost)


def _fleet(problem: Problem) -> tuple[_Fleet, list[Any]]:
    """The second has to live as long as the first is used."""
    machines, services, processes = problem.machines, problem.services, problem.processes
    counts = (
        len(machines),
        len(processes),
        len(services),
        len(problem.resources),
        len(problem.balances),
        1 + max((each.location for each in machines), default=0),
        1 + max((each.neighbourhood for each in machines), default=0),
    )
    kept = [
        native.flags(each.transient for each in problem.resources),
        native.integers(each.load_weight for each in problem.resources),
        _flat(each.capacity for each in machines),
        _flat(each.soft_capacity for each in machines),
        native.integers(each.location for each in machines),
        native.integers(each.neighbourhood for each in machines),
        _flat(each.move_costs for each in machines),
        native.integers(each.service for each in processes),
        _flat(each.need for each in processes),
        native.integers(each.move_cost for each in processes),
        native.integers(each.spread for each in services),
        *native.ragged(each.needs for each in services),
        _flat((each.one, each.other, each.target, each.weight) for each in problem.balances),
        _curves(machines),
        _allowed(processes, len(machines)),
        native.integers(problem.origin),
    ]
    fleet = _Fleet(*counts)
    native.filled(fleet, kept)
    fleet.process_weight, fleet.service_weight = problem.process_weight, problem.service_weight
    fleet.machine_weight = problem.machine_weight
    return fleet, kept


def _flat(rows: Iterable[Sequence[int]]) -> Any:  # noqa: ANN401 - ctypes' own
    return native.integers(chain.from_iterable(rows))


def _curves(machines: Sequence[Machine]) -> Any:  # noqa: ANN401
    return (
        native.doubles(chain.from_iterable(each.curve for each in machines)) if any(m.curve for m in machines) else None
    )


def _allowed(processes: Sequence[Process], machines: int) -> Any:  # noqa: ANN401
    if all(each.allowed is None for each in processes):
        return None
    everywhere = b"\x01" * machines
    return native.octets(b"".join(each.allowed or everywhere for each in processes))
