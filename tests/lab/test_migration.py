"""The main job on real hosts: the guest arrives whole, or stays whole where it was."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from vmferry.lab import control
from vmferry.lab.layout import Layout
from vmferry.lab.shell import ssh

from .conftest import VMFERRY, Run, environment
from .guests import all_verified_since, page_when

GUEST = "m1"
BUSY = ("--memory", "256MiB", "--dirty", "10MiB/s", "--working-set", "32MiB", "--disk-size", "4MiB")
HOSTS = ("h1", "h2", "h3")
ROUND_TRIPS = 10
SLOW = "60mbit"
LIMIT_S = 60.0

Start = Callable[..., str]


@pytest.fixture
def start(vmferry: Run) -> Iterator[Start]:
    """Starts the guest with the given disks on h1; gives its address."""

    def start(*disks: str) -> str:
        options = [word for disk in disks for word in ("--disk", disk)]
        line = vmferry("lab", "guest", GUEST, *BUSY, *options, "--on", "h1").stdout
        match = re.fullmatch(rf"{GUEST} h1 (\d+\.\d+\.\d+\.\d+)\n", line)
        assert match, line
        return match[1]

    yield start
    vmferry("lab", "guest", GUEST, "--remove")


@pytest.fixture
def slow(lab: Layout) -> Iterator[None]:
    """Migration links slow enough to do something in the middle."""
    for host in HOSTS:
        control.set_rate(lab, host, SLOW)
    yield
    for host in HOSTS:
        control.set_link(lab, host, up=True)


def migrated(vmferry: Run, *arguments: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(vmferry("migrate", GUEST, *arguments, "-o", "json").stdout)
    assert document["outcome"] == "migrated"
    assert document["error"] is None
    assert [check["ok"] for check in document["verification"]] == [True] * 4
    return document


def places(lab: Layout, *, running: bool) -> list[str]:
    """The hosts whose libvirt knows the guest, or runs it."""
    scope = "--state-running" if running else "--all"
    return [host for host in HOSTS if GUEST in ssh(lab, host, "virsh", "list", scope, "--name").split()]


def persistent(lab: Layout, host: str) -> bool:
    return "Persistent:     yes" in ssh(lab, host, "virsh", "dominfo", GUEST)


def begun(vmferry_process: subprocess.Popen[str]) -> None:
    """Returns once memory is being sent; fails if the process ends before."""
    assert vmferry_process.stderr is not None
    for line in vmferry_process.stderr:
        if re.search(r"copying .*MiB left", line):
            return
    raise AssertionError("the copy never began")


def in_background(lab: Layout, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*VMFERRY, "migrate", GUEST, *arguments],
        env=environment(lab),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def unharmed_on(lab: Layout, host: str, address: str) -> None:
    """The guest runs there and nowhere else, nothing of it is anywhere else, and it finds no damage in itself."""
    assert places(lab, running=True) == [host]
    assert places(lab, running=False) == [host]
    assert persistent(lab, host)
    page = page_when(address, lambda page: True)
    assert all_verified_since(page, address).errors == 0


@pytest.mark.parametrize("disk", ["iscsi", "nfs", "shared"])
def test_it_goes_to_a_host_of_the_same_and_of_an_older_version_and_back(
    lab: Layout, vmferry: Run, start: Start, disk: str
) -> None:
    address = start(disk)
    before = page_when(address, lambda page: page.disks[0].cycles >= 1)
    for target in ("h2", "h3", "h1"):
        document = migrated(vmferry, "--to", target)
        assert document["target"] == target
        assert document["measured"]["transferred_bytes"] > 10 << 20
        assert document["measured"]["downtime_ms"] is not None
        assert document["measured"]["blackout_ms"] is not None
        assert places(lab, running=True) == places(lab, running=False) == [target]
        assert persistent(lab, target)
    after = all_verified_since(page_when(address, lambda page: True), address)
    assert after.errors == 0
    assert after.uptime_ms > before.uptime_ms, "it must not have started afresh"


def test_forth_and_back_ten_times(lab: Layout, vmferry: Run, start: Start) -> None:
    address = start("iscsi", "shared")
    for _ in range(ROUND_TRIPS):
        migrated(vmferry, "--to", "h2")
        migrated(vmferry, "--to", "h1")
    unharmed_on(lab, "h1", address)


def test_without_a_target_it_says_why_not_the_others(lab: Layout, vmferry: Run, start: Start) -> None:
    start("shared")
    ssh(lab, "h2", "virsh", "net-destroy", "lab")
    try:
        ran = vmferry("migrate", GUEST)
        assert "network.active" in ran.stderr
        assert "lab is there but not active" in ran.stderr
        assert places(lab, running=True) == ["h3"]
    finally:
        ssh(lab, "h2", "virsh", "net-start", "lab")


def test_a_local_disk_that_is_to_stay_is_refused(lab: Layout, vmferry: Run, start: Start) -> None:
    start("local")
    ran = vmferry("migrate", GUEST, "--to", "h2", "--storage", "shared", check=False)
    assert ran.returncode == 3
    assert "storage.shared" in ran.stderr
    assert "h1's own" in ran.stderr
    assert places(lab, running=False) == ["h1"]


def test_the_target_s_qemu_dies(lab: Layout, vmferry: Run, start: Start, slow: None) -> None:
    address = start("iscsi")
    work = in_background(lab, "--to", "h2", "-o", "json")
    begun(work)
    pid = ssh(lab, "h2", "cat", f"/run/libvirt/qemu/{GUEST}.pid").strip()
    ssh(lab, "h2", "kill", "-KILL", pid)
    out, err = work.communicate(timeout=LIMIT_S)
    assert work.returncode == 4, err
    document = json.loads(out)
    assert document["outcome"] == "rolled_back"
    assert document["error_detail"]
    unharmed_on(lab, "h1", address)
    for host in HOSTS:
        control.set_link(lab, host, up=True)
    migrated(vmferry, "--to", "h2")


def test_ctrl_c_cancels_cleanly(lab: Layout, start: Start, slow: None) -> None:
    address = start("shared")
    work = in_background(lab, "--to", "h2")
    begun(work)
    os.killpg(work.pid, signal.SIGINT)  # as a terminal does: every process of the group gets it
    out, err = work.communicate(timeout=LIMIT_S)
    assert work.returncode == 130, err
    assert "rolled back" in out
    assert "cancelling" in err
    unharmed_on(lab, "h1", address)


def test_a_killed_controller_does_not_stop_the_copy(lab: Layout, vmferry: Run, start: Start) -> None:
    """The hosts do it among themselves: who watches may die, and the next command finds out how it ended."""
    address = start("iscsi")
    control.set_rate(lab, "h1", "200mbit")
    try:
        work = in_background(lab, "--to", "h2")
        begun(work)
        work.kill()
        work.communicate(timeout=LIMIT_S)
        deadline = time.monotonic() + LIMIT_S
        while places(lab, running=False) != ["h2"]:
            assert time.monotonic() < deadline, "the guest never arrived"
    finally:
        control.set_link(lab, "h1", up=True)
    unharmed_on(lab, "h2", address)
    (job,) = json.loads(vmferry("job", "list", "--most", "1", "-o", "json").stdout)["jobs"]
    assert (job["outcome"], job["state"], job["worker"]) == ("migrated", "finished", None)


def test_a_target_without_a_daemon(lab: Layout, vmferry: Run, start: Start) -> None:
    start("shared")
    units = ("libvirtd.service", "libvirtd.socket", "libvirtd-ro.socket", "libvirtd-admin.socket")
    ssh(lab, "h2", "systemctl", "stop", *units)
    try:
        ran = vmferry("migrate", GUEST, "--to", "h2", check=False)
        assert ran.returncode == 7
        assert ran.stderr.startswith("vmferry: host h2 ")
        assert places_without(lab, "h2") == ["h1"]
    finally:
        ssh(lab, "h2", "systemctl", "start", *units[1:], units[0])


def places_without(lab: Layout, silent: str) -> list[str]:
    asked = [host for host in HOSTS if host != silent]
    return [host for host in asked if GUEST in ssh(lab, host, "virsh", "list", "--name").split()]


def test_the_target_loses_power(lab: Layout, start: Start, slow: None) -> None:
    """It cannot be asked, so nothing is claimed; the guest is where it was, and the host comes back clean."""
    address = start("iscsi")
    work = in_background(lab, "--to", "h2", "-o", "json")
    begun(work)
    control.kill_host(lab, "h2")
    try:
        out, err = work.communicate(timeout=3 * LIMIT_S)
        assert work.returncode == 6, err
        assert json.loads(out)["outcome"] == "in_doubt"
        assert "virsh domstate" in err
    finally:
        control.start_host(lab, "h2")
    unharmed_on(lab, "h1", address)


def test_output_into_a_closed_pipe(lab: Layout, start: Start) -> None:
    """`| head` ends the reading, not the migration."""
    start("shared")
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*VMFERRY, "migrate", GUEST, "--to", "h2", "-o", "json"],
        env=environment(lab),
        stdin=subprocess.DEVNULL,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writer)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert places(lab, running=False) == ["h2"]
