"""Cases of the rules of version."""

from __future__ import annotations

from vmferry.facts.host import MachineSupport

from ..cases import (
    OK,
    PASSING,
    REFUSE,
    UNKNOWN,
    Cases,
    with_facts,
    with_target,
)


def arm_only() -> tuple[MachineSupport, ...]:
    return (MachineSupport("kvm", "aarch64", "/usr/bin/qemu-system-aarch64", frozenset({"virt-9.0"})),)


CASES: Cases = {
    "version.machine-type": [
        ("there", PASSING, OK, "QEMU 10.0.2 has it"),
        ("unknown to it", with_facts(machine="pc-q35-11.0"), REFUSE, "no pc-q35-11.0"),
        ("another architecture", with_target(support=arm_only()), REFUSE, "kvm/aarch64"),
        ("nothing given", with_target(support=()), UNKNOWN, "no capabilities"),
    ],
}
