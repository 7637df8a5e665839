"""Whether a plan of moves is one that can be carried out: no link and no host over its capacity at any instant.

It works on the two JSON documents alone, and shares no code with the planner: durations are summed round by round here,
and capacities are followed from event to event.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

NEAR = 1e-6
"""Seconds and shares: of rounding in JSON and sums."""


def faults(instance: dict[str, Any], plan: dict[str, Any]) -> Iterator[str]:
    """What is wrong with it, in sentences; none: nothing."""
    wanted = {move["id"]: move for move in instance["moves"]}
    runs = _runs(instance, plan, wanted)
    seen = [run["id"] for run in plan["moves"]]
    for name, move in wanted.items():
        legs = sorted((run for run in plan["moves"] if run["id"] == name), key=lambda run: run["start_s"])
        if not legs:
            yield f"{name} is not in the plan"
        elif (legs[0]["from"], legs[-1]["to"]) != (move["from"], move["to"]) or seen.count(name) > 2:
            yield f"{name} does not go from {move['from']} to {move['to']}"
        elif len(legs) == 2 and (legs[0]["to"] != legs[1]["from"] or legs[0]["end_s"] > legs[1]["start_s"] + NEAR):
            yield f"the legs of {name} do not follow each other"
    yield from (f"{name} is not known" for name in seen if name not in wanted)
    yield from _lengths(runs)
    yield from _order(instance, plan)
    yield from _links(instance, runs)
    yield from _counts(instance, runs)
    yield from _memory(instance, runs)
    last = max((run["end_s"] for run in [*runs, *plan.get("activities", [])]), default=0)
    if abs(last - plan["makespan_s"]) > NEAR:
        yield f"the makespan is {last}, not {plan['makespan_s']}"
    if plan["bound_s"] > last + NEAR:
        yield f"the bound {plan['bound_s']} is above the plan's own end {last}"
    if plan["optimal"] and last > plan["bound_s"] + NEAR * max(1, last):
        yield "it is called optimal and is above its bound"


def _runs(instance: dict[str, Any], plan: dict[str, Any], wanted: dict[str, Any]) -> list[dict[str, Any]]:
    hosts = {host["id"]: host for host in instance["hosts"]}
    runs = []
    for run in plan["moves"]:
        move = wanted.get(run["id"])
        if move is not None:
            detour = [*hosts[run["from"]].get("out", []), *hosts[run["to"]].get("in", [])]
            path = detour if run.get("leg") else move["path"]
            runs.append(move | run | {"path": list(dict.fromkeys(path))})
    return runs


def _lengths(runs: list[dict[str, Any]]) -> Iterator[str]:
    for run in runs:
        took, rate = run["end_s"] - run["start_s"], run["rate_bytes_s"]
        if not (run["start_s"] >= 0 and rate > 0 and math.isfinite(took)):
            yield f"{run['id']} starts at {run['start_s']} with {rate}"
        elif took < _sent(run, rate) / rate * (1 - NEAR):
            yield f"{run['id']} has {took} s, and needs {_sent(run, rate) / rate}"


def _sent(run: dict[str, Any], rate: float) -> float:
    """Round by round, until a round has less than a byte."""
    if run.get("bytes") is not None:
        return float(run["bytes"]) + run.get("disk_bytes", 0)
    round_bytes, sent = float(run["memory_bytes"]), float(run.get("disk_bytes", 0))
    dirty = run.get("dirty_rate_bytes_s") or 0
    most = run.get("working_set_bytes", run["memory_bytes"])
    for _ in range(10_000):
        sent += round_bytes
        round_bytes = min(dirty * round_bytes / rate, most)
        if round_bytes < 1:
            return sent
    return math.inf


def _order(instance: dict[str, Any], plan: dict[str, Any]) -> Iterator[str]:
    begin: dict[str, float] = {}
    end: dict[str, float] = {}
    for run in (*plan["moves"], *plan.get("activities", [])):
        begin[run["id"]] = min(run["start_s"], begin.get(run["id"], math.inf))
        end[run["id"]] = max(run["end_s"], end.get(run["id"], 0))
    for each in (*instance["moves"], *instance.get("activities", [])):
        for before in each.get("after", []):
            if begin.get(each["id"], 0) < end.get(before, math.inf) - NEAR:
                yield f"{each['id']} begins before {before} has ended"
    for each in instance.get("activities", []):
        if abs(end[each["id"]] - begin[each["id"]] - each["duration_s"]) > NEAR:
            yield f"{each['id']} does not take its {each['duration_s']} s"


def _links(instance: dict[str, Any], runs: list[dict[str, Any]]) -> Iterator[str]:
    capacity = {link["id"]: link["capacity_bytes_s"] for link in instance["links"]}
    changes: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for run in runs:
        for link in run["path"]:
            changes[link] += [(run["start_s"], run["rate_bytes_s"]), (run["end_s"], -run["rate_bytes_s"])]
        if run["rate_bytes_s"] > run.get("max_rate_bytes_s", math.inf) * (1 + 1e-9):
            yield f"{run['id']} is faster than it may be"
    for link, each in changes.items():
        most = _most(each)
        if most > capacity[link] * (1 + 1e-9):
            yield f"link {link} carries {most} of {capacity[link]}"


def _counts(instance: dict[str, Any], runs: list[dict[str, Any]]) -> Iterator[str]:
    limits = [("max_moves", instance.get("max_moves"), runs)]
    for host in instance["hosts"]:
        limits.append((f"{host['id']} out", host.get("max_out"), [run for run in runs if run["from"] == host["id"]]))
        limits.append((f"{host['id']} in", host.get("max_in"), [run for run in runs if run["to"] == host["id"]]))
    for what, limit, counted in limits:
        if limit is not None:
            most = _most([change for run in counted for change in ((run["start_s"], 1), (run["end_s"], -1))])
            if most > limit:
                yield f"{what}: {most:.0f} at once, {limit} allowed"


def _memory(instance: dict[str, Any], runs: list[dict[str, Any]]) -> Iterator[str]:
    held: dict[str, float] = defaultdict(float)
    at = {guest["id"] for guest in instance.get("guests", [])}
    for guest in instance.get("guests", []):
        held[guest["host"]] += guest["memory_bytes"]
    changes: dict[str, list[tuple[float, float]]] = defaultdict(list)
    begun = set()
    for run in sorted(runs, key=lambda each: each["start_s"]):
        who = run.get("guest") or run["id"]
        if who not in at and who not in begun:
            held[run["from"]] += run["memory_bytes"]
        begun.add(who)
        changes[run["from"]].append((run["end_s"], -run["memory_bytes"]))
        changes[run["to"]].append((run["start_s"], run["memory_bytes"]))
    for host in instance["hosts"]:
        most = held[host["id"]] + _most(changes[host["id"]])
        if changes[host["id"]] and most > max(host["memory_bytes"], held[host["id"]]) * (1 + 1e-9):
            yield f"host {host['id']} holds {most} of {host['memory_bytes']}"


def _most(changes: list[tuple[float, float]]) -> float:
    """What ends at an instant has ended before what begins then."""
    level = most = 0.0
    for _, change in sorted(changes, key=lambda each: (each[0], each[1])):
        level += change
        most = max(most, level)
    return most
