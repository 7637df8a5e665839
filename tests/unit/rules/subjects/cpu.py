"""Cases of the rules of cpu."""

from __future__ import annotations

from dataclasses import replace

from vmferry.facts.compute import DomainSupport
from vmferry.facts.guest import CpuMatch
from vmferry.facts.host import HostCpu, HostFacts, MachineSupport
from vmferry.facts.move import MoveFacts
from vmferry.facts.needs import CpuNeed, Needs

from ..cases import (
    CPU,
    OK,
    PASSING,
    REFUSE,
    UNKNOWN,
    WARN,
    Cases,
    with_cpu,
    with_facts,
    with_host_passthrough,
    with_target,
)
from ..passing_system import with_system

OTHER_CPU, LESS_CPU = HostCpu("x86_64 AMD EPYC", CPU.features), replace(CPU, features=frozenset({"vmx"}))
SIGNED = replace(CPU, signature="6/94/3", microcode=0xF0, tsc_hz=2_400_000_000)
RENAMED = replace(SIGNED, name="x86_64 Intel Skylake-Client-IBRS")
GHZ = 1_000_000_000


def given(host: HostFacts, *features: str) -> HostFacts:
    """The host with all the features that a guest can have there."""
    return replace(host, domains=(DomainSupport("kvm", "x86_64", features=frozenset(features)),))


def incompatible(detail: str, *fleet: HostFacts, there: tuple[str, ...] = ("sse2",)) -> MoveFacts:
    """The guest has sse2 and avx2; libvirt says no of the target, which has these."""
    move = replace(with_facts(cpu_features=frozenset({"sse2", "avx2"})), fleet=fleet)
    target = replace(move.target, cpu=CpuMatch.INCOMPATIBLE, cpu_detail=detail, host=given(move.target.host, *there))
    return replace(move, target=target)


def passed(here: HostFacts, there: HostFacts) -> MoveFacts:
    move = with_facts(cpu_mode="host-passthrough")
    return replace(move, source=here, target=replace(move.target, host=there))


def tsc(need: CpuNeed, here: HostCpu | None = CPU, there: HostCpu | None = SIGNED) -> MoveFacts:
    move = with_facts(needs=Needs(cpu=need))
    target = replace(move.target, host=replace(move.target.host, cpu=there))
    return replace(move, source=replace(move.source, cpu=here), target=target)


def support(*kinds: tuple[str, str]) -> tuple[MachineSupport, ...]:
    return tuple(MachineSupport(kind, arch, "", frozenset({"pc-q35-7.2"})) for kind, arch in kinds)


H1, H2 = PASSING.source, PASSING.target.host
NO_KVM = support(("qemu", "x86_64"))
INVTSC, UNCHECKED = frozenset({"invtsc"}), CpuNeed(mode="host-passthrough", unchecked=True)
AT_2_4_GHZ = CpuNeed(mode="custom", required=INVTSC, tsc_hz=2_400_000_000)

CASES: Cases = {
    "cpu.compatible": [
        ("superset", PASSING, OK, "superset"),
        ("identical", with_cpu(CpuMatch.IDENTICAL), OK, "identical"),
        ("no CPU named", with_facts(cpu_xml=None), OK, "pc-q35-7.2's own"),
        ("features missing", with_cpu(CpuMatch.INCOMPATIBLE, "missing features: avx2"), REFUSE, "avx2"),
        ("libvirt's own list", incompatible("missing features: vmx-a,vmx-b"), REFUSE, "features: vmx-a, vmx-b"),
        ("no list, but both are known", incompatible("it says no"), REFUSE, "missing features: avx2"),
        ("nothing known", incompatible("it says no", there=("sse2", "avx2")), REFUSE, "it says no"),
        ("no words at all", with_cpu(CpuMatch.INCOMPATIBLE), REFUSE, "libvirt says incompatible"),
        ("passed through, one CPU", with_host_passthrough(CPU, CPU), OK, "Skylake-Client on both"),
        ("passed through, two models", with_host_passthrough(CPU, OTHER_CPU), UNKNOWN, "h2 has x86_64 AMD EPYC"),
        ("passed through, one feature less", with_host_passthrough(CPU, LESS_CPU), UNKNOWN, "only h1 has invtsc"),
        ("passed through, not named", with_host_passthrough(CPU, None), UNKNOWN, "h2 does not name its CPU"),
        ("passed through, named otherwise", with_host_passthrough(SIGNED, RENAMED), OK, "Skylake-Client-IBRS on both"),
        (
            "passed through, another stepping",
            with_host_passthrough(SIGNED, replace(SIGNED, signature="6/94/4")),
            UNKNOWN,
            "h2 has x86_64 Intel Skylake-Client (6/94/4)",
        ),
        (
            "passed through, other microcode",
            with_host_passthrough(SIGNED, replace(SIGNED, microcode=0xF2)),
            WARN,
            "microcode 0xf0 on h1, 0xf2 on h2",
        ),
        (
            "passed through, another frequency",
            with_host_passthrough(SIGNED, replace(SIGNED, tsc_hz=3 * GHZ)),
            WARN,
            "2400000000 Hz on h1, 3000000000 Hz on h2",
        ),
        (
            "passed through, a frequency that scales",
            with_host_passthrough(SIGNED, replace(SIGNED, tsc_hz=3 * GHZ, tsc_scaling=True)),
            OK,
            "on both",
        ),
        (
            "passed through, all of it different",
            with_host_passthrough(SIGNED, replace(SIGNED, features=frozenset({"vmx"}), tsc_hz=3 * GHZ)),
            UNKNOWN,
            "only h1 has invtsc; time stamp counter at",
        ),
        ("passed through, all features told", passed(given(H1, "a", "b"), given(H2, "a")), UNKNOWN, "only h1 has b"),
        ("passed through, those of one told", passed(given(H1, "a", "b"), H2), OK, "on both"),
        ("no verdict", with_cpu(CpuMatch.UNKNOWN), UNKNOWN, "no verdict"),
    ],
    "cpu.tsc": [
        ("the same", tsc(AT_2_4_GHZ), OK, "2400000000 Hz"),
        ("near", tsc(AT_2_4_GHZ, there=replace(SIGNED, tsc_hz=2_400_600_000)), OK, "2400600000 Hz"),
        ("too far", tsc(AT_2_4_GHZ, there=replace(SIGNED, tsc_hz=2_400_600_001)), REFUSE, "cannot be scaled"),
        ("far, but scaled", tsc(AT_2_4_GHZ, there=replace(SIGNED, tsc_hz=GHZ, tsc_scaling=True)), OK, "be scaled"),
        ("not told", tsc(AT_2_4_GHZ, there=CPU), UNKNOWN, "does not tell its counter's frequency"),
        ("no CPU told", tsc(AT_2_4_GHZ, there=None), UNKNOWN, "does not tell its counter's frequency"),
        ("no frequency given", tsc(CpuNeed(required=INVTSC)), REFUSE, "invtsc without a frequency"),
        ("the host's own with all of it", tsc(UNCHECKED), REFUSE, "invtsc without a frequency"),
    ],
    "cpu.kvm": [
        ("there", PASSING, OK, "it has KVM"),
        ("emulation only", with_target(support=NO_KVM, system=None), REFUSE, "offers no KVM"),
        ("no device", with_system(with_target(support=NO_KVM), kvm=False), REFUSE, "offers no KVM"),
        ("a device that libvirt has not seen", with_target(support=NO_KVM), REFUSE, "libvirt has not seen it"),
        (
            "another processor",
            with_target(support=support(("qemu", "x86_64"), ("kvm", "aarch64"))),
            REFUSE,
            "its KVM runs aarch64 only",
        ),
    ],
    "cpu.hyperv": [
        ("listed", with_facts(needs=Needs(cpu=CpuNeed(hyperv_mode="custom"))), OK, "mode='custom'"),
        ("passed through", with_facts(needs=Needs(cpu=CpuNeed(hyperv_mode="passthrough"))), REFUSE, "passthrough"),
    ],
}
