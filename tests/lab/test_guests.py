"""Lab guests: that they are busy, survive a migration whole, notice damage, and leave nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

import pytest

from vmferry.lab import control
from vmferry.lab.layout import Layout
from vmferry.lab.shell import ssh

from .conftest import Run, command
from .guests import all_verified_since, page_when

HOSTS = ("h1", "h2", "h3")
SHAREABLE = ("--disk", "iscsi", "--disk", "nfs", "--disk", "shared")
BUSY = ("--memory", "192MiB", "--dirty", "10MiB/s", "--working-set", "32MiB", "--disk-size", "4MiB")


def start(vmferry: Run, name: str, *options: str) -> str:
    """The new guest's address."""
    line = vmferry("lab", "guest", name, *BUSY, *options).stdout
    match = re.fullmatch(rf"{name} (h\d) (\d+\.\d+\.\d+\.\d+)\n", line)
    assert match, line
    return match[2]


@pytest.fixture
def address(vmferry: Run) -> Iterator[str]:
    """Of a guest g1 on h1, with a disk of each kind that other hosts reach too."""
    yield start(vmferry, "g1", *SHAREABLE)
    vmferry("lab", "guest", "g1", "--remove")


def migrate(lab: Layout, name: str, source: str, target: str) -> None:
    options = ("--live", "--p2p", "--persistent", "--undefinesource")
    to = (f"qemu+ssh://root@{target}/system", f"tcp://{target}-mig")
    ssh(lab, source, "virsh", "migrate", *options, name, *to)


def status_line(lab: Layout, address: str) -> str:
    """What another host gets from the guest's page."""
    fetch = f"exec 3<>/dev/tcp/{address}/80; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; head -1 <&3"
    return ssh(lab, "h2", "bash", "-c", fetch)


def domains(lab: Layout, host: str) -> list[str]:
    return ssh(lab, host, "virsh", "list", "--all", "--name").split()


def traces(lab: Layout) -> dict[str, str]:
    """What guests leave on hosts and storage, to compare before and after."""
    storage = "ls -R /srv/iscsi /srv/nfs; tgtadm --lld iscsi --mode target --op show | grep LUN:"
    host = "virsh list --all --name; ls /srv/shared /var/lib/libvirt/images /var/log/libvirt/qemu/*-serial.log"
    commands = {"storage": storage, **dict.fromkeys(HOSTS, f"{host} 2>/dev/null || true")}
    return {name: ssh(lab, name, "sh", "-c", script) for name, script in commands.items()}


def test_a_guest_goes_through_old_and_new_hosts_with_memory_and_disks_whole(lab: Layout, address: str) -> None:
    page = page_when(address, lambda page: all(disk.cycles >= 1 for disk in page.disks))
    assert len(page.disks) == 3
    for source, target in pairwise(("h1", "h2", "h3", "h1", "h3", "h2")):
        migrate(lab, "g1", source, target)
        assert [host for host in HOSTS if "g1" in domains(lab, host)] == [target]
        later = page_when(address, lambda page: True)
        assert later.uptime_ms > page.uptime_ms, "it must not have started afresh"
        assert later.heartbeat > page.heartbeat
        page = all_verified_since(later, address)
        assert page.errors == 0


def test_a_lost_write_is_noticed_and_told_to_any_client(lab: Layout, address: str) -> None:
    page = page_when(address, lambda page: page.disks[1].verified > 0)
    assert page.errors == 0
    assert status_line(lab, address).startswith("HTTP/1.1 200 ")
    nothing = ("dd", "if=/dev/zero", "of=/srv/nfs/g1-1.img", "bs=1M", "count=4", "conv=notrunc,fsync", "status=none")
    ssh(lab, "storage", *nothing)
    page = page_when(address, lambda page: page.errors > 0)
    assert page.disks[1].errors > 0
    assert page.disks[0].errors == page.disks[2].errors == page.memory_errors == 0
    assert status_line(lab, address).startswith("HTTP/1.1 503 ")


def test_a_removed_guest_leaves_nothing(lab: Layout, vmferry: Run) -> None:
    before = traces(lab)
    start(vmferry, "gone", *SHAREABLE, "--disk", "local", "--on", "h2")
    assert domains(lab, "h2") == ["gone"]
    assert traces(lab) != before
    vmferry("lab", "guest", "gone", "--remove")
    assert traces(lab) == before


def test_a_guest_on_a_host_without_power_is_removed_and_does_not_come_back_with_it(lab: Layout, vmferry: Run) -> None:
    before = traces(lab)
    start(vmferry, "off", "--disk", "local", "--on", "h2")
    control.kill_host(lab, "h2")
    vmferry("lab", "guest", "off", "--remove")
    control.start_host(lab, "h2")
    assert traces(lab) == before


def test_a_guest_that_does_not_start_leaves_nothing(lab: Layout, vmferry: Run) -> None:
    before = traces(lab)
    failed = vmferry("lab", "guest", "g2", *BUSY, *SHAREABLE, "--machine", "pc-q35-99.0", check=False)
    assert failed.returncode == 1
    assert "pc-q35-99.0" in failed.stderr
    assert traces(lab) == before


def test_a_name_that_is_taken_changes_nothing(lab: Layout, vmferry: Run, address: str) -> None:
    before = traces(lab)
    refused = vmferry("lab", "guest", "g1", *BUSY, check=False)
    assert refused.returncode == 2
    assert "has a guest 'g1' already" in refused.stderr
    assert traces(lab) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("a;b",),
        ("../a",),
        ("a", "--on", "storage"),
        ("a", "--on", "h9"),
        ("a", "--memory", "64MiB"),
        ("a", "--memory", "much"),
        ("a", "--working-set", "1GiB"),
        ("a", "--disk", "floppy"),
        ("a", "--disk", "nfs", "--disk-size", "1000"),
        ("never-made", "--remove"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(vmferry: Run, arguments: tuple[str, ...]) -> None:
    refused = vmferry("lab", "guest", *arguments, check=False)
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr


def test_without_a_lab_a_guest_says_how_to_get_one(other_lab: Layout) -> None:
    refused = command(other_lab)("lab", "guest", "a", check=False)
    assert refused.returncode == 1
    assert "vmferry lab up" in refused.stderr
