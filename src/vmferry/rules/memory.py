"""The target has the memory that the guest needs: enough of it, and of the right pages."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from vmferry.facts.compute import HugePages
from vmferry.facts.guest import GuestFacts
from vmferry.facts.host import HostFacts
from vmferry.facts.move import MoveFacts
from vmferry.facts.storage import Mount
from vmferry.model.finding import Finding
from vmferry.model.units import shown_numbers
from vmferry.rules.alike import by_shape
from vmferry.rules.registry import Voice, move_rule

MIB = 1 << 20

QEMU_OVERHEAD_BYTES = 64 * MIB
"""What a small QEMU takes beside the guest's memory (measured: 45 to 60 MiB with virtio devices only)."""

_PAGE_SIZE = re.compile(r"pagesize=(\d+)([KMG]?)")
_SHIFTS = {"": 0, "K": 10, "M": 20, "G": 30}


@move_rule(
    "memory.free",
    "the target has free memory for the guest",
    "QEMU: cannot set up guest memory 'pc.ram': Cannot allocate memory",
    key=lambda move: (move.guest.guest.memory_bytes, _in_huge_pages(move.guest)),
)
def memory_free(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    target = move.target.host
    needed_bytes = max(0, move.guest.guest.memory_bytes - _in_huge_pages(move.guest)) + QEMU_OVERHEAD_BYTES
    required = f"{needed_bytes // MIB} MiB free"
    free_bytes = target.room_bytes
    if free_bytes is None:
        yield say.unknown(target.name, "its free memory is not known", required, "virsh nodememstats, on the target")
        return
    arriving = f" after {target.claimed_bytes // MIB} MiB for guests that are arriving" if target.claimed_bytes else ""
    observed = f"{max(0, free_bytes) // MIB} MiB free{arriving}"
    if free_bytes < needed_bytes:
        short = (needed_bytes - free_bytes) // MIB + 1
        remedy = f"free {short} MiB on {target.name}, or choose another target"
        yield say.refuse(target.name, observed, required, remedy)
    else:
        yield say.ok(target.name, observed, required)


def _in_huge_pages(guest: GuestFacts) -> int:
    return sum(page.need_bytes for page in guest.needs.pages)


@move_rule(
    "memory.hugepages",
    "the target has the huge pages that the guest's memory is made of",
    "libvirt: Unable to find any usable hugetlbfs mount for ... KiB; QEMU: unable to map backing store for guest RAM",
    alike=by_shape,
)
def hugepages(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    target = move.target.host
    for (size_bytes, nodes), need_bytes in _page_needs(move.guest, target).items():
        required = f"{-(-need_bytes // size_bytes)} free pages of {size_bytes >> 10} KiB"
        if target.cells is None:
            yield say.unknown(target.name, "its pages are not known", required, "virsh freepages --all, on the target")
            continue
        if nodes is not None:
            required += f" on node {shown_numbers(nodes)}"
        asked = [cell for cell in target.cells if nodes is None or cell.id in nodes]
        pages = [page for cell in asked for page in cell.pages if page.size_bytes == size_bytes]
        yield _judge_pages(target, pages, size_bytes, -(-need_bytes // size_bytes), required, say)


def _page_needs(guest: GuestFacts, target: HostFacts) -> dict[tuple[int, frozenset[int] | None], int]:
    """Bytes by size of the pages and the nodes that they are to be on."""
    needs: dict[tuple[int, frozenset[int] | None], int] = defaultdict(int)
    for need in guest.needs.pages:
        needs[need.size_bytes or _default_bytes(target), need.nodes] += need.need_bytes
    return needs


def _default_bytes(target: HostFacts) -> int:
    """The kernel's default is 2 MiB where the CPU has it, as on x86_64."""
    sizes = {page.size_bytes for cell in target.cells or () for page in cell.pages}
    return 2 * MIB if 2 * MIB in sizes else min(sizes, default=2 * MIB)


def _judge_pages(
    target: HostFacts, pages: list[HugePages], size_bytes: int, need: int, required: str, say: Voice
) -> Finding:
    size_kib = size_bytes >> 10
    make = f"on {target.name}: echo N > /sys/kernel/mm/hugepages/hugepages-{size_kib}kB/nr_hugepages"
    if not pages:
        remedy = "a target whose CPU has this size, or pages of another size in the guest (virsh edit, start anew)"
        return say.refuse(target.name, f"it has no pages of {size_kib} KiB", required, remedy)
    total = sum(page.total for page in pages)
    free = None if any(page.free is None for page in pages) else sum(page.free or 0 for page in pages)
    if not total:
        remedy = f"{make}, N at least {need}; then restart libvirtd there if it has seen none before"
        return say.refuse(target.name, f"no page of {size_kib} KiB is reserved", required, remedy)
    if not _mounted(target, size_bytes):
        remedy = f"on {target.name}: mount -t hugetlbfs -o pagesize={size_bytes} none DIRECTORY, then restart libvirtd"
        return say.refuse(target.name, f"no hugetlbfs of pages of {size_kib} KiB is mounted", required, remedy)
    if free is None:
        remedy = f"on {target.name}: virsh freepages --all"
        return say.unknown(target.name, f"{total} pages, how many are free is not known", required, remedy)
    if free < need:
        remedy = f"{make}, N at least {total + need - free}"
        return say.refuse(target.name, f"{free} of {total} pages are free", required, remedy)
    return say.ok(target.name, f"{free} of {total} pages are free", required)


def _mounted(target: HostFacts, size_bytes: int) -> bool:
    """Libvirt looks for a mount of each size. True also where the mounts are not known, or none says its size."""
    mounts = target.storage.mounts if target.storage is not None else None
    if mounts is None:
        return True
    found = [_page_bytes(mount) for mount in mounts if mount.kind == "hugetlbfs"]
    return size_bytes in found or None in found


def _page_bytes(mount: Mount) -> int | None:
    """As the kernel writes it: `pagesize=2M`."""
    sizes = (_PAGE_SIZE.fullmatch(option) for option in mount.options)
    return next((int(size[1]) << _SHIFTS[size[2]] for size in sizes if size is not None), None)
