"""The instance as arrays, to the compiled search (native/schedule.cpp) and back."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

from vmferry import native
from vmferry.schedule.arithmetic import least_rate
from vmferry.schedule.bound import limits
from vmferry.schedule.instance import Activity, Instance, Move


class _Problem(ctypes.Structure):
    """Field by field the Problem of native/problem.hpp."""

    _fields_ = (
        ("moves", ctypes.c_int64),
        ("lanes", ctypes.c_int64),
        ("hosts", ctypes.c_int64),
        ("capacity", native.DOUBLES),
        ("counted", native.FLAGS),
        ("length", native.DOUBLES),
        ("fixed_bytes", native.DOUBLES),
        ("memory_bytes", native.DOUBLES),
        ("dirty_rate", native.DOUBLES),
        ("working_set", native.DOUBLES),
        ("least_rate", native.DOUBLES),
        ("most_rate", native.DOUBLES),
        ("path_from", native.INTEGERS),
        ("path", native.INTEGERS),
        ("after_from", native.INTEGERS),
        ("after", native.INTEGERS),
        ("source", native.INTEGERS),
        ("target", native.INTEGERS),
        ("held_bytes", native.DOUBLES),
        ("free_bytes", native.DOUBLES),
    )


@dataclass(frozen=True, slots=True)
class Slot:
    """When something runs; `start_s` is infinite where it found no place."""

    start_s: float
    end_s: float
    rate_bytes_s: float


def search(instance: Instance, bound_s: float, effort: int, seed: int) -> dict[str, Slot]:
    """By id, the slots of the best plan that was found. `effort` is counted in steps, some ten million a second."""
    everything: list[Move | Activity] = [*instance.moves, *instance.activities]
    count = len(everything)
    start, end, rate = ((ctypes.c_double * count)() for _ in range(3))
    problem, _kept = _problem(instance)
    find = native.library().vmferry_schedule
    find.restype = ctypes.c_int64
    find(
        ctypes.byref(problem),
        ctypes.c_double(bound_s),
        ctypes.c_int64(effort),
        ctypes.c_uint64(seed),
        start,
        end,
        rate,
    )
    return {each.id: Slot(start[i], end[i], rate[i]) for i, each in enumerate(everything)}


def _problem(instance: Instance) -> tuple[_Problem, list[Any]]:
    """The second has to live as long as the first is used."""
    moves, activities = instance.moves, instance.activities
    still = [0.0] * len(activities)
    most = [instance.most_rate[move.id] for move in moves]
    steps: list[Move | Activity] = [*moves, *activities]
    number = {each.id: i for i, each in enumerate(steps)}
    place = {each.id: i for i, each in enumerate(instance.places)}
    capacity, counted, paths = _lanes(instance)
    after = [[number[name] for name in each.after] for each in steps]
    free = [each.memory_bytes - instance.held_bytes[each.id] for each in instance.places]
    kept: list[Any] = [
        native.doubles(capacity),
        native.flags(counted),
        native.doubles([-1.0] * len(moves) + [each.duration_s for each in activities]),
        native.doubles([move.fixed_bytes for move in moves] + still),
        native.doubles([move.rounds_bytes for move in moves] + still),
        native.doubles([move.dirty_rate_bytes_s for move in moves] + still),
        native.doubles([move.working_set_bytes for move in moves] + still),
        native.doubles([least_rate(move, most[i]) for i, move in enumerate(moves)] + still),
        native.doubles(most + [1.0] * len(activities)),
        *native.ragged(paths),
        *native.ragged(after),
        native.integers([place[move.source] for move in moves] + [-1] * len(activities)),
        native.integers([place[move.target] for move in moves] + [-1] * len(activities)),
        native.doubles([move.memory_bytes for move in moves] + still),
        native.doubles(free),
    ]
    problem = _Problem(len(steps), len(capacity), len(free))
    native.filled(problem, kept)
    return problem, kept


def _lanes(instance: Instance) -> tuple[list[float], list[bool], list[list[int]]]:
    """Links first, then limits that bind somebody; and the lanes of every move and activity."""
    number = {link.id: i for i, link in enumerate(instance.links)}
    place = {move.id: i for i, move in enumerate(instance.moves)}
    capacity, counted = [link.capacity_bytes_s for link in instance.links], [False] * len(instance.links)
    paths = [[number[name] for name in dict.fromkeys(move.path)] for move in instance.moves]
    for _, most, moves in limits(instance):
        if len(moves) > most:
            for move in moves:
                paths[place[move.id]].append(len(capacity))
            capacity.append(float(most))
            counted.append(True)
    return capacity, counted, paths + [[] for _ in instance.activities]
