"""Where the guest's memory and threads are bound to: the target has these nodes and CPUs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from vmferry.facts.compute import NumaCell
from vmferry.facts.guest import GuestFacts
from vmferry.facts.host import HostFacts
from vmferry.facts.move import MoveFacts
from vmferry.facts.needs import NodeNeed, Pin
from vmferry.model.finding import Finding
from vmferry.model.units import shown_numbers
from vmferry.rules.alike import by_shape
from vmferry.rules.registry import Voice, move_rule

MIB = 1 << 20


@move_rule(
    "memory.nodes",
    "the NUMA nodes that the guest's memory is bound to are on the target and have room",
    "libvirt: NUMA node ... is unavailable; QEMU: cannot bind memory to host NUMA nodes",
    alike=by_shape,
)
def memory_nodes(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    guest, target = move.guest, move.target.host
    for nodes, needs in _by_nodes(guest.needs.nodes).items():
        required = f"node {shown_numbers(nodes)} with room for {sum(each.need_bytes for each in needs) // MIB} MiB"
        if not target.cells:
            yield say.unknown(target.name, "its nodes are not known", required, "virsh capabilities, on the target")
        else:
            yield _judge_nodes(guest, target, target.cells, nodes, needs, required, say)


def _by_nodes(needs: tuple[NodeNeed, ...]) -> dict[frozenset[int], list[NodeNeed]]:
    found: dict[frozenset[int], list[NodeNeed]] = defaultdict(list)
    for need in needs:
        found[need.nodes].append(need)
    return found


def _judge_nodes(
    guest: GuestFacts,
    target: HostFacts,
    cells: tuple[NumaCell, ...],
    nodes: frozenset[int],
    needs: list[NodeNeed],
    required: str,
    say: Voice,
) -> Finding:
    need_bytes = sum(each.need_bytes for each in needs)
    roomy = [cell for cell in cells if cell.free_bytes is None or cell.free_bytes >= need_bytes] or list(cells)
    remedy = (
        f"bind it to node {roomy[0].id} in a definition of its own for {target.name} (--xml FILE, <numatune>), "
        f"or take the binding out: virsh edit {guest.guest.name}, then shut it down and start it"
    )
    missing = nodes - {cell.id for cell in cells}
    if missing:
        have = shown_numbers(frozenset(cell.id for cell in cells))
        return say.refuse(target.name, f"it has node {have}, not {shown_numbers(missing)}", required, remedy)
    free = [cell.free_bytes for cell in cells if cell.id in nodes]
    strict = any(need.mode in ("strict", "restrictive") for need in needs) and not guest.needs.pages
    if strict and None not in free and sum(each or 0 for each in free) < need_bytes:
        observed = f"{sum(each or 0 for each in free) // MIB} MiB free on node {shown_numbers(nodes)}"
        return say.refuse(target.name, observed, required, remedy)
    return say.ok(target.name, f"node {shown_numbers(nodes)} is there", required)


@move_rule(
    "cpu.pinning",
    "the CPUs that the guest's threads are pinned to are on the target",
    "libvirt: cannot set CPU affinity on process; Unable to write to '.../cpuset.cpus'",
    alike=by_shape,
)
def pinning(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    guest, target = move.guest, move.target.host
    pins = guest.needs.pins
    if not pins:
        return
    wanted = frozenset[int]().union(*(pin.cpus for pin in pins))
    required = f"CPU {shown_numbers(wanted)}"
    have = _cpus(target)
    if have is None:
        yield say.unknown(target.name, "its CPUs are not known", required, "virsh capabilities, on the target")
    elif wanted <= have:
        yield say.ok(target.name, f"it has CPU {shown_numbers(have)}", required)
    else:
        observed = f"it has CPU {shown_numbers(have)}, not {shown_numbers(wanted - have)}"
        remedy = "; ".join(_remapped(guest, pin, have) for pin in pins if not pin.cpus <= have)
        yield say.refuse(target.name, observed, required, remedy)


def _cpus(host: HostFacts) -> frozenset[int] | None:
    numbers = frozenset(cpu for cell in host.cells or () for cpu in cell.cpus)
    return numbers or (frozenset(range(host.cpus)) if host.cpus is not None else None)


def _remapped(guest: GuestFacts, pin: Pin, have: frozenset[int]) -> str:
    """A command for a binding that both hosts have; without one, the thread may go anywhere."""
    cpus = shown_numbers(pin.cpus & have or have)
    kind, _, index = pin.what.partition(" ")
    name, persistent = guest.guest.name, "--config " if guest.guest.persistent else ""
    if kind == "vcpu":
        return f"on {guest.guest.host}: virsh vcpupin {name} {index} {cpus} --live {persistent}".rstrip()
    if kind == "emulator":
        return f"on {guest.guest.host}: virsh emulatorpin {name} {cpus} --live {persistent}".rstrip()
    if kind == "iothread":
        return f"on {guest.guest.host}: virsh iothreadpin {name} {index} {cpus} --live {persistent}".rstrip()
    return f"in a definition of its own for the target (--xml FILE), {pin.what}: cpuset='{cpus}'"
