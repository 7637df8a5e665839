"""The target's QEMU and libvirt know the guest, and guests may move between the releases of the two hosts."""

from __future__ import annotations

from collections.abc import Iterator

from vmferry.facts.guest import GuestFacts
from vmferry.facts.host import HostFacts
from vmferry.facts.move import MoveFacts, PairFacts
from vmferry.model.finding import Finding, Severity
from vmferry.rules.alike import by_shape, by_systems
from vmferry.rules.registry import Voice, move_rule, pair_rule
from vmferry.rules.releases import is_early, named, rhel, row

MOST_NAMED = 5
"""Hosts in one remedy."""


@move_rule(
    "version.machine-type",
    "the target's QEMU has the guest's machine type",
    "libvirt: Emulator '...' does not support machine type '...'",
    alike=by_shape,
)
def machine_type(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    guest, target = move.guest, move.target.host
    required = f"{guest.machine} for {guest.virt_type} on {guest.arch}"
    fitting = [each for each in target.support if (each.virt_type, each.arch) == (guest.virt_type, guest.arch)]
    if not target.support:
        yield say.unknown(target.name, "no capabilities given", required, "virsh capabilities, on the target")
    elif not fitting:
        have = ", ".join(sorted({f"{each.virt_type}/{each.arch}" for each in target.support}))
        remedy = f"choose a target that runs {guest.virt_type} guests of {guest.arch}{_others(move)}"
        yield say.refuse(target.name, f"it runs {have}", required, remedy)
    elif _has_machine(target, guest):
        yield say.ok(target.name, f"QEMU {target.qemu or '?'} has it", required)
    else:
        older = f"a target with a QEMU not older than {move.source.name}'s ({move.source.qemu or '?'})"
        observed = f"QEMU {target.qemu or '?'} has no {guest.machine}"
        yield say.refuse(target.name, observed, required, f"{older}{_others(move)}")


def _has_machine(host: HostFacts, guest: GuestFacts) -> bool:
    wanted = (guest.virt_type, guest.arch)
    return any((each.virt_type, each.arch) == wanted and guest.machine in each.machines for each in host.support)


def _others(move: MoveFacts) -> str:
    """The hosts of the fleet that would do."""
    here = (move.source.name, move.target.host.name)
    fit = [host.name for host in move.fleet if host.name not in here and _has_machine(host, move.guest)]
    return f"; {', '.join(fit[:MOST_NAMED])} would do" if fit else ""


def _numbers(version: str | None) -> tuple[int, ...] | None:
    return tuple(map(int, version.split("."))) if version and version.replace(".", "").isdigit() else None


@pair_rule(
    "version.compatibility",
    "guests may move between the releases of the two hosts",
    "guide 15.2, Table 15.1: Live Migration Compatibility",
    alike=by_systems,
)
def compatibility(pair: PairFacts, say: Voice) -> Iterator[Finding]:
    """Two releases of RHEL or its clones by Red Hat's table; others, and what it does not list, by QEMU's version."""
    source, target = rhel(pair.source.system), rhel(pair.target.system)
    found = row(source, target) if source is not None and target is not None else None
    if source is None or target is None or found is None:
        yield from _by_qemu(pair, say)
        return
    required = f"a move that Red Hat supports ({found.note})"
    observed = f"{named(source)} to {named(target)}"
    remedy = f"a target of {named((source[0], None))}, or shut the guest down and start it on {pair.target.name}"
    if not found.supported:
        yield say.refuse(pair.target.name, f"{observed} is not supported", required, remedy)
    elif is_early(found, source):
        first = named((source[0], found.from_minor))
        yield say.refuse(pair.target.name, f"{observed} is supported from {first} on", required, remedy)
    else:
        yield say.ok(pair.target.name, f"{observed} is supported", required)


def _by_qemu(pair: PairFacts, say: Voice) -> Iterator[Finding]:
    """Whether the guest's machine exists on an older one is a rule of its own."""
    source, target = pair.source, pair.target
    required = f"a QEMU not older than {source.name}'s ({source.qemu or '?'})"
    here, there = _numbers(source.qemu), _numbers(target.qemu)
    if here is None or there is None:
        blind = source.name if here is None else target.name
        yield say.unknown(target.name, f"the QEMU of {blind} is not known", required, "virsh version, on both hosts")
    elif there[:2] < here[:2]:
        remedy = f"upgrade QEMU on {target.name}, or choose a target with a later one"
        observed = f"QEMU {target.qemu}: a move backward, which works where nothing of the guest is newer than that"
        yield say.warn(target.name, observed, required, remedy)
    else:
        yield say.ok(target.name, f"QEMU {target.qemu}", required)


@pair_rule(
    "version.libvirt",
    "the target's libvirt knows what the source's writes into a definition",
    "libvirt: XML error, unsupported configuration of what an older one does not know",
    severity=Severity.WARN,
    alike=by_systems,
)
def libvirt_version(pair: PairFacts, say: Voice) -> Iterator[Finding]:
    source, target = pair.source, pair.target
    here, there = _numbers(source.libvirt), _numbers(target.libvirt)
    if here is None or there is None:
        return
    required = f"a libvirt not older than {source.name}'s ({source.libvirt})"
    if there[:2] < here[:2]:
        remedy = f"upgrade libvirt on {target.name}, or choose a target with a later one"
        yield say.warn(target.name, f"libvirt {target.libvirt}", required, remedy)
    else:
        yield say.ok(target.name, f"libvirt {target.libvirt}", required)


@pair_rule(
    "version.same-release",
    "both hosts are of the same release",
    "guide 15.5: the same release on both, which is stricter than its Table 15.1",
    severity=Severity.INFO,
    alike=by_systems,
)
def same_release(pair: PairFacts, say: Voice) -> Iterator[Finding]:
    """For information: the table is what counts."""
    source, target = pair.source, pair.target
    if source.system is None or target.system is None:
        return
    required = "one release on both, as chapter 15.5 has it"
    here, there = (f"{each.os_id} {each.os_version}" for each in (source.system, target.system))
    if here == there:
        yield say.ok(target.name, f"{there} on both", required)
    else:
        yield say.note(
            target.name, f"{source.name} has {here}, {target.name} {there}", required, "none: the table counts"
        )


GONE_IN_7 = {
    "es1370": "the sound card ac97",
    "pcnet": "the network card virtio",
    "ne2k_pci": "the network card virtio",
}
"""Devices that QEMU of RHEL 7 and later is built without, and what to give the guest instead."""


@move_rule(
    "version.removed-devices",
    "the target's QEMU still has the guest's devices",
    "RHEL 6 guide: es1370, pcnet and ne2k_pci are gone in RHEL 7",
    alike=by_shape,
)
def removed_devices(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    target = rhel(move.target.host.system)
    if target is None or target[0] < 7:
        return
    required = f"no device that {named((target[0], None))} is without"
    gone = _old_models(move.guest)
    for model in gone:
        remedy = f"virsh edit {move.guest.guest.name}: give it {GONE_IN_7[model]}; shut it down and start it again"
        yield say.refuse(move.guest.guest.name, f"{model} is gone there", required, remedy)
    if not gone:
        yield say.ok(move.guest.guest.name, "it has none", required)


def _old_models(guest: GuestFacts) -> tuple[str, ...]:
    models = (*(nic.model or "" for nic in guest.guest.nics), *guest.sounds)
    return tuple(sorted({model for model in models if model in GONE_IN_7}))
