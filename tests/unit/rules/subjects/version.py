"""Cases of the rules of version."""

from __future__ import annotations

from dataclasses import replace

from vmferry.facts.host import MachineSupport
from vmferry.facts.move import MoveFacts
from vmferry.model.guest import Nic

from ..cases import (
    FACTS,
    OK,
    PASSING,
    REFUSE,
    UNKNOWN,
    WARN,
    Cases,
    with_facts,
    with_guest,
    with_target,
)
from ..passing_system import with_system


def arm_only() -> tuple[MachineSupport, ...]:
    return (MachineSupport("kvm", "aarch64", "/usr/bin/qemu-system-aarch64", frozenset({"virt-9.0"})),)


def with_nic(model: str) -> MoveFacts:
    return with_guest(nics=(Nic("52:54:00:00:00:01", "network", "lab", model),))


def release(here: str, there: str, os_id: str = "rhel") -> MoveFacts:
    return with_system(with_system(PASSING, "source", os_id=os_id, os_version=here), os_id=os_id, os_version=there)


WITH_IT = (MachineSupport("kvm", "x86_64", "", frozenset({"pc-q35-11.0"})),)
NEWER = replace(PASSING.target.host, name="h3", support=WITH_IT)

CASES: Cases = {
    "version.machine-type": [
        ("there", PASSING, OK, "QEMU 10.0.2 has it"),
        ("unknown to it", with_facts(machine="pc-q35-11.0"), REFUSE, "no pc-q35-11.0"),
        ("others have it", replace(with_facts(machine="pc-q35-11.0"), fleet=(NEWER,)), REFUSE, "no pc-q35-11.0"),
        ("another architecture", with_target(support=arm_only()), REFUSE, "kvm/aarch64"),
        ("nothing given", with_target(support=()), UNKNOWN, "no capabilities"),
    ],
    "version.compatibility": [
        ("the same", PASSING, OK, "QEMU 10.0.2"),
        ("a later QEMU", with_target(qemu="11.0.0"), OK, "QEMU 11.0.0"),
        ("an older QEMU", with_target(qemu="7.2.19"), WARN, "a move backward"),
        ("an older patch", with_target(qemu="10.0.1"), OK, "QEMU 10.0.1"),
        ("no QEMU given", with_target(qemu=None), UNKNOWN, "the QEMU of h2"),
        ("6.5 to 7", release("6.5", "7.0"), OK, "RHEL 6.5 to RHEL 7.0 is supported"),
        ("6.9 to 7.9", release("6.9", "7.9.2009"), OK, "RHEL 6.9 to RHEL 7.9 is supported"),
        ("6.4 to 7", release("6.4", "7.0"), REFUSE, "supported from RHEL 6.5 on"),
        ("7 to 6", release("7.0", "6.10"), REFUSE, "RHEL 7.0 to RHEL 6.10 is not supported"),
        ("7.1 to 7.2", release("7.1", "7.2"), OK, "is supported"),
        ("7.2 to 7.1", release("7.2", "7.1"), OK, "is supported"),
        ("6.10 to 6.9", release("6.10", "6.9"), OK, "is supported"),
        ("5 to 6", release("5.11", "6.0"), REFUSE, "not supported"),
        ("6 to 5", release("6.0", "5.11"), REFUSE, "not supported"),
        ("5.3 to 5.8", release("5.3", "5.8"), REFUSE, "from RHEL 5.4 on"),
        ("5.8 to 5.3", release("5.8", "5.3"), OK, "is supported"),
        ("a clone without a minor", release("7", "6.9", "centos"), REFUSE, "RHEL 7 to RHEL 6.9"),
        ("7 to 8 is not listed", release("7.9", "8.4"), OK, "QEMU 10.0.2"),
        ("no relative's number", release("7", "6", "amzn"), OK, "QEMU 10.0.2"),
    ],
    "version.libvirt": [
        ("the same", PASSING, OK, "libvirt 11.3.0"),
        ("an older one", with_target(libvirt="9.0.0"), WARN, "libvirt 9.0.0"),
    ],
    "version.same-release": [
        ("the same", PASSING, OK, "rhel 8.4 on both"),
        ("another", release("7.8", "7.9"), OK, "h1 has rhel 7.8, h2 rhel 7.9"),
    ],
    "version.removed-devices": [
        ("none", PASSING, OK, "it has none"),
        ("a sound card", replace(release("6.9", "7.9"), guest=replace(FACTS, sounds=("es1370",))), REFUSE, "es1370"),
        ("a network card", with_nic("pcnet"), REFUSE, "pcnet"),
    ],
}
