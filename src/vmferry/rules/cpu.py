"""Libvirt decides whether the target can run the guest's CPU."""

from __future__ import annotations

from collections.abc import Iterator

from vmferry.facts.guest import CpuMatch
from vmferry.facts.host import HostCpu
from vmferry.facts.move import MoveFacts
from vmferry.model.finding import Finding
from vmferry.rules.registry import Voice, move_rule

HOSTS_OWN = ("host-passthrough", "maximum")
"""Modes that give the guest whatever its host has. Libvirt's comparison passes them on every host."""


@move_rule(
    "cpu.compatible",
    "the target can run the guest's CPU",
    "libvirt: guest CPU doesn't match specification: missing features: ...",
)
def cpu_compatible(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    target = move.target
    required = "libvirt's comparison on the target says identical or superset"
    if target.cpu is CpuMatch.UNKNOWN:
        observed = target.cpu_detail or "the target gave no verdict"
        remedy = "virsh hypervisor-cpu-compare with the guest's <cpu>, on the target"
        yield say.unknown(target.host.name, observed, required, remedy)
    elif target.cpu is CpuMatch.INCOMPATIBLE:
        remedy = "a target with these features, or a CPU model in the guest that all hosts have (virsh cpu-baseline)"
        yield say.refuse(target.host.name, target.cpu_detail or "libvirt says incompatible", required, remedy)
    elif move.guest.cpu_mode in HOSTS_OWN:
        yield _hosts_own(move, say)
    else:
        yield say.ok(target.host.name, f"libvirt says {target.cpu}", required)


def _hosts_own(move: MoveFacts, say: Voice) -> Finding:
    here, there = move.source.cpu, move.target.host.cpu
    source, target = move.source.name, move.target.host.name
    required = f"the CPU of {target} is that of {source}: the guest's mode is {move.guest.cpu_mode}"
    remedy = "give the guest a CPU model that both hosts have (virsh hypervisor-cpu-baseline) and start it anew"
    if here is None or there is None:
        blind = source if here is None else target
        return say.unknown(target, f"libvirt on {blind} does not name its CPU", required, remedy)
    if here != there:
        return say.unknown(target, _difference(source, here, target, there), required, remedy)
    return say.ok(target, f"{there.name} on both", required)


def _difference(source: str, here: HostCpu, target: str, there: HostCpu) -> str:
    if here.name != there.name:
        return f"{source} has {here.name}, {target} has {there.name}"
    only = ((source, here.features - there.features), (target, there.features - here.features))
    return "; ".join(f"only {host} has {', '.join(sorted(features))}" for host, features in only if features)
