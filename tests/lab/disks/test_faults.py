"""Rows 13, 14 and 17 to 28 on real hosts: what goes wrong while disks are copied with their guest."""

from __future__ import annotations

import signal
import time

import pytest

from vmferry.lab import control

from ..conftest import VMFERRY
from ..faults.conftest import GUEST
from ..guests import page_when
from .conftest import MEMORY, Disks, Make

SLOW = "20mbit"
LOST_S = 10.0
FIRST, SECOND = (f"{GUEST}-{number}.img" for number in range(2))


def begun(make: Make, *options: str, disks: tuple[str, ...] = ("local",)) -> Disks:
    """A migration to h2 in the middle of its disks."""
    ground = make(*disks)
    page_when(ground.address, lambda page: all(disk.cycles >= 1 for disk in page.disks))
    ground.slow(SLOW)
    ground.start(*options)
    ground.in_disks()
    return ground


def safe(ground: Disks) -> None:
    """On its source, with its own disk; nothing is left on the target, and a second try succeeds."""
    code, document, said = ground.end()
    assert (code, document["outcome"]) in ((4, "rolled_back"), (130, "rolled_back")), said
    ground.fast()
    ground.whole_on("h1")
    assert FIRST in ground.images("h1")
    assert ground.images("h2") == set()
    assert ground.residue("h2") == []
    ground.migrated()
    ground.whole_on("h2")
    assert ground.images("h1") == ground.images("h2")


def test_row_18_the_target_s_qemu_is_killed_in_the_mirror(make: Make) -> None:
    ground = begun(make)
    ground.kill_qemu("h2")
    safe(ground)


def test_row_18_and_in_memory_the_mirrors_ready(make: Make) -> None:
    ground = begun(make)
    ground.in_memory()
    ground.kill_qemu("h2")
    safe(ground)


def test_the_source_s_qemu_is_killed_in_the_mirror(make: Make) -> None:
    ground = begun(make)
    ground.kill_qemu("h1")
    code, document, said = ground.end()
    assert (code, document["outcome"]) == (1, "failed"), said
    assert ground.images("h1") == {FIRST}
    assert ground.images("h2") == set()
    assert ground.residue("h2") == []


@pytest.mark.parametrize("phase", ["disks", "memory"])
def test_rows_21_and_22_a_cancel(make: Make, phase: str) -> None:
    ground = begun(make)
    if phase == "memory":
        ground.in_memory()
    assert ground.work is not None
    ground.work.send_signal(signal.SIGINT)
    safe(ground)


@pytest.mark.parametrize("host", ["h1", "h2"])
def test_row_23_a_daemon_is_killed_during_the_mirror(make: Make, host: str) -> None:
    ground = begun(make)
    ground.kill_daemon(host)
    safe(ground)


def test_the_command_is_killed_in_the_mirror(make: Make) -> None:
    """The hosts go on by themselves; the next command brings it to its end."""
    ground = begun(make)
    ground.kill()
    ground.fast()
    document = ground.settled()
    assert document["outcome"] == "migrated"
    ground.whole_on("h2")
    assert ground.images("h1") == ground.images("h2") == {FIRST}


def test_the_command_is_killed_before_the_copy(make: Make) -> None:
    """With a volume made and nothing copied: the next command removes it."""
    ground = make("local")
    program = """
import os, signal
from vmferry.service import transaction
whole = transaction.make_volumes
def die(making):
    whole(making)
    os.kill(os.getpid(), signal.SIGKILL)
transaction.make_volumes = die
from vmferry.cli.app import main
main()
"""
    ground.start(program=(VMFERRY[0], "-c", program))
    assert ground.work is not None
    ground.work.wait(60)
    assert ground.images("h2") == {FIRST}
    assert ground.last_job()["outcome"] == "rolled_back"
    assert ground.images("h2") == set()
    ground.whole_on("h1")
    ground.migrated()


def test_row_13_the_second_volume_cannot_be_made(make: Make) -> None:
    """Somebody has made one of its name since the check."""
    ground = make("local", "local")
    program = f"""
from vmferry.hosts import volumes
whole = volumes.make
def taken(connection, copy):
    if copy.disk == "vdb":
        connection.storagePoolLookupByName("local").createXML(
            "<volume><name>{SECOND}</name><capacity>4096</capacity></volume>")
    whole(connection, copy)
volumes.make = taken
from vmferry.cli.app import main
main()
"""
    ground.start(program=(VMFERRY[0], "-c", program))
    code, document, said = ground.end()
    assert (code, document["outcome"]) == (4, "rolled_back"), said
    assert "is there already" in document["error"]
    assert ground.images("h2") == {SECOND}, "what others have made stays"
    ground.whole_on("h1")


def test_a_pool_that_is_too_small_or_missing(make: Make) -> None:
    ground = make("local")
    page_when(ground.address, lambda page: all(disk.cycles >= 3 for disk in page.disks))
    ground.small_pool("h2", "4m")
    assert "storage.copy.space" in ground.refused("--disk", "vda=small")
    assert "h2 has no active pool nowhere" in ground.refused("--disk", "vda=nowhere")
    assert ground.images("h2", "/srv/small") == set()


def test_row_17_the_target_fills_up_in_the_middle(make: Make) -> None:
    """It has room when it is looked at, and not for all that comes."""
    ground = make("local")
    page_when(ground.address, lambda page: all(disk.cycles >= 3 for disk in page.disks))
    ground.small_pool("h2", "7m")
    ground.slow(SLOW)
    ground.start("--disk", "vda=small")
    ground.in_disks(name=f"../../../../srv/small/{FIRST}")
    ground.on("h2", "dd if=/dev/zero of=/srv/small/other bs=64k 2>/dev/null || true")
    code, document, said = ground.end()
    assert (code, document["outcome"]) == (4, "rolled_back"), said
    ground.fast()
    assert ground.images("h2", "/srv/small") == {"other"}
    ground.on("h2", "rm /srv/small/other")
    ground.whole_on("h1")
    ground.migrated("--disk", "vda=small")
    ground.whole_on("h2")


def test_row_20_the_network_is_lost_in_the_copy_of_disks(make: Make) -> None:
    """What is on its way to the target is waited for by QEMU: the copy ends once it gets through, or TCP gives up."""
    ground = begun(make, "--max-time", "3600")
    control.set_link(ground.lab, "h2", up=False)
    assert ground.work is not None
    ground.work.send_signal(signal.SIGINT)
    time.sleep(LOST_S)
    assert ground.work.poll() is None
    ground.fast()
    safe(ground)


def test_row_26_a_guest_that_writes_faster_than_its_disks_are_copied(make: Make) -> None:
    """Its writes are made to wait for the target's, and it arrives; or its time is over before."""
    ground = make("local", "local")
    page_when(ground.address, lambda page: all(disk.cycles >= 1 for disk in page.disks))
    ground.start("--storage-bandwidth", "1MiB/s", "--max-time", "2")
    code, document, said = ground.end()
    assert (code, document["outcome"]) == (4, "rolled_back"), said
    assert "its disks are not copied yet" in document["error"]
    assert ground.images("h2") == set()
    ground.migrated("--storage-bandwidth", "1MiB/s")
    told = ground.run("job", "show", str(ground.last_job()["job"])).stdout
    assert "done: let the guest's writes wait for the target's, on h1" in told, told
    ground.whole_on("h2")


def test_two_guests_into_a_pool_with_room_for_one(make: Make) -> None:
    ground = make("local")
    page_when(ground.address, lambda page: all(disk.cycles >= 3 for disk in page.disks))
    line = ground.run("lab", "guest", "f2", *MEMORY, "--disk-size", "4MiB", "--disk", "local", "--on", "h1").stdout
    ground.undo.append(lambda: ground.run("lab", "guest", "f2", "--remove"))
    page_when(line.split()[2], lambda page: all(disk.cycles >= 3 for disk in page.disks))
    ground.small_pool("h2", "8m")
    ground.slow(SLOW)
    ground.start("--disk", "vda=small")
    ground.in_disks(name=f"../../../../srv/small/{FIRST}")
    ran = ground.run("migrate", "f2", "--to", "h2", "--disk", "vda=small", "-q", check=False)
    assert ran.returncode == 3, ran.stderr
    assert "the pool small of h2 has" in ran.stderr or "storage.copy.space" in ran.stderr
    ground.fast()
    code, document, said = ground.end()
    assert (code, document["outcome"]) == (0, "migrated"), said
    assert ground.images("h2", "/srv/small") == {FIRST}
    ground.fast()
    ground.whole_on("h2")
