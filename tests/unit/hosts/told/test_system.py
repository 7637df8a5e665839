"""Hosts as their shells tell of their systems: recorded ones, and any lines at all.

The recordings are in tests/data/hosts. They are written by hand in the formats of the files and commands; no host of
these releases was at hand to be asked.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmferry.facts.host import HostFacts
from vmferry.facts.system import SystemFacts
from vmferry.hosts.told.clock import read_clock
from vmferry.hosts.told.sections import Sections, read_sections
from vmferry.hosts.told.system import read_system
from vmferry.model.finding import Severity
from vmferry.rules.effective import driver, listener, listens
from vmferry.rules.judge import judge_host

DATA = Path(__file__).parents[3] / "data/hosts"
SYSTEMS = (
    "rhel-6.9",
    "rhel-7.9",
    "rhel-8.4",
    "rhel-9.4",
    "debian-12",
    "ubuntu-24.04",
    "sles-15.6",
    "container",
)


def told(name: str) -> Sections:
    return read_sections((DATA / f"{name}.txt").read_text().split("\n"))


def system(name: str) -> SystemFacts:
    return read_system(told(name))


def found(name: str, peer_uri: str = "qemu+ssh://root@h/system") -> set[tuple[str, str]]:
    """(rule, severity) of what is not well on the host by itself."""
    host = HostFacts(name, peer_uri=peer_uri, system=system(name))
    said = {(finding.rule, str(finding.severity)) for finding in judge_host(host)}
    return {(rule, severity) for rule, severity in said if severity != Severity.INFO and rule.startswith("daemon")}


@pytest.mark.parametrize(
    ("name", "release", "init", "daemons"),
    [
        ("rhel-6.9", ("rhel", "6.9"), "sysv", ("libvirtd", "libvirtd")),
        ("rhel-7.9", ("rhel", "7.9"), "systemd", ("libvirtd", "libvirtd")),
        ("rhel-8.4", ("rhel", "8.4"), "systemd", ("libvirtd", "libvirtd")),
        ("rhel-9.4", ("rhel", "9.4"), "systemd", ("virtqemud", "virtproxyd")),
        ("debian-12", ("debian", "12"), "systemd", ("libvirtd", "libvirtd")),
        ("ubuntu-24.04", ("ubuntu", "24.04"), "systemd", ("libvirtd", "libvirtd")),
        ("sles-15.6", ("sles", "15.6"), "systemd", ("virtqemud", "virtproxyd")),
        ("container", ("rocky", "9.3"), None, ("libvirtd", "libvirtd")),
    ],
)
def test_release_init_and_daemons(
    name: str, release: tuple[str, str], init: str | None, daemons: tuple[str, str]
) -> None:
    facts = system(name)
    assert ((facts.os_id, facts.os_version), facts.init) == (release, init)
    assert (driver(facts), listener(facts)) == daemons


@pytest.mark.parametrize(
    ("name", "tls", "tcp"),
    [
        ("rhel-6.9", False, True),
        ("rhel-7.9", True, False),
        ("rhel-8.4", True, False),
        ("rhel-9.4", True, False),
        ("debian-12", False, False),
    ],
)
def test_listening_is_by_option_or_by_socket(name: str, tls: bool, tcp: bool) -> None:
    host = HostFacts(name, system=system(name))
    assert (listens(host, "tls"), listens(host, "tcp")) == (tls, tcp)


@pytest.mark.parametrize(
    ("name", "findings"),
    [
        ("rhel-6.9", {("daemon.config.auth_tcp", "refuse")}),
        ("rhel-7.9", {("daemon.config.in-force", "warn")}),
        ("rhel-8.4", set()),
        ("rhel-9.4", {("daemon.config.max_workers", "warn"), ("daemon.helpers", "warn")}),
        ("debian-12", set()),
        ("ubuntu-24.04", {("daemon.config.syntax", "unknown")}),
        ("sles-15.6", {("daemon.config.syntax", "refuse")}),
        ("container", {("daemon.enabled", "unknown")}),
    ],
)
def test_what_is_not_well(name: str, findings: set[tuple[str, str]]) -> None:
    assert found(name) == findings


def test_a_socket_serves_tls_and_no_socket_does_not() -> None:
    assert ("daemon.config.listen_tls", "refuse") not in found("rhel-8.4", "qemu+tls://h/system")
    assert ("daemon.config.listen_tls", "refuse") in found("debian-12", "qemu+tls://h/system")


def test_what_a_host_of_modular_daemons_tells() -> None:
    facts = system("rhel-9.4")
    assert facts.max_startups == (200, 100, 200)
    assert (facts.userfaultfd, facts.userfaultfd_device, facts.kvm, facts.nested) == (0, True, True, True)
    assert (facts.selinux, facts.apparmor, facts.swtpm) == ("enforcing", False, "0.8.0")
    assert ("virt_use_nfs", True) in facts.selinux_booleans
    assert [hook.path for hook in facts.hooks or ()] == ["/etc/libvirt/hooks/qemu.d/10-pin"]
    assert facts.qemu_modules == {"block-rbd", "block-blkio"}
    assert ("/usr/share/ipxe/qemu/efi-virtio.rom", 524288) in (facts.firmware or ())


def test_sshd_takes_the_first_that_it_comes_upon() -> None:
    assert [system(name).max_startups for name in ("rhel-6.9", "rhel-7.9", "sles-15.6", "ubuntu-24.04")] == [
        (10, 30, 60),
        (10, 30, 100),
        (5, 100, 5),
        None,
    ]


def test_a_clone_tells_its_minor_release_in_its_own_file() -> None:
    files = ["/etc/os-release:ID=centos", '/etc/os-release:VERSION_ID="7"']
    files.append("/etc/redhat-release:CentOS Linux release 7.9.2009 (Core)")
    assert read_system({"files": files}).os_version == "7.9.2009"


def test_a_pid_file_without_its_process_is_no_daemon() -> None:
    lines = {"files": [], "daemons": ["libvirtd /usr/bin/vi --listen", "virtlogd", "virtqemud /usr/sbin/virtqemud -d"]}
    assert [daemon.name for daemon in read_system(lines).daemons or ()] == ["virtqemud"]


def test_no_systemd_is_not_a_daemon_that_is_off() -> None:
    assert system("container").units is None
    assert read_system({"files": [], "units": []}).units is None


def test_nothing_told_is_nothing_known() -> None:
    assert read_system({}) == SystemFacts()
    assert replace(read_system({"files": []}), selinux=None, apparmor=None) == SystemFacts()


def test_clocks() -> None:
    clock = read_clock({"clock": ["1000.500000000"]}, 999.0, 1000.0)
    assert (clock.offset_s, clock.error_s) == (1.0, 0.5)
    assert read_clock(told("sles-15.6"), 1795000000.0, 1795000000.0).offset_s == 0
    assert read_clock({"clock": ["date: bad"]}, 0, 0).offset_s is None
    assert read_clock(None, 0, 0).offset_s is None


LINES = st.text(st.characters(exclude_characters="\n"), max_size=40)
SOURCES = sorted({line for name in SYSTEMS for line in (DATA / f"{name}.txt").read_text().split("\n")})


@given(st.lists(st.sampled_from(SOURCES) | LINES | LINES.map(lambda line: f" {line}"), max_size=60))
def test_any_lines_are_read(lines: list[str]) -> None:
    facts = read_system(read_sections(lines))
    judge_host(HostFacts("h", system=facts))
