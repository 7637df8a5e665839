"""Rows 11, 65, 66, 79, 80, 83 and 84: hosts that lose their power, and what is left when a guest has moved.

Row 83 is held for disks to which QEMU itself connects; the lab's kernel has no initiator, so that no host keeps a
session of its own that outlives a guest. Row 82 waits for the removal of such state, as in tests/fault.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from vmferry.lab import control

from ..conftest import VMFERRY, environment
from .conftest import GUEST, Document, Ground, until
from .finish import die_in_confirm
from .test_before import AT_STATE, HOOK, RESTART

DEFINITION = f"/etc/libvirt/qemu/{GUEST}.xml"
AUTOSTART = f"virsh dominfo {GUEST} | grep Autostart:"


def migrate_and_lose(ground: Ground, host: str) -> Document:
    """Its power, right after libvirt has said that the guest is on its target. The document of the migration."""
    kill = json.dumps([*VMFERRY, "lab", "kill", host])
    ground.undo.append(lambda: ground.run("lab", "start", host, check=False))
    ground.start(program=[sys.executable, str(AT_STATE), "switched", kill, "--"])
    code, document, said = ground.end()
    assert (code, document["outcome"]) == (6, "in_doubt"), said
    assert host in document["error"]
    return document


def test_row_11_the_target_loses_its_power_while_it_prepares(ground: Ground) -> None:
    ground.undo.append(lambda: ground.on("h2", f"rm -f {HOOK}; {RESTART}"))
    ground.undo.append(lambda: ground.run("lab", "start", "h2", check=False))
    ground.on(
        "h2",
        f"printf '#!/bin/sh\\n[ $2 = prepare ] && touch /run/preparing && sleep 600; cat\\n' >{HOOK}; "
        f"chmod 755 {HOOK}; {RESTART}",
    )
    ground.start()
    until(lambda: ground.on("h2", "ls /run/preparing 2>/dev/null || true") != "")
    control.kill_host(ground.lab, "h2")
    control.start_host(ground.lab, "h2")
    _, document, said = ground.end()
    assert document["outcome"] in ("rolled_back", "in_doubt"), said
    assert ground.settled()["outcome"] == "rolled_back"
    ground.safe_on("h1")


def test_row_65_the_source_loses_its_power_right_after_the_switch(ground: Ground) -> None:
    """It would have started the guest with itself."""
    ground.on("h1", f"virsh autostart {GUEST}")
    migrate_and_lose(ground, "h1")
    assert ground.states_of(["h2"])["h2"].startswith("running")
    control.start_host(ground.lab, "h1")
    assert ground.settled()["outcome"] == "migrated"
    ground.safe_on("h2")


def test_row_66_the_target_loses_its_power_right_after_the_switch(ground: Ground) -> None:
    """The guest is down, and nobody but a person starts it: from its disks, where its definition is."""
    migrate_and_lose(ground, "h2")
    assert ground.states_of(["h1"]) == {}, "the old memory is gone"
    control.start_host(ground.lab, "h2")
    job = ground.last_job()
    assert job["outcome"] == "in_doubt"
    assert "it arrived and stopped" in job["error"]
    assert {host: state.split()[0] for host, state in ground.states().items()} == {"h2": "shut"}
    listed = ground.document("guest", "list")["guests"]
    assert [(each["host"], each["state"]) for each in listed if each["name"] == GUEST] == [("h2", "shut-off")]
    ground.on("h2", f"virsh start {GUEST}")
    until(lambda: ground.last_job()["outcome"] == "migrated")
    ground.safe_on("h2")


def test_row_79_the_source_s_definition_cannot_be_removed(ground: Ground) -> None:
    """Its file cannot be taken away. It is not started there, and is removed once it can be.

    Where libvirt itself fails at that in its Confirm, it forgets the guest all the same, and only a start of its daemon
    brings the definition back: so here the daemon dies before.
    """
    ground.on("h1", f"virsh autostart {GUEST}; mount --bind {DEFINITION} {DEFINITION}")
    ground.undo.append(lambda: ground.on("h1", f"umount {DEFINITION} 2>/dev/null || true"))
    die_in_confirm(ground)
    code, document, said = ground.end()
    assert (code, document["outcome"]) == (6, "migrated"), said
    assert "h1 still has a definition" in document["error"]
    assert "do not start it there" in document["error"]
    assert ground.on("h1", AUTOSTART).split() == ["Autostart:", "disable"]
    job = ground.last_job()
    assert (job["state"], job["worker"]) == ("left_behind", None)
    ground.on("h1", f"umount {DEFINITION}")
    until(lambda: ground.last_job()["state"] == "finished")
    assert ground.last_job()["error"] is None
    ground.safe_on("h2")


def test_rows_80_and_83_nothing_of_the_source_is_in_the_definition_or_connected(ground: Ground) -> None:
    """With a disk of its own on a server, to which QEMU itself goes."""
    name = f"{GUEST}n"
    ground.undo.append(lambda: ground.run("lab", "guest", name, "--remove", check=False))
    ground.run(
        "lab",
        "guest",
        name,
        "--memory",
        "160MiB",
        "--working-set",
        "16MiB",
        "--disk",
        "iscsi",
        "--disk-size",
        "4MiB",
        "--on",
        "h1",
    )
    assert _to_storage(ground, "h1") != ""
    ground.run("migrate", name, "--to", "h2")
    until(lambda: _to_storage(ground, "h1") == "")
    assert _to_storage(ground, "h2") != ""
    ground.start()
    code, _, said = ground.end()
    assert code == 0, said
    for guest in (GUEST, name):
        live, kept = (_sources(ground.on("h2", f"virsh dumpxml {guest} {flag}")) for flag in ("", "--inactive"))
        assert live == kept
    ground.safe_on("h2")


def _to_storage(ground: Ground, host: str) -> str:
    """Connections of QEMUs to the target of iSCSI."""
    return ground.on(host, "ss -Htnp state established dport = 3260 | grep qemu || true")


def _sources(xml: str) -> list[str]:
    return re.findall(r"<source (?:file|protocol|network)='[^']*'(?: name='[^']*')?", xml)


def test_row_84_the_store_is_lost_while_a_guest_moves(ground: Ground) -> None:
    config = ground.document("lab", "status")["config"]
    (store,) = re.findall(r'path = "(.*)"', Path(config).read_text(encoding="utf-8"))
    ground.slow()
    ground.begin()
    ground.kill()
    for file in Path(store).parent.glob(f"{Path(store).name}*"):
        file.unlink()
    assert ground.jobs() == []
    refused = ground.run("migrate", GUEST, "--to", "h2", check=False)
    assert refused.returncode == 3
    assert "is being migrated from h1 to h2" in refused.stderr
    adopted = subprocess.Popen(
        [*VMFERRY, "job", "adopt", GUEST, "-o", "json"], env=environment(ground.lab), stdout=subprocess.PIPE, text=True
    )
    until(lambda: ground.jobs() != [])
    ground.fast()
    out, _ = adopted.communicate(timeout=90)
    assert (adopted.returncode, json.loads(out)["outcome"]) == (0, "migrated")
    ground.safe_on("h2")
