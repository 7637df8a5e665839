"""A disk into another pool of its host, the guest running: by `virsh blockcopy --wait --pivot` and by vmferry in turn.

VMFERRY_LAB=bench .venv/bin/python -m bench.disk_move --rounds 2
"""

from __future__ import annotations

import argparse
import statistics
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass

from bench.measure import machine, run, spread, today
from bench.storage import FILLS, GUEST, IMAGE, SETTLE_S, VMFERRY, guest, lab, on, page, release, taken

PLACES = {"local": IMAGE, "fast": "/srv/fast/bench-0.img"}


@dataclass(frozen=True, slots=True)
class Sample:
    whole_s: float
    had_bytes: int
    takes_bytes: int


def sample(mover: str, host: str, uri: str, form: str, here: str, there: str) -> Sample:
    time.sleep(SETTLE_S)
    old, new = PLACES[here], PLACES[there]
    had = taken(host, old)
    if mover == "virsh":
        whole = run(
            "virsh", "-q", "-c", uri,
            "blockcopy", GUEST, "vda", "--dest", new, "--format", form, "--wait", "--pivot", "--transient-job",
        )  # fmt: skip
    else:
        whole = run(VMFERRY, "disk", "move", GUEST, "vda", "--pool", there, "-q")
    takes = taken(host, new)
    on(host, f"rm {old}; virsh pool-refresh {here}; virsh pool-refresh {there}")
    return Sample(whole.wall_s, had, takes)


def measured(rounds: int, form: str, fill: str, host: str, uri: str) -> dict[str, list[Sample]]:
    """Forth by the one and back by the other."""
    found: dict[str, list[Sample]] = {"virsh": [], "vmferry": []}
    with guest(form, FILLS[fill], host):
        for number in range(2 * rounds):
            movers = ("virsh", "vmferry") if number % 2 else ("vmferry", "virsh")
            for mover, here, there in zip(movers, ("local", "fast"), ("fast", "local"), strict=True):
                found[mover].append(sample(mover, host, uri, form, here, there))
        if page().errors:
            raise RuntimeError(f"the guest found {page().errors} errors in its memory and disk")
    return found


def table(cells: dict[tuple[str, str, str], dict[str, list[Sample]]]) -> Iterator[str]:
    yield "| libvirt | format, data | virsh, s | vmferry, s | ratio | allocated, new / old: virsh | vmferry |"
    yield "|---|---|---|---|---|---|---|"
    for (libvirt, form, fill), by in cells.items():
        theirs, ours = ([each.whole_s for each in by[mover]] for mover in ("virsh", "vmferry"))
        ratio = statistics.median(ours) / statistics.median(theirs)
        disk = [statistics.median(each.takes_bytes / each.had_bytes for each in by[m]) for m in ("virsh", "vmferry")]
        yield (
            f"| {libvirt} | {form}, {fill} | {spread(theirs)} | {spread(ours)} | {ratio:.2f} "
            f"| {disk[0]:.2f} | {disk[1]:.2f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1, help="of four moves for each disk and host")
    options = parser.parse_args()
    cells: dict[tuple[str, str, str], dict[str, list[Sample]]] = {}
    with lab() as config:
        hosts = tomllib.loads(config.read_text())["hosts"]
        for host in ("h1", "h3"):
            on(host, "mkdir -p /srv/fast; virsh pool-create-as fast dir --target /srv/fast")
            for form in ("qcow2", "raw"):
                for fill in FILLS:
                    cells[release(host), form, fill] = measured(options.rounds, form, fill, host, hosts[host]["uri"])
    print(f"{today()}; {machine()}; {options.rounds} rounds; disk of 2 GiB, guest of 192 MiB that writes to it.\n")
    print("\n".join(table(cells)))


if __name__ == "__main__":
    main()
