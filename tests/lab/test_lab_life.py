"""A lab's coming and going: what is left, what a second `up` does, and accidents in the middle."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from vmferry.lab import cgroup, control, host, mounts, network, state
from vmferry.lab.layout import Layout

from .conftest import VMFERRY, command, environment
from .leftovers import machine

pytestmark = pytest.mark.alone
LIMIT_S = 60.0


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.01)


def assert_as(before: dict[str, set[str]], layout: Layout) -> None:
    after = machine(layout)
    for kind, things in before.items():
        assert after[kind] - things == set(), kind


def test_nothing_is_left_and_a_second_up_changes_nothing(other_lab: Layout) -> None:
    vmferry = command(other_lab)
    before = machine(other_lab)
    vmferry("lab", "up", "--hosts", "1")
    leaders = {name: cgroup.leader(other_lab, name) for name in ("h1", "storage")}
    known = other_lab.state.read_bytes()
    assert all(leaders.values())

    again = vmferry("lab", "up", "--hosts", "1")
    assert "is up already; nothing was changed" in again.stderr
    assert {name: cgroup.leader(other_lab, name) for name in leaders} == leaders
    assert other_lab.state.read_bytes() == known

    more = vmferry("lab", "up", "--hosts", "2", check=False)
    assert more.returncode == 2
    assert more.stderr.splitlines() == [
        "vmferry: a lab of 1 host is up already: to have another one, vmferry lab down first,"
        " then vmferry lab up --hosts 2"
    ]
    assert other_lab.state.read_bytes() == known

    vmferry("lab", "down")
    assert_as(before, other_lab)
    assert "no lab is up" in vmferry("lab", "down").stderr


def _has_namespace(layout: Layout) -> bool:
    return layout.prefix in network.namespaces(layout)


def _has_process(layout: Layout) -> bool:
    return bool(cgroup.hosts(layout) and cgroup.processes(layout, "storage"))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("point", [_has_namespace, _has_process])
def test_an_interrupted_up_is_made_good_by_down(
    other_lab: Layout, how: signal.Signals, point: Callable[[Layout], bool]
) -> None:
    before = machine(other_lab)
    _interrupt_up(other_lab, how, point)
    command(other_lab)("lab", "down")
    assert_as(before, other_lab)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_an_interrupted_up_is_made_good_by_up(other_lab: Layout, how: signal.Signals) -> None:
    _interrupt_up(other_lab, how, _has_process)
    status = command(other_lab)("lab", "status", "-o", "json")
    assert json.loads(status.stdout)["hosts"] == []
    up = command(other_lab)("lab", "up", "--hosts", "1")
    assert "removing what an interrupted lab left" in up.stderr
    assert control.opened(other_lab).versions.keys() == {"h1"}


def test_a_lab_of_before_a_reboot_is_no_lab(other_lab: Layout) -> None:
    command(other_lab)("lab", "up", "--hosts", "1")
    for name in ("h1", "storage"):
        host.lose_power(other_lab, name)
        subprocess.run(["umount", other_lab.host_root(name)], check=True)
    network.remove(other_lab)
    cgroup.remove(other_lab)
    found = state.load(other_lab)
    assert found
    state.save(other_lab, replace(found, boot_id="another"))

    status = command(other_lab)("lab", "status", "-o", "json")
    assert json.loads(status.stdout)["hosts"] == []
    command(other_lab)("lab", "up", "--hosts", "1")
    assert host.is_running(other_lab, "h1")


def test_a_lost_state_file_is_no_obstacle(other_lab: Layout) -> None:
    before = machine(other_lab)
    command(other_lab)("lab", "up", "--hosts", "1")
    for path in (other_lab.state, other_lab.config, other_lab.ssh):
        path.unlink()
    command(other_lab)("lab", "down")
    assert_as(before, other_lab)


def test_a_killed_build_leaves_no_process_and_no_image(tmp_path: Path) -> None:
    layout = Layout("build", Path("/run/vmferry/build"), tmp_path)
    building = _start(layout, "lab", "prepare", "--images")
    try:
        until(lambda: list(layout.images.glob(".building-*/root/usr/bin")))
        os.kill(building.pid, signal.SIGKILL)
        building.wait()
        until(lambda: not _mentions(str(tmp_path)))
        assert {path.name[:10] for path in layout.images.iterdir()} == {".building-"}  # one, or the second too
        assert mounts.below(tmp_path) == []
    finally:
        building.kill()
        shutil.rmtree(layout.images, ignore_errors=True)


def _interrupt_up(layout: Layout, how: signal.Signals, point: Callable[[Layout], bool]) -> None:
    """As a terminal does it: the signal goes to all of the foreground's processes."""
    starting = _start(layout, "lab", "up", "--hosts", "1")
    until(lambda: point(layout))
    os.killpg(starting.pid, how)
    starting.wait()
    assert starting.returncode in (-signal.SIGKILL, 130)


def _start(layout: Layout, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*VMFERRY, *arguments],
        env=environment(layout),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _mentions(text: str) -> list[str]:
    """Processes that have it in their command line."""
    found = []
    for cmdline in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += [cmdline.parent.name] if text in cmdline.read_text() else []
        except OSError:
            continue
    return found
