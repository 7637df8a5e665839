"""What an assignment costs by the definition of the Google/ROADEF-EURO challenge of 2012, and whether it is allowed.

Nothing is shared with the solver.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from vmferry.placement.reassignment import Problem


def cost(problem: Problem, places: Sequence[int]) -> int:
    """By the challenge's definition. Raises ValueError where a constraint is broken."""
    kinds = range(len(problem.resources))
    used = [[0] * len(problem.resources) for _ in problem.machines]
    held = [[0] * len(problem.resources) for _ in problem.machines]
    on: dict[int, list[int]] = defaultdict(list)
    moved: Counter[int] = Counter()
    total = 0
    for number, (process, place) in enumerate(zip(problem.processes, places, strict=True)):
        on[process.service].append(place)
        home = problem.origin[number]
        for kind in kinds:
            used[place][kind] += process.need[kind]
            held[place][kind] += process.need[kind]
            if place != home and problem.resources[kind].transient:
                held[home][kind] += process.need[kind]
        if place != home:
            moved[process.service] += 1
            total += problem.process_weight * process.move_cost
            total += problem.machine_weight * problem.machines[home].move_costs[place]
    for machine, load, most in zip(problem.machines, used, held, strict=True):
        if any(most[kind] > machine.capacity[kind] for kind in kinds):
            raise ValueError("a machine is over its capacity")
        left = [machine.capacity[kind] - load[kind] for kind in kinds]
        for kind in kinds:
            total += problem.resources[kind].load_weight * max(0, load[kind] - machine.soft_capacity[kind])
        for each in problem.balances:
            total += each.weight * max(0, each.target * left[each.one] - left[each.other])
    for service in range(len(problem.services)):
        _check_service(problem, service, on[service], on)
    return total + problem.service_weight * max(moved.values(), default=0)


def _check_service(problem: Problem, service: int, machines: Sequence[int], on: dict[int, list[int]]) -> None:
    if len(set(machines)) < len(machines):
        raise ValueError("two processes of a service are on one machine")
    if len({problem.machines[each].location for each in machines}) < problem.services[service].spread:
        raise ValueError("a service is in too few locations")
    near = {problem.machines[each].neighbourhood for each in machines}
    for other in problem.services[service].needs:
        if not near <= {problem.machines[each].neighbourhood for each in on[other]}:
            raise ValueError("a service is where one that it needs is not")
