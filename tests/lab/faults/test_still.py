"""Rows 42, 44, 49 and 50: copies that stand still or do not end, and guests that do not wait for them."""

from __future__ import annotations

from pathlib import Path

from vmferry.lab import control

from ..guests import page_when
from .conftest import GUEST, Ground, until


def test_row_42_only_the_data_is_lost(ground: Ground, tmp_path: Path) -> None:
    """The daemons hear each other over the other network, so that libvirt sees nothing wrong."""
    source = control.opened(ground.lab).plan.host("h1").migration_address
    ground.undo.append(lambda: ground.inside("h2", f"ip route del blackhole {source}/32 || true"))
    ground.slow()
    ground.begin(program=ground.configured(tmp_path, "[migration]\nstall_timeout = 5"))
    ground.inside("h2", f"ip route add blackhole {source}/32")
    code, document, said = ground.end()
    assert (code, document["outcome"]) == (4, "rolled_back"), said
    assert "nothing was sent for" in document["error"]
    ground.inside("h2", f"ip route del blackhole {source}/32")
    ground.safe_on("h1")
    ground.can_move()


def test_row_44_a_copy_that_does_not_end_in_its_time(ground: Ground) -> None:
    """The limit of downtime that it had meanwhile is taken back."""
    ground.slow()
    ground.begin("--convergence", "careful", "--max-time", "4", "--max-downtime", "100")
    assert ground.on("h1", f"virsh migrate-getmaxdowntime {GUEST}").strip() == "100"
    code, document, said = ground.end()
    assert (code, document["outcome"]) == (4, "rolled_back"), said
    assert "4 s" in document["error"]
    ground.safe_on("h1")


def test_row_49_the_guest_reboots(ground: Ground) -> None:
    ground.slow()
    ground.begin()
    ground.on("h1", f"virsh qemu-monitor-command {GUEST} --hmp system_reset")
    ground.fast()
    code, document, said = ground.end()
    assert (code, document["outcome"]) == (0, "migrated"), said
    ground.safe_on("h2")


def test_row_50_somebody_pauses_the_guest(ground: Ground) -> None:
    """Libvirt lets it run on the target, as if it had been held for its switch; we pause it there at once."""
    ground.slow()
    ground.begin()
    ground.on("h1", f"virsh suspend {GUEST}")
    name = ground.last_job()["job"]
    until(lambda: "somebody has paused the guest" in ground.run("job", "show", name).stdout)
    ground.fast()
    code, document, said = ground.end()
    assert (code, document["outcome"], document["error"]) == (0, "migrated", None), said
    ground.safe_on("h2", state="paused")
    ground.on("h2", f"virsh resume {GUEST}")
    assert page_when(ground.address, lambda page: True).errors == 0
