"""Plans of many moves: how far from what no plan can beat, and how long the planning takes.

    python -m bench.schedule [--seeds N]

Fleets of hosts in racks of 24, with cards of 1 Gb/s and uplinks of 10 Gb/s; guests of 1 to 4 GiB that dirty from
nothing to half a card's rate. `vmferry plan-moves` runs as a command; every plan goes through the tests' checker.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
from pathlib import Path
from typing import Any

from tests.unit.schedule.plan_checker import faults

from bench.measure import machine, run, today

GIB = 1 << 30
CARD_BYTES_S, UPLINK_BYTES_S, RACK = 125_000_000, 1_250_000_000, 24
SIZES = ((72, 96), (72, 400), (72, 1728), (240, 600), (240, 1728), (720, 400), (720, 1728))
"""Hosts and moves."""
LARGE = ((720, 30_000),)


def fleet(hosts: int, moves: int, seed: int, *, both_ways: bool) -> dict[str, Any]:
    """`both_ways`: cards and uplinks carry their rate in each direction; otherwise in both together."""
    draw = random.Random(f"{hosts} {moves} {seed}")
    links: dict[str, int] = {}

    def link(name: str, way: str, capacity: int) -> str:
        full = f"{name}-{way}" if both_ways else name
        links[full] = capacity
        return full

    listed = []
    for number in range(moves):
        source, target = draw.sample(range(hosts), 2)
        path = [link(f"card{source}", "out", CARD_BYTES_S), link(f"card{target}", "in", CARD_BYTES_S)]
        if source // RACK != target // RACK:
            path.insert(1, link(f"uplink{source // RACK}", "out", UPLINK_BYTES_S))
            path.insert(2, link(f"uplink{target // RACK}", "in", UPLINK_BYTES_S))
        memory = draw.randint(1 * GIB, 4 * GIB)
        listed.append(
            {
                "id": f"guest{number}",
                "from": f"host{source}",
                "to": f"host{target}",
                "memory_bytes": memory,
                "dirty_rate_bytes_s": draw.randint(0, CARD_BYTES_S // 2),
                "working_set_bytes": draw.randint(0, memory),
                "path": path,
                "after": [],
            }
        )
    return {
        "links": [{"id": name, "capacity_bytes_s": capacity} for name, capacity in links.items()],
        "hosts": [{"id": f"host{number}", "memory_bytes": 512 * GIB} for number in range(hosts)],
        "moves": listed,
        "guests": [],
    }


def planned(instance: dict[str, Any], folder: Path) -> tuple[dict[str, Any], float]:
    """The checked plan, and the seconds of the whole command."""
    file = folder / "instance.json"
    file.write_text(json.dumps(instance), encoding="utf-8")
    ran = run(".venv/bin/vmferry", "plan-moves", str(file), "-o", "json", "-q")
    plan = json.loads(ran.stdout)
    wrong = list(faults(instance, plan))
    if wrong:
        raise RuntimeError(f"{len(wrong)} faults in a plan, the first: {wrong[0]}")
    return plan, ran.wall_s


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seeds", type=int, default=5)
    seeds = options.parse_args().seeds
    print(f"{today()}, {machine()}, {seeds} fleets a line\n")
    print("| hosts | moves | links | makespan / bound: mean | worst | proved optimal | seconds, whole command: worst |")
    print("|---:|---:|---|---:|---:|---:|---:|")
    ratios: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for both_ways in (True, False):
            for hosts, moves in SIZES + LARGE:
                runs = [
                    planned(fleet(hosts, moves, seed, both_ways=both_ways), Path(folder))
                    for seed in range(1 if moves > 2000 else seeds)
                ]
                found = [plan["makespan_s"] / plan["bound_s"] for plan, _ in runs]
                ratios += found if moves <= 2000 else []
                optimal = sum(plan["optimal"] for plan, _ in runs)
                ways = "each way" if both_ways else "both ways together"
                print(
                    f"| {hosts} | {moves:,} | {ways} | {statistics.mean(found):.4f} | {max(found):.4f} "
                    f"| {optimal} of {len(runs)} | {max(took for _, took in runs):.2f} |",
                    flush=True,
                )
    print(f"\nUp to 1,728 moves: mean {statistics.mean(ratios):.4f}, worst {max(ratios):.4f}, {len(ratios)} fleets")


if __name__ == "__main__":
    main()
