"""Every rule, by a table of its cases: what is broken, and what it then says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vmferry.facts.guest import CpuMatch, DiskSight, MoveFacts
from vmferry.facts.host import HostCpu, MachineSupport, Network
from vmferry.model.finding import Severity, Verdict, verdict
from vmferry.model.guest import Disk, GuestState, Nic
from vmferry.rules import all_rules, judge

from .cases import (
    CPU,
    KNOWN_RUNNING,
    KNOWN_STALE,
    PASSING,
    SIGHT,
    with_cpu,
    with_facts,
    with_guest,
    with_host_passthrough,
    with_iso,
    with_sights,
    with_source,
    with_target,
)

OK, WARN, UNKNOWN, REFUSE = Severity.INFO, Severity.WARN, Severity.UNKNOWN, Severity.REFUSE
MIB = 1 << 20


def nic(kind: str, source: str | None) -> MoveFacts:
    return with_guest(nics=(Nic("52:54:00:00:00:01", kind, source),))


def arm_only() -> tuple[MachineSupport, ...]:
    return (MachineSupport("kvm", "aarch64", "/usr/bin/qemu-system-aarch64", frozenset({"virt-9.0"})),)


OTHER_CPU, LESS_CPU = HostCpu("x86_64 AMD EPYC", CPU.features), replace(CPU, features=frozenset({"vmx"}))
LOCAL = DiskSight("vda", True, None, "ext4 inode 9 of 512 bytes", "", False)
DISK_BY_WWN = DiskSight("vda", True, None, "0x5000c500a1b2c3d4")
AT_HOME = replace(SIGHT, where=None, problem="nbd://localhost/x is another server on every host")
ABSENT = DiskSight("vda", False, "no such file")

CASES: dict[str, list[tuple[str, MoveFacts, Severity, str]]] = {
    "daemon.running": [
        ("both answer", PASSING, OK, "libvirt 11.3.0 answers"),
        ("the target is silent", with_target(problem="no answer within 5 s"), REFUSE, "no answer within 5 s"),
        ("the source is silent", with_source(problem="connection refused"), REFUSE, "connection refused"),
    ],
    "daemon.config.host_uuid": [
        ("they differ", PASSING, OK, "they differ"),
        ("cloned hosts", with_target(host_uuid=PASSING.source.host_uuid), REFUSE, "both have"),
        ("none given", with_target(host_uuid=None), UNKNOWN, "no host UUID"),
    ],
    "guest.running": [
        ("running", PASSING, OK, "it runs"),
        ("waiting for a resource", with_guest(state=GuestState.BLOCKED), OK, "it runs"),
        ("paused", with_guest(state=GuestState.PAUSED), WARN, "paused"),
        ("shut off", with_guest(state=GuestState.SHUT_OFF), REFUSE, "shut-off"),
        ("libvirt does not know", with_guest(state=GuestState.UNKNOWN), REFUSE, "unknown"),
    ],
    "daemon.peer-uri": [
        ("another machine", PASSING, OK, "qemu+ssh://root@h2/system"),
        ("local", with_target(peer_uri="qemu:///system"), REFUSE, "is h1 itself"),
        ("a local socket", with_target(peer_uri="qemu+unix:///system?socket=/run/x"), REFUSE, "is h1 itself"),
        ("this machine by ssh", with_target(peer_uri="qemu+ssh://root@localhost/system"), REFUSE, "is h1 itself"),
        ("a wrapper of this machine", with_target(peer_uri="qemu+ssh://h2/system?command=/x"), WARN, "command="),
        ("a key of this machine", with_target(peer_uri="qemu+ssh://h2/system?keyfile=/k"), WARN, "looked for on h1"),
        ("other parameters", with_target(peer_uri="qemu+ssh://h2/system?no_verify=1"), OK, "no_verify=1"),
        ("not known", with_target(peer_uri=None), UNKNOWN, "not known"),
    ],
    "guest.no-job": [
        ("none", PASSING, OK, "no job runs"),
        ("it is being saved", with_facts(job="save"), REFUSE, "its save runs"),
        ("it is under way", with_facts(job="outgoing migration"), REFUSE, "its outgoing migration runs"),
    ],
    "guest.identity": [
        ("both free", PASSING, OK, "both are free"),
        ("the name is taken", with_target(guests=(KNOWN_RUNNING,)), REFUSE, "running guest web"),
        ("the UUID is taken", with_target(guests=(KNOWN_STALE,)), REFUSE, "shut off guest web-old"),
    ],
    "version.machine-type": [
        ("there", PASSING, OK, "QEMU 10.0.2 has it"),
        ("unknown to it", with_facts(machine="pc-q35-11.0"), REFUSE, "no pc-q35-11.0"),
        ("another architecture", with_target(support=arm_only()), REFUSE, "kvm/aarch64"),
        ("nothing given", with_target(support=()), UNKNOWN, "no capabilities"),
    ],
    "cpu.compatible": [
        ("superset", PASSING, OK, "superset"),
        ("identical", with_cpu(CpuMatch.IDENTICAL), OK, "identical"),
        ("features missing", with_cpu(CpuMatch.INCOMPATIBLE, "missing features: avx2"), REFUSE, "avx2"),
        ("passed through, one CPU", with_host_passthrough(CPU, CPU), OK, "Skylake-Client on both"),
        ("passed through, two models", with_host_passthrough(CPU, OTHER_CPU), UNKNOWN, "h2 has x86_64 AMD EPYC"),
        ("passed through, one feature less", with_host_passthrough(CPU, LESS_CPU), UNKNOWN, "only h1 has invtsc"),
        ("passed through, not named", with_host_passthrough(CPU, None), UNKNOWN, "h2 does not name its CPU"),
        ("no verdict", with_cpu(CpuMatch.UNKNOWN), UNKNOWN, "no verdict"),
    ],
    "memory.free": [
        ("room", PASSING, OK, "4096 MiB free"),
        ("short", with_target(memory_free_bytes=500 * MIB), REFUSE, "500 MiB free"),
        ("short by QEMU's own", with_target(memory_free_bytes=1030 * MIB), REFUSE, "1030 MiB free"),
        ("not known", with_target(memory_free_bytes=None), UNKNOWN, "not known"),
    ],
    "storage.shared": [
        ("the same file", PASSING, OK, "inode 7"),
        ("no sight at all", with_sights(None, None), UNKNOWN, "not looked at"),
        ("no ssh", with_sights(SIGHT, DiskSight("vda", None, "ssh: key refused")), UNKNOWN, "key refused"),
        ("gone on the source", with_sights(DiskSight("vda", False, "no such file"), SIGHT), REFUSE, "h1: no such file"),
        ("local", with_sights(replace(SIGHT, shared_kind=False), SIGHT), REFUSE, "h1's own"),
        ("not on the target", with_sights(SIGHT, DiskSight("vda", False, "no such file")), REFUSE, "h2: no such file"),
        ("another file", with_sights(SIGHT, replace(SIGHT, identity="nfs inode 8")), REFUSE, "h2 sees nfs inode 8"),
        ("not proved", with_sights(SIGHT, replace(SIGHT, identity=None)), UNKNOWN, "not proved"),
        ("kind not known", with_sights(replace(SIGHT, shared_kind=None), SIGHT), UNKNOWN, "not proved"),
        ("another disk", with_sights(DISK_BY_WWN, replace(DISK_BY_WWN, identity="0x6")), REFUSE, "h2 sees 0x6"),
        ("the same disk of no known kind", with_sights(DISK_BY_WWN, DISK_BY_WWN), UNKNOWN, "not proved"),
        ("two names of a share", with_sights(SIGHT, replace(SIGHT, where="t:/v")), UNKNOWN, "h2 from t:/v"),
        ("a share of no name", with_sights(SIGHT, replace(SIGHT, where=None)), UNKNOWN, "on the same share"),
        ("each host's own server", with_sights(AT_HOME, AT_HOME), UNKNOWN, "nbd://localhost/x is another"),
        ("shared read-only image", with_iso(SIGHT, SIGHT), OK, "inode 7"),
        ("local read-only image", with_iso(LOCAL, replace(LOCAL, identity="xfs inode 3")), WARN, "not compared"),
        ("local ones alike by chance", with_iso(LOCAL, LOCAL), WARN, "not compared"),
        ("read-only image not on the target", with_iso(LOCAL, ABSENT), REFUSE, "h2: no such file"),
        ("no disk at all", with_guest(disks=(Disk("sda", "cdrom", "empty", None),)), OK, "an empty drive"),
    ],
    "network.present": [
        ("active", PASSING, OK, "lab is active"),
        ("not active", nic("network", "idle"), REFUSE, "not active"),
        ("not there", nic("network", "dmz"), REFUSE, "h2 has idle, lab"),
        ("no network", with_target(networks=(Network("x", True),)), REFUSE, "h2 has x"),
        ("no network driver", with_target(networks=None), UNKNOWN, "has no network driver"),
        ("bridge there", nic("bridge", "br0"), OK, "br0 is there"),
        ("bridge not there", nic("bridge", "br9"), REFUSE, "h2 has br0"),
        ("user networking", nic("user", None), OK, "nothing of the host"),
        ("macvtap", nic("direct", "eth0"), UNKNOWN, "not looked at yet"),
    ],
    "device.virtio-vectors": [
        ("ten", PASSING, OK, "at most 10"),
        ("thirty-two", with_facts(max_vectors=(("controller 0", 32),)), OK, "at most 32"),
        ("thirty-three", with_facts(max_vectors=(("controller 0", 33),)), REFUSE, "33 vectors"),
        ("none set", with_facts(max_vectors=()), OK, "none sets"),
    ],
}


@pytest.mark.parametrize(
    ("rule", "move", "severity", "words"),
    [pytest.param(rule, *case[1:], id=f"{rule}: {case[0]}") for rule, cases in CASES.items() for case in cases],
)
def test_rule_says(rule: str, move: MoveFacts, severity: Severity, words: str) -> None:
    found = next(each for each in all_rules() if each.id == rule).findings(move)
    worst = max(found, key=lambda finding: list(Severity).index(finding.severity))
    assert worst.severity is severity
    assert any(words in finding.observed for finding in found if finding.severity is severity)
    assert all(finding.rule == rule and finding.required for finding in found)
    assert all(finding.remedy for finding in found if finding.severity is not OK)


def test_every_rule_has_a_passing_and_a_failing_case() -> None:
    assert set(CASES) == {rule.id for rule in all_rules()}
    for rule, cases in CASES.items():
        severities = {case[2] for case in cases}
        assert OK in severities, f"{rule} has no case that passes"
        assert REFUSE in severities, f"{rule} has no case that fails"


def test_the_passing_move_passes_every_rule() -> None:
    found = judge(PASSING)
    assert verdict(found) is Verdict.PASS
    assert {finding.rule for finding in found} == set(CASES)


@pytest.mark.parametrize(("device", "ejects"), [("cdrom", True), ("floppy", True), ("disk", False)])
def test_only_what_can_be_taken_out_is_to_be_ejected(device: str, ejects: bool) -> None:
    move = with_iso(LOCAL, ABSENT, device)
    (found,) = next(each for each in all_rules() if each.id == "storage.shared").findings(move)
    assert ("virsh change-media web vda --eject" in found.remedy) is ejects


def test_all_findings_come_in_one_run() -> None:
    broken = with_target(host_uuid=PASSING.source.host_uuid, memory_free_bytes=0, networks=(), support=arm_only())
    refused = {finding.rule for finding in judge(broken) if finding.severity is REFUSE}
    assert refused == {"daemon.config.host_uuid", "memory.free", "network.present", "version.machine-type"}


def test_of_a_silent_host_nothing_else_is_said() -> None:
    found = judge(with_target(problem="no answer within 5 s"))
    assert {finding.rule for finding in found} == {"daemon.running"}
    assert verdict(found) is Verdict.REFUSE
