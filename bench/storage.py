"""A guest with a disk of its host's own, moved by `virsh migrate --copy-storage-all` and by vmferry in turn.

Of each are measured the whole command, the bytes that the source sent but for those of memory, and what the image takes
on the target. Prints a table in Markdown.

    VMFERRY_LAB=bench .venv/bin/python -m bench.storage --rounds 3
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.measure import machine, run, spread, today
from vmferry.lab.guest import guest_address
from vmferry.lab.guest_page import GuestPage, read_page
from vmferry.lab.layout import layout_of_environment
from vmferry.lab.shell import ssh

VMFERRY = str(Path(sys.prefix) / "bin" / "vmferry")
GUEST, IMAGE = "bench", "/var/lib/libvirt/images/bench-0.img"
GIB, MIB = 1 << 30, 1 << 20
SIZE_BYTES = 2 * GIB
FILLS = {"100 MiB": 100 * MIB, "50 %": GIB, "100 %": 2 * GIB}
SETTLE_S = 1.0


@dataclass(frozen=True, slots=True)
class Sample:
    whole_s: float
    job_s: float
    """Libvirt's own time of it."""
    sent_bytes: int
    """By the source's cards, without what libvirt counts as memory."""
    had_bytes: int
    """What the image took on the source."""
    takes_bytes: int
    """On the target."""


def on(host: str, script: str) -> str:
    return ssh(layout_of_environment(), host, "sh", "-ec", script)


@contextmanager
def lab() -> Iterator[Path]:
    """Three hosts of two generations; gives the configuration."""
    run(VMFERRY, "lab", "up", "--hosts", "3", "--mixed")
    try:
        yield Path(json.loads(run(VMFERRY, "lab", "status", "-o", "json").stdout)["config"])
    finally:
        run(VMFERRY, "lab", "down")


def page() -> GuestPage:
    return read_page(guest_address(layout_of_environment(), GUEST))


@contextmanager
def guest(form: str, data_bytes: int, host: str) -> Iterator[None]:
    """With a disk of that format and so much in it, which it has written to everywhere that it does write to."""
    memory = ("--memory", "192MiB", "--dirty", "1MiB/s", "--working-set", "4MiB")
    run(VMFERRY, "lab", "guest", GUEST, *memory, "--disk-size", "2GiB", "--disk", "local", "--on", host)
    try:
        refill(host, form, SIZE_BYTES, data_bytes)
        on(host, f"virsh start {GUEST}")
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            try:
                if page().disks[0].cycles >= 2:
                    break
            except OSError:
                pass
            time.sleep(0.5)
        yield
    finally:
        remove()


def refill(host: str, form: str, size_bytes: int, data_bytes: int) -> None:
    """The guest is off then, with another disk."""
    on(host, f"virsh destroy {GUEST}; rm {IMAGE}; qemu-img create -q -f {form} {IMAGE} {size_bytes}")
    on(host, f"qemu-io -t none -f {form} {' '.join(writes(data_bytes))} {IMAGE} >/dev/null")
    on(host, f"virsh dumpxml --inactive {GUEST} | sed \"s/type='qcow2'/type='{form}'/\" >/tmp/{GUEST}.xml")
    on(host, f"virsh define /tmp/{GUEST}.xml; virsh pool-refresh local")


def remove() -> None:
    """The guest, and its images wherever they are."""
    run(VMFERRY, "lab", "guest", GUEST, "--remove")
    for host in ("h1", "h2", "h3"):
        on(host, f"rm -f {IMAGE}; virsh pool-refresh local")


def release(host: str) -> str:
    """Of its libvirt."""
    return on(host, "virsh version --daemon | sed -n 's/^Running against daemon: //p'").strip()


def writes(data_bytes: int) -> Iterator[str]:
    """Arguments of qemu-io; one write may be of 1 GiB."""
    for start in range(0, data_bytes, GIB):
        yield f"-c 'write -P 7 {start} {min(GIB, data_bytes - start)}'"


def sample(mover: str, config: Path, source: str, target: str) -> Sample:
    """The source's image is removed afterwards, by neither of them and outside of the time."""
    time.sleep(SETTLE_S)
    had, before = taken(source), sent(source)
    if mover == "virsh":
        whole_s = by_virsh(config, source, target)
    else:
        whole_s = run(VMFERRY, "migrate", GUEST, "--to", target, "-q").wall_s
    takes, after = taken(target), sent(source)
    job_s, memory = job_figures(target)
    on(source, f"rm {IMAGE}; virsh pool-refresh local")
    return Sample(whole_s, job_s, after - before - memory, had, takes)


def by_virsh(config: Path, source: str, target: str) -> float:
    hosts = tomllib.loads(config.read_text())["hosts"]
    return run(
        "virsh", "-q", "-c", hosts[source]["uri"],
        "migrate", "--live", "--p2p", "--persistent", "--undefinesource", "--copy-storage-all",
        GUEST, f"qemu+ssh://root@{target}/system", f"tcp://{hosts[target]['migration_address']}",
    ).wall_s  # fmt: skip


def taken(host: str, path: str = IMAGE) -> int:
    """What an image takes, bytes."""
    return 512 * int(on(host, f"stat -c %b {path}"))


def sent(host: str) -> int:
    """By all its cards."""
    return sum(int(word) for word in on(host, "cat /sys/class/net/[!l]*/statistics/tx_bytes").split())


def job_figures(target: str) -> tuple[float, int]:
    """Seconds, and bytes of memory, of the migration that has just ended there, as libvirt counts them."""
    units = {"B": 1, "KiB": 1 << 10, "MiB": MIB, "GiB": GIB}
    lines = on(target, f"virsh domjobinfo --completed {GUEST}").splitlines()
    told = {name: words.split() for name, _, words in (line.partition(":") for line in lines) if words}
    number, unit = told["Memory processed"][:2]
    return float(told["Time elapsed"][0]) / 1000, int(float(number) * units[unit])


Cell = tuple[str, str, str, str]
"""Format, fill, source, target."""


def measured(
    config: Path, rounds: int, form: str, fill: str, hosts: tuple[str, str]
) -> dict[Cell, dict[str, list[Sample]]]:
    """The guest goes forth and back between the two, each way by the one and by the other."""
    there, back = hosts, hosts[::-1]
    found: dict[Cell, dict[str, list[Sample]]] = {}
    with guest(form, FILLS[fill], hosts[0]):
        for number in range(rounds):
            for mover in (
                ("virsh", "vmferry", "vmferry", "virsh") if number % 2 else ("vmferry", "virsh", "virsh", "vmferry")
            ):
                way = there if sum(len(each) for cell in found.values() for each in cell.values()) % 2 == 0 else back
                cell = found.setdefault((form, fill, *way), {"virsh": [], "vmferry": []})
                cell[mover].append(sample(mover, config, *way))
        errors = page().errors
    print(f"{form} {fill} {hosts}: {errors} errors", file=sys.stderr)
    if errors:
        raise RuntimeError(f"the guest found {errors} errors in its memory and disk")
    return found


def table(cells: dict[Cell, dict[str, list[Sample]]], releases: dict[str, str]) -> Iterator[str]:
    yield (
        "| libvirt | format, data | virsh, s | vmferry, s | ratio | of libvirt's own time "
        "| on the wire / allocated: virsh | vmferry | allocated on target / source: virsh | vmferry |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for (form, fill, source, target), by in cells.items():
        theirs, ours = by["virsh"], by["vmferry"]
        times = [[each.whole_s for each in samples] for samples in (theirs, ours)]
        ratio = statistics.median(times[1]) / statistics.median(times[0])
        jobs = [statistics.median(each.job_s for each in samples) for samples in (theirs, ours)]
        wire = [statistics.median(each.sent_bytes / each.had_bytes for each in samples) for samples in (theirs, ours)]
        disk = [statistics.median(each.takes_bytes / each.had_bytes for each in samples) for samples in (theirs, ours)]
        yield (
            f"| {releases[source]} to {releases[target]} | {form}, {fill} | {spread(times[0])} | {spread(times[1])} "
            f"| {ratio:.2f} | {jobs[1] / jobs[0]:.2f} | {wire[0]:.2f} | {wire[1]:.2f} | {disk[0]:.2f} | {disk[1]:.2f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2, help="of four migrations for each disk and pair of hosts")
    options = parser.parse_args()
    cells: dict[Cell, dict[str, list[Sample]]] = {}
    with lab() as config:
        releases = {host: release(host) for host in ("h1", "h2", "h3")}
        for hosts in (("h1", "h2"), ("h3", "h1")):
            for form in ("qcow2", "raw"):
                for fill in FILLS:
                    cells |= measured(config, options.rounds, form, fill, hosts)
    print(f"{today()}; {machine()}; {options.rounds} rounds; disk of 2 GiB, guest of 192 MiB that writes to it.\n")
    print("\n".join(table(cells, releases)))


if __name__ == "__main__":
    main()
