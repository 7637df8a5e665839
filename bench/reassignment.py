"""The Google/ROADEF-EURO 2012 machine reassignment problem, in its own file formats, by the product's own solver.

    python -m bench.reassignment MODEL ASSIGNMENT --seconds S --seed N --out NEW

Writes the new assignment and prints its cost, summed up without the solver, whose own figure has to agree.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.unit.placement.reassignment_cost import cost

from vmferry.errors import VmferryError
from vmferry.placement.reassignment import Balance, Machine, Problem, Process, Resource, Service, solve


class _Numbers:
    """Of a file, one after the other."""

    def __init__(self, path: Path) -> None:
        self._left = iter(path.read_text(encoding="ascii").split())

    def next(self) -> int:
        return int(next(self._left))

    def several(self, count: int) -> tuple[int, ...]:
        return tuple(self.next() for _ in range(count))


def read(model: Path, assignment: Path) -> Problem:
    """Raises ValueError where a file is not what the challenge describes."""
    try:
        numbers = _Numbers(model)
        resources = [Resource(bool(numbers.next()), numbers.next()) for _ in range(numbers.next())]
        width, count = len(resources), numbers.next()
        machines = [
            Machine(
                neighbourhood=numbers.next(),
                location=numbers.next(),
                capacity=numbers.several(width),
                soft_capacity=numbers.several(width),
                move_costs=numbers.several(count),
            )
            for _ in range(count)
        ]
        services = [Service(numbers.next(), numbers.several(numbers.next())) for _ in range(numbers.next())]
        processes = [Process(numbers.next(), numbers.several(width), numbers.next()) for _ in range(numbers.next())]
        balances = [Balance(*numbers.several(4)) for _ in range(numbers.next())]
        weights = numbers.several(3)
        origin = _Numbers(assignment).several(len(processes))
    except StopIteration:
        raise ValueError(f"{model} or {assignment} ends too early") from None
    return Problem(resources, machines, services, processes, balances, *weights, origin)


def main(arguments: Sequence[str] | None = None) -> int:
    options = argparse.ArgumentParser(prog="bench.reassignment", description=__doc__.splitlines()[0])
    options.add_argument("model", type=Path)
    options.add_argument("assignment", type=Path)
    options.add_argument("--seconds", type=float, default=300.0)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--out", type=Path, help="where the new assignment is written")
    given = options.parse_args(arguments)
    began = time.monotonic()
    try:
        problem = read(given.model, given.assignment)
        before = cost(problem, problem.origin)
        left_s = max(0.1, given.seconds - (time.monotonic() - began))
        places, told = solve(problem, seconds=left_s, seed=given.seed, threads=given.threads)
        after = cost(problem, places)
    except (OSError, ValueError, VmferryError) as error:
        print(f"bench.reassignment: {error}", file=sys.stderr)
        return 1
    if after != told:
        print(f"bench.reassignment: the solver says {told}, and it is {after}", file=sys.stderr)
        return 1
    if given.out is not None:
        given.out.write_text(" ".join(map(str, places)) + "\n", encoding="ascii")
    print(f"{before} -> {after} in {time.monotonic() - began:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
