"""Rows 4, 15 and 60: a target that is not reached, by its source or by the controller."""

from __future__ import annotations

import subprocess

import pytest

from vmferry.lab import control

from .conftest import Ground, until
from .test_before import LOST_WORDS, RESTART, migrate_with

CONFIG = "/etc/libvirt/qemu.conf"
IMAGE = "/run/taken.img"


def set_tries(ground: Ground, number: str) -> None:
    """Of h1's kernel, to connect, beside the first. A container may not."""
    sysctl = ["sysctl", "-qw", f"net.ipv4.tcp_syn_retries={number}"]
    subprocess.run(["ip", "netns", "exec", ground.lab.namespace("h1"), *sysctl], check=True)


@pytest.mark.parametrize(
    ("lose", "mend"),
    [
        ("systemctl stop ssh.socket ssh.service", "systemctl start ssh.service"),
        ("mv /root/.ssh/authorized_keys /root/.ssh/kept", "mv /root/.ssh/kept /root/.ssh/authorized_keys"),
        ("ip route add blackhole {source}/32", "ip route del blackhole {source}/32"),
    ],
    ids=["refuses", "lets_nobody_in", "swallows"],
)
def test_row_4_the_target_cannot_be_connected_to(ground: Ground, lose: str, mend: str) -> None:
    """Since the check. How long a source tries to connect is its kernel's: here twice within three seconds."""
    source = control.opened(ground.lab).plan.host("h1").address
    ground.undo.append(lambda: ground.inside("h2", mend.format(source=source)))
    ground.undo.append(lambda: set_tries(ground, "6"))
    set_tries(ground, "1")
    code, document, said = migrate_with(ground, "prepared", "h2", lose.format(source=source))
    assert (code, document["outcome"]) == (4, "rolled_back"), said
    ground.undo.pop()()
    ground.undo.pop()()
    ground.safe_on("h1")


def test_row_15_there_is_no_port_left(ground: Ground) -> None:
    """Of a range of two, the least that libvirt starts with: taken by somebody else after the check."""
    mend = f"cp {CONFIG}.kept {CONFIG}; pkill qemu-nbd || true; rm -f {IMAGE}; {RESTART}"
    ground.undo.append(lambda: ground.on("h2", f"test ! -e {CONFIG}.kept || {{ {mend}; rm {CONFIG}.kept; }}"))
    ground.on(
        "h2",
        f"cp {CONFIG} {CONFIG}.kept; printf 'migration_port_min = 49200\\nmigration_port_max = 49201\\n' >>{CONFIG}; "
        f"truncate -s 1M {IMAGE}; {RESTART}",
    )
    take = "; ".join(f"qemu-nbd --fork --shared=0 -r -f raw -p {port} {IMAGE}" for port in (49200, 49201))
    code, document, said = migrate_with(ground, "prepared", "h2", take)
    assert (code, document["outcome"]) == (4, "rolled_back"), said
    assert "unused port" in document["error_detail"] or LOST_WORDS in document["error_detail"]
    ground.on("h2", "pkill qemu-nbd")
    ground.safe_on("h1")


def test_row_60_the_controller_loses_the_target(ground: Ground) -> None:
    """The hosts have each other, so that the copy comes to its end; nothing is done until both are seen."""
    machine = control.opened(ground.lab).plan.machine_address
    ground.undo.append(lambda: ground.inside("h2", f"ip route del blackhole {machine}/32 || true"))
    ground.slow()
    ground.begin()
    ground.inside("h2", f"ip route add blackhole {machine}/32")
    ground.fast()
    code, document, said = ground.end()
    assert (code, document["outcome"]) == (6, "in_doubt"), said
    assert all(step["step"] != "undo" for step in document["steps"])
    ground.inside("h2", f"ip route del blackhole {machine}/32")
    until(lambda: ground.last_job()["outcome"] == "migrated")
    ground.safe_on("h2")
