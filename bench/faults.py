"""A soak: migrations on the lab, each with a random fault at a random moment, and what has become of them.

Two hosts, one busy guest on a disk that both share, over a slow link, so that most faults strike the copy. The guest
itself finds out whether its memory or its disk lost anything; the processor time of its virtual CPU tells whether it
ever ran twice. Faults and moments follow from the seed. Each migration is a line of JSON; `table` adds files up.

    VMFERRY_LAB=soak .venv/bin/python -m bench.faults run --rounds 100 --seed 1 soak.jsonl
    .venv/bin/python -m bench.faults table soak.jsonl
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab.conftest import command
from tests.lab.faults.conftest import GUEST, PAIR, Ground
from tests.lab.guests import all_verified_since, page_when

from bench.measure import machine, today
from bench.strikes import FAULTS, RATE, Fault, Scene
from bench.witness import Witness
from vmferry.lab import control
from vmferry.lab.layout import layout_of_environment

SIZE = ("--memory", "128MiB", "--dirty", "2MiB/s", "--working-set", "8MiB", "--disk-size", "4MiB")
MOMENT_S = 10.0
"""A whole migration takes about so long here."""
DECIDED_S = 150.0
"""A job that is not at its end by then counts as one that needs an operator."""


@dataclass(frozen=True, slots=True)
class Ended:
    """One migration, and what was found afterwards."""

    number: int
    fault: str
    moment_s: float
    state: str
    """The job's, when it was struck."""
    outcome: str
    needs: str
    """What an operator had to know; empty: none was needed."""
    ran_twice: int
    """Looks at which both hosts ran it."""
    errors: int
    """That the guest found in its memory and on its disk."""
    leftovers: list[str]
    looks: int
    """At which one host ran it."""
    took_s: float


def soak(rounds: int, seed: int) -> Iterator[Ended]:
    layout = layout_of_environment()
    control.up(layout, hosts=2)
    try:
        ground = new_guest(layout)
        chance = random.Random(seed)
        weights = [fault.weight for fault in FAULTS]
        for number in range(rounds):
            (fault,) = chance.choices(FAULTS, weights)
            moment_s = chance.uniform(0, MOMENT_S)
            yield one(ground, number, fault, moment_s)
            if set(ground.states()) not in ({"h1"}, {"h2"}) or "running" not in str(ground.states()):
                again(ground)
    finally:
        control.down(layout)


def new_guest(layout: Any) -> Ground:  # noqa: ANN401 - of the lab
    run = command(layout)
    line = run("lab", "guest", GUEST, *SIZE, "--disk", "shared", "--on", "h1").stdout
    ground = Ground(layout, run, line.split()[2])
    ground.slow(RATE)
    return ground


def again(ground: Ground) -> None:
    """A new guest in place of one that was lost or is in doubt."""
    for job in ground.jobs():
        if job["outcome"] in (None, "in_doubt"):
            ground.run("job", "repair", job["job"], "--forget", "--yes", check=False)
    ground.run("lab", "guest", GUEST, "--remove")
    ground.run("lab", "guest", GUEST, *SIZE, "--disk", "shared", "--on", "h1")


def one(ground: Ground, number: int, fault: Fault, moment_s: float) -> Ended:
    (source,) = ground.states()
    target = next(host for host in PAIR if host != source)
    before = page_when(ground.address, lambda page: True)
    witness = Witness(ground.lab, PAIR, GUEST)
    witness.start()
    began_s = time.monotonic()
    ground.start(*fault.options, to=target)
    scene = Scene(ground, source, target)
    time.sleep(moment_s)
    state = state_of(ground) if scene.runs else "ended"
    fault.strike(scene)
    assert ground.work is not None
    try:
        ground.work.communicate(timeout=DECIDED_S)
    except subprocess.TimeoutExpired:
        ground.kill()
    job, needs = decided(ground)
    took_s = time.monotonic() - began_s
    states, errors = ground.states(), 0
    alive = [host for host, told in states.items() if told.startswith("running")]
    leftovers = left(ground, states)
    if alive:
        now = page_when(ground.address, lambda page: True)
        errors = max(0, all_verified_since(now, ground.address).errors - before.errors)
    elif not fault.kills_guest:
        leftovers.append(f"the guest does not run: {states}")
    witness.stop()
    return Ended(
        number, fault.name, round(moment_s, 2), state, str(job["outcome"]), needs,
        len(witness.twice), errors, leftovers, witness.looks, round(took_s, 1),
    )  # fmt: skip


def state_of(ground: Ground) -> str:
    """The phase, by the job's last line; nothing is put right for it."""
    shown = ground.run("job", "list", "-o", "json", check=False)
    jobs = json.loads(shown.stdout)["jobs"] if shown.stdout else []
    running = [job for job in jobs if job["outcome"] is None]
    return str(running[0].get("state", "running")) if running else "before its record"


def decided(ground: Ground) -> tuple[dict[str, Any], str]:
    """The job at its end, and why that needs a person; a job in doubt is asked about again once."""
    deadline = time.monotonic() + DECIDED_S
    job = ground.last_job()
    while job["outcome"] is None and time.monotonic() < deadline:
        time.sleep(0.5)
        job = ground.last_job()
    if job["outcome"] == "in_doubt":
        ground.run("job", "repair", job["job"], check=False)
        job = ground.last_job()
    if job["outcome"] is None:
        return job, "it did not come to its end"
    return job, str(job["error"]) if job["outcome"] == "in_doubt" else ""


def left(ground: Ground, states: dict[str, str]) -> list[str]:
    """What should not be there: on hosts that do not have the guest, and of the migration's settings."""
    found = [f"on {host}: {line}" for host in PAIR if host not in states for line in ground.residue(host)]
    for host, state in states.items():
        if state.startswith("running"):
            if ground.on(host, f"virsh migrate-getmaxdowntime {GUEST}").strip() != "300":
                found.append(f"downtime limit on {host}")
            if ground.on(host, f"virsh domjobinfo {GUEST} | head -1").split() != ["Job", "type:", "None"]:
                found.append(f"a job on {host}")
    if len(states) > 1:
        found.append(f"on both: {states}")
    return found


def table(ended: Sequence[Ended]) -> Iterator[str]:
    yield "| fault | migrations | migrated | rolled back | failed | in doubt | ran twice | guest's errors | leftovers |"
    yield "|---|---|---|---|---|---|---|---|---|"
    names = [fault.name for fault in FAULTS if any(each.fault == fault.name for each in ended)]
    for name in names:
        yield row(name, [each for each in ended if each.fault == name])
    yield row("**all**", ended)
    yield ""
    struck = Counter(each.state for each in ended)
    yield "Struck while the job was: " + ", ".join(f"{state} ({count})" for state, count in struck.most_common())
    for each in ended:
        if each.needs or each.leftovers or each.ran_twice or each.errors:
            yield f"- {each.fault} at {each.moment_s} s ({each.state}): {each.needs} {'; '.join(each.leftovers)}"


def row(name: str, ended: Sequence[Ended]) -> str:
    outcomes = Counter(each.outcome for each in ended)
    doubt = sum(bool(each.needs) for each in ended)
    told = [outcomes["migrated"], outcomes["rolled_back"], outcomes["failed"] + outcomes["refused"], doubt]
    bad = [
        sum(bool(each.ran_twice) for each in ended),
        sum(each.errors for each in ended),
        sum(bool(each.leftovers) for each in ended),
    ]
    return f"| {name} | {len(ended)} | {' | '.join(map(str, told + bad))} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(dest="part", required=True)
    of_run = parts.add_parser("run")
    of_run.add_argument("--rounds", type=int, default=200)
    of_run.add_argument("--seed", type=int, default=1)
    of_run.add_argument("file", type=Path)
    parts.add_parser("table").add_argument("files", type=Path, nargs="+")
    chosen = parser.parse_args()
    if chosen.part == "run":
        os.environ.setdefault("VMFERRY_LAB", "soak")
        with chosen.file.open("a") as file:
            for ended in soak(chosen.rounds, chosen.seed):
                print(json.dumps(dataclasses.asdict(ended)), file=file, flush=True)
                print(ended, file=sys.stderr)
        return
    lines = [json.loads(line) for file in chosen.files for line in file.read_text().splitlines()]
    print(f"{machine()}; {today()}\n")
    print("\n".join(table([Ended(**line) for line in lines])))


if __name__ == "__main__":
    main()
