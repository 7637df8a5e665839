"""Rows 30 to 48, 53 and 67: faults while memory is being copied, and right after."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from vmferry.lab import control
from vmferry.lab.network import Network

from .conftest import GUEST, Ground, until


def test_row_30_the_target_s_qemu_is_killed(ground: Ground) -> None:
    ground.slow()
    ground.begin()
    ground.kill_qemu("h2")
    code, document, said = ground.end()
    assert (code, document["outcome"]) == (4, "rolled_back"), said
    ground.safe_on("h1")
    ground.can_move()


def test_row_31_the_target_s_qemu_is_killed_while_the_source_is_paused(ground: Ground) -> None:
    """Allowed a long stop, the guest is held still while most of it is sent."""
    ground.slow("30mbit")
    ground.begin("--max-downtime", "60000", held=True)
    ground.kill_qemu("h2")
    code, document, said = ground.end()
    assert (code, document["outcome"]) == (4, "rolled_back"), said
    ground.safe_on("h1")
    ground.can_move()


def test_row_32_the_source_s_qemu_is_killed(ground: Ground) -> None:
    ground.slow()
    ground.begin()
    ground.kill_qemu("h1")
    code, document, said = ground.end()
    assert (code, document["outcome"]) == (1, "failed"), said
    assert "stopped" in document["error"]
    assert ground.states() == {"h1": "shut off (crashed)"}


def test_row_33_somebody_destroys_the_copy_on_the_target(ground: Ground) -> None:
    ground.slow()
    ground.begin()
    ground.on("h2", f"virsh destroy {GUEST}")
    code, document, said = ground.end()
    assert (code, document["outcome"]) == (4, "rolled_back"), said
    ground.safe_on("h1")


def test_row_34_somebody_destroys_the_guest_on_the_source(ground: Ground) -> None:
    ground.slow()
    ground.begin()
    ground.on("h1", f"virsh destroy {GUEST}")
    code, document, said = ground.end()
    assert (code, document["outcome"]) == (1, "failed"), said
    until(lambda: ground.states() == {"h1": "shut off (destroyed)"})


@pytest.mark.parametrize("host", ["h1", "h2"], ids=["row_35_source", "row_36_target"])
def test_a_daemon_is_killed(ground: Ground, host: str) -> None:
    ground.slow()
    ground.begin()
    ground.kill_daemon(host)
    code, document, said = ground.end()
    assert (code, document["outcome"]) == (4, "rolled_back"), said
    ground.safe_on("h1")
    ground.can_move()


@pytest.mark.parametrize("host", ["h1", "h2"])
def test_row_38_a_daemon_is_restarted(ground: Ground, host: str) -> None:
    ground.slow()
    ground.begin()
    ground.on(host, "systemctl restart libvirtd.service")
    _, document, said = ground.end()
    assert document["outcome"] in ("rolled_back", "migrated"), said
    ground.safe_on("h1" if document["outcome"] == "rolled_back" else "h2")


def test_row_39_a_gap_that_is_shorter_than_the_keepalive(ground: Ground) -> None:
    ground.slow()
    ground.begin()
    control.set_link(ground.lab, "h2", up=False)
    assert ground.states()["h1"].startswith("running")  # and some time goes by
    control.set_link(ground.lab, "h2", up=True)
    code, document, said = ground.end()
    assert (code, document["outcome"]) == (0, "migrated"), said
    ground.safe_on("h2")


def test_row_40_a_gap_that_is_longer_than_the_keepalive(ground: Ground) -> None:
    """The hosts lose each other and the controller loses the target, until libvirt has given it up."""
    ground.slow("10mbit")
    ground.begin()
    control.set_link(ground.lab, "h2", up=False)
    control.set_link(ground.lab, "h2", up=False, over=Network.LAB)
    ground.undo.append(lambda: control.set_link(ground.lab, "h2", up=True, over=Network.LAB))
    until(lambda: "None" in ground.inside("h1", f"virsh domjobinfo {GUEST} | head -1"))
    control.set_link(ground.lab, "h2", up=True, over=Network.LAB)
    ground.fast()
    code, document, said = ground.end()
    assert (code, document["outcome"]) == (4, "rolled_back"), said
    ground.safe_on("h1")


def test_row_43_only_the_way_between_the_daemons_is_lost(ground: Ground) -> None:
    """Memory goes over another network, which stays up; libvirt gives the copy up all the same."""
    ground.slow("10mbit")
    ground.begin()
    control.set_link(ground.lab, "h2", up=False, over=Network.LAB)
    ground.undo.append(lambda: control.set_link(ground.lab, "h2", up=True, over=Network.LAB))
    until(lambda: "None" in ground.inside("h1", f"virsh domjobinfo {GUEST} | head -1"))
    control.set_link(ground.lab, "h2", up=True, over=Network.LAB)
    code, document, said = ground.end()
    assert (code, document["outcome"]) == (4, "rolled_back"), said
    ground.safe_on("h1")


def test_row_45_abort_while_the_guest_is_held_still(ground: Ground) -> None:
    ground.slow("30mbit")
    ground.begin("--max-downtime", "60000", held=True)
    assert ground.work is not None
    os.killpg(ground.work.pid, signal.SIGINT)
    _, document, said = ground.end()
    assert document["outcome"] in ("rolled_back", "migrated"), said
    ground.safe_on("h1" if document["outcome"] == "rolled_back" else "h2")


def test_row_46_the_controller_is_killed_while_the_guest_is_held_still(ground: Ground) -> None:
    ground.slow("30mbit")
    ground.begin("--max-downtime", "60000", held=True)
    ground.kill()
    assert ground.settled()["outcome"] == "migrated"
    ground.safe_on("h2")


def test_row_47_a_controller_that_was_frozen_does_nothing_when_it_wakes(ground: Ground) -> None:
    ground.slow()
    ground.begin()
    assert ground.work is not None
    os.kill(ground.work.pid, signal.SIGSTOP)
    ground.fast()
    job = ground.settled()
    assert job["outcome"] == "migrated"
    assert any(step["step"] == "verify" for step in job["steps"])
    os.kill(ground.work.pid, signal.SIGCONT)
    code, document, said = ground.end()
    assert code == 6, said
    assert document == {}
    assert "taken over by another worker" in said
    assert ground.last_job() == job
    ground.safe_on("h2")


def test_row_48_the_guest_ends(ground: Ground) -> None:
    """The lab's guest cannot power itself off; QEMU that is told to quit ends as for one that did."""
    ground.slow()
    ground.begin()
    ground.on("h1", f"virsh qemu-monitor-command {GUEST} --hmp quit || true")
    code, document, said = ground.end()
    assert (code, document["outcome"]) == (1, "failed"), said
    assert "stopped" in document["error"]
    assert set(ground.states()) == {"h1"}


def test_row_53_nothing_is_attached_meanwhile(ground: Ground) -> None:
    ground.slow("100mbit")
    ground.begin()
    told = ground.on("h1", f"virsh detach-interface {GUEST} network --live 2>&1 || true")
    assert "error" in told
    code, document, said = ground.end()
    assert (code, document["outcome"]) == (0, "migrated"), said
    ground.safe_on("h2")


def test_rows_67_and_81_a_guest_that_does_not_answer_stays_on_its_target(ground: Ground, tmp_path: Path) -> None:
    ground.start(program=ground.configured(tmp_path, f'[guests.{GUEST}]\naddress = "10.255.255.1"'))
    code, document, said = ground.end()
    assert (code, document["outcome"]) == (6, "migrated"), said
    assert "answers on the network" in document["error"]
    assert re.search(r"on h2 look at 52:54:[0-9a-f:]+ at vnet\d+, network lab", document["error"])
    assert "done: announce the guest's addresses again, on h2" in ground.run("job", "show", document["job"]).stdout
    ground.safe_on("h2")
