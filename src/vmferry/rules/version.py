"""The target's QEMU knows the guest's machine."""

from __future__ import annotations

from collections.abc import Iterator

from vmferry.facts.move import MoveFacts
from vmferry.model.finding import Finding
from vmferry.rules.registry import Voice, move_rule


@move_rule(
    "version.machine-type",
    "the target's QEMU has the guest's machine type",
    "libvirt: Emulator '...' does not support machine type '...'",
)
def machine_type(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    guest, target = move.guest, move.target.host
    required = f"{guest.machine} for {guest.virt_type} on {guest.arch}"
    fitting = [s for s in target.support if (s.virt_type, s.arch) == (guest.virt_type, guest.arch)]
    if not target.support:
        yield say.unknown(target.name, "no capabilities given", required, "virsh capabilities, on the target")
    elif not fitting:
        have = ", ".join(sorted({f"{s.virt_type}/{s.arch}" for s in target.support}))
        remedy = f"choose a target that runs {guest.virt_type} guests of {guest.arch}"
        yield say.refuse(target.name, f"it runs {have}", required, remedy)
    elif any(guest.machine in s.machines for s in fitting):
        yield say.ok(target.name, f"QEMU {target.qemu or '?'} has it", required)
    else:
        remedy = f"a target with a QEMU not older than {move.source.name}'s ({move.source.qemu or '?'})"
        yield say.refuse(target.name, f"QEMU {target.qemu or '?'} has no {guest.machine}", required, remedy)
