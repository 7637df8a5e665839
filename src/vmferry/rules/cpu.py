"""Libvirt decides whether the target can run the guest's CPU."""

from __future__ import annotations

from collections.abc import Iterator

from vmferry.facts.guest import CpuMatch, MoveFacts
from vmferry.model.finding import Finding
from vmferry.rules.registry import Voice, rule


@rule(
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
    else:
        yield say.ok(target.host.name, f"libvirt says {target.cpu}", required)
