"""Rows 1 to 3, 5 to 10, 12 and 16: faults before anything moves, and while libvirt prepares the target."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ..conftest import VMFERRY, environment
from .conftest import GUEST, LIMIT_S, Document, Ground, until

AT_STATE = Path(__file__).with_name("at_state.py")
HOOK = "/etc/libvirt/hooks/qemu"
QEMU = "/usr/bin/qemu-system-x86_64"
RESTART = "systemctl reset-failed libvirtd; systemctl restart libvirtd; virsh version >/dev/null"
LOST_WORDS = "End of file while reading data"
"""What libvirt says about every other time instead of the target's own words, as virsh does: it closes the connection
to the target first, and takes the end of that for the error.
"""
OTHER = f"""
<domain type='qemu'><name>{GUEST}</name><memory unit='MiB'>16</memory>
<os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os></domain>
"""

Ended = tuple[int, Document, str]


def migrate_with(ground: Ground, state: str, host: str | None, script: str = "") -> Ended:
    """To h2; at that moment the script runs on the host, or without one the command dies."""
    what = "die" if host is None else json.dumps([str(ground.lab.ssh), f"root@{host}", script])
    done = subprocess.run(
        [sys.executable, str(AT_STATE), state, what, "--", "migrate", GUEST, "--to", "h2", "-q", "-o", "json"],
        env=environment(ground.lab),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=2 * LIMIT_S,
        check=False,
    )
    assert done.stdout or what == "die", done.stderr
    return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr


@pytest.mark.parametrize("state", ["planned", "checked", "reserved", "prepared", "copying"], ids="row_{}".format)
def test_rows_1_2_and_12_the_controller_dies(ground: Ground, state: str) -> None:
    """With the plan stored, with the target claimed, and with the copy announced but not begun."""
    code, _, _ = migrate_with(ground, state, None)
    assert code == -9
    job = ground.settled()
    assert (job["outcome"], job["worker"]) == ("rolled_back", None)
    ground.safe_on("h1")
    if state == "copying":
        ground.can_move()


def test_row_3_a_network_vanishes_after_the_check(ground: Ground) -> None:
    ground.undo.append(lambda: ground.on("h2", "virsh net-start lab || true"))
    code, document, said = migrate_with(ground, "prepared", "h2", "virsh net-destroy lab")
    assert (code, document["outcome"]) == (4, "rolled_back"), said
    assert "the check now refuses h2: network.active" in document["error"]
    ground.safe_on("h1")


def test_row_5_two_controllers_at_once(ground: Ground) -> None:
    command = [*VMFERRY, "migrate", GUEST, "--to", "h2", "-q", "-o", "json"]
    both = [
        subprocess.Popen(
            command, env=environment(ground.lab), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    ended = [(work.communicate(timeout=LIMIT_S), work.returncode) for work in both]
    assert sorted(code for _, code in ended) == [0, 3], ended
    (refusal,) = [said for (_, said), code in ended if code == 3]
    assert "has a migration that is not at its end" in refusal
    ground.safe_on("h2")
    assert [job["outcome"] for job in ground.jobs()[:1]] == ["migrated"]


def test_row_6_the_guest_stops_before_the_copy(ground: Ground) -> None:
    code, document, said = migrate_with(ground, "prepared", "h1", f"virsh destroy {GUEST}")
    assert (code, document["outcome"]) == (1, "failed"), said
    assert ground.states() == {"h1": "shut off (destroyed)"}
    assert ground.last_job()["worker"] is None


def test_row_7_a_snapshot_appears_after_the_check(ground: Ground) -> None:
    ground.undo.append(lambda: ground.on("h1", f"virsh snapshot-delete {GUEST} late || true"))
    code, document, said = migrate_with(ground, "prepared", "h1", f"virsh snapshot-create-as {GUEST} late")
    assert (code, document["outcome"]) == (4, "rolled_back"), said
    assert "the check now refuses h2: guest.snapshots" in document["error"]
    assert set(ground.states()) == {"h1"}


def test_row_8_the_target_s_hook_says_no(ground: Ground) -> None:
    ground.undo.append(lambda: ground.on("h2", f"rm -f {HOOK}; {RESTART}"))
    ground.on(
        "h2",
        f"printf '#!/bin/sh\\n[ $2 = migrate ] && {{ echo not today >&2; exit 1; }}; cat\\n' >{HOOK}; "
        f"chmod 755 {HOOK}; {RESTART}",
    )
    code, document, said = migrate_with(ground, "planned", "h1", "true")
    assert (code, document["outcome"]) == (4, "rolled_back"), said
    assert "not today" in document["error_detail"] or LOST_WORDS in document["error_detail"]
    ground.safe_on("h1")


def test_row_9_the_target_s_qemu_does_not_start(ground: Ground) -> None:
    ground.undo.append(lambda: ground.on("h2", f"test ! -e {QEMU}.real || mv {QEMU}.real {QEMU}"))
    ground.on(
        "h2",
        f'mv {QEMU} {QEMU}.real; printf \'#!/bin/sh\\ncase "$*" in *-incoming*) echo cannot set up guest memory >&2; '
        f'exit 1;; esac\\nexec {QEMU}.real "$@"\\n\' >{QEMU}; chmod 755 {QEMU}',
    )
    code, document, said = migrate_with(ground, "planned", "h1", "true")
    assert (code, document["outcome"]) == (4, "rolled_back"), said
    assert "cannot set up guest memory" in document["error_detail"] or LOST_WORDS in document["error_detail"]
    ground.safe_on("h1")


def test_row_10_the_target_s_daemon_dies_while_it_prepares(ground: Ground) -> None:
    ground.undo.append(lambda: ground.on("h2", f"rm -f {HOOK}; {RESTART}"))
    ground.on(
        "h2",
        f"printf '#!/bin/sh\\n[ $2 = prepare ] && kill -KILL $PPID; cat\\n' >{HOOK}; chmod 755 {HOOK}; {RESTART}",
    )
    code, document, said = migrate_with(ground, "planned", "h1", "true")
    assert (code, document["outcome"]) == (4, "rolled_back"), said
    ground.on("h2", f"rm -f {HOOK}; {RESTART}")
    ground.safe_on("h1")
    ground.can_move()


def test_row_16_the_name_is_taken_after_the_check(ground: Ground) -> None:
    ground.undo.append(lambda: ground.on("h2", f"virsh undefine {GUEST}"))
    define = f"cat >/run/other.xml <<'E'\n{OTHER}\nE\nvirsh define /run/other.xml"
    code, document, said = migrate_with(ground, "prepared", "h2", define)
    assert (code, document["outcome"]) == (4, "rolled_back"), said
    assert "the check now refuses h2: guest.identity" in document["error"]
    until(lambda: ground.states().get("h1", "").startswith("running"))
    assert ground.states()["h2"].startswith("shut off"), "somebody else's guest is left alone"
