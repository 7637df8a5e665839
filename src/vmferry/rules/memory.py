"""The target has room for the guest's memory."""

from __future__ import annotations

from collections.abc import Iterator

from vmferry.facts.move import MoveFacts
from vmferry.model.finding import Finding
from vmferry.rules.registry import Voice, move_rule

MIB = 1 << 20

QEMU_OVERHEAD_BYTES = 64 * MIB
"""What a small QEMU takes beside the guest's memory (measured: 45 to 60 MiB with virtio devices only)."""


@move_rule(
    "memory.free",
    "the target has free memory for the guest",
    "QEMU: cannot set up guest memory 'pc.ram': Cannot allocate memory",
)
def memory_free(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    target = move.target.host
    needed_bytes = move.guest.guest.memory_bytes + QEMU_OVERHEAD_BYTES
    required = f"{needed_bytes // MIB} MiB free"
    if target.memory_free_bytes is None:
        yield say.unknown(target.name, "its free memory is not known", required, "virsh nodememstats, on the target")
    elif target.memory_free_bytes < needed_bytes:
        short = (needed_bytes - target.memory_free_bytes) // MIB
        remedy = f"free {short} MiB on {target.name}, or choose another target"
        yield say.refuse(target.name, f"{target.memory_free_bytes // MIB} MiB free", required, remedy)
    else:
        yield say.ok(target.name, f"{target.memory_free_bytes // MIB} MiB free", required)
