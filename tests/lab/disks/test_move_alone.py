"""A disk into another pool of its host, the guest running: and what goes wrong meanwhile."""

from __future__ import annotations

import json
import signal

import pytest

from ..faults.conftest import GUEST, until
from ..guests import page_when
from .conftest import IMAGES, Disks, Make

FIRST = f"{GUEST}-0.img"
OLD, FAST = f"{IMAGES}/{FIRST}", "/srv/fast"
NEW = f"{FAST}/{FIRST}"


def written(ground: Disks) -> None:
    page_when(ground.address, lambda page: all(disk.cycles >= 2 for disk in page.disks))


def with_pool(ground: Disks, host: str = "h1") -> Disks:
    """The host has another pool, and the guest has written all of its disk."""
    written(ground)
    ground.on(host, f"mkdir -p {FAST}; virsh pool-create-as fast dir --target {FAST}")
    ground.undo.append(lambda: ground.on(host, f"virsh pool-destroy fast; rm -r {FAST}"))
    return ground


def moved(ground: Disks, *options: str, pool: str = "fast") -> dict[str, object]:
    ran = ground.run("disk", "move", GUEST, "vda", "--pool", pool, "-q", "-o", "json", *options, check=False)
    assert ran.returncode == 0, ran.stderr
    document = json.loads(ran.stdout)
    assert [check["ok"] for check in document["verification"]] == [True, True]
    (disk,) = document["disks"]
    return dict(disk)


def begun(make: Make, *options: str) -> Disks:
    """In the middle of it: a slow copy of a disk that the guest writes to."""
    ground = with_pool(make("local"))
    ground.launch("disk", "move", GUEST, "vda", "--pool", "fast", "--bandwidth", "1MiB/s", *options)
    until(lambda: "Block Copy" in ground.on("h1", f"virsh blockjob {GUEST} vda 2>&1 || true"))
    return ground


def stayed(ground: Disks) -> None:
    """On its old image, with nothing left of the new one; and a second try succeeds."""
    assert ground.sources("h1") == {"vda": OLD}
    assert ground.images("h1", FAST) == set()
    ground.whole_on("h1")
    moved(ground)
    ground.whole_on("h1")


@pytest.mark.parametrize("host", ["h1", "h3"])
def test_there_and_back(make: Make, host: str) -> None:
    ground = make("local")
    if host != "h1":
        ground.migrated("--source-volumes", "remove", to=host)
    with_pool(ground, host)
    disk = moved(ground)
    assert (disk["path"], disk["source_volume"], disk["remove"]) == (NEW, "kept", f"on {host}: rm {OLD}")
    assert ground.sources(host) == {"vda": NEW}
    assert (ground.images(host), ground.images(host, FAST)) == ({FIRST}, {FIRST})
    assert ground.allocated(host, NEW) <= 1.1 * ground.allocated(host, OLD) + (1 << 20)
    ground.on(host, f"rm {OLD}")
    moved(ground, "--format", "raw", "--source-volumes", "remove", pool="local")
    assert ground.sources(host) == {"vda": OLD}
    assert (ground.images(host), ground.images(host, FAST)) == ({FIRST}, set())
    ground.whole_on(host)


def test_an_image_with_a_base_keeps_it(make: Make) -> None:
    ground = make("local")
    written(ground)
    base = f"{IMAGES}/{GUEST}-base.img"
    ground.on("h1", f"virsh destroy {GUEST}; mv {OLD} {base}; qemu-img create -q -f qcow2 -b {base} -F qcow2 {OLD}")
    ground.on("h1", f"virsh start {GUEST}")
    with_pool(ground)
    moved(ground)
    info = json.loads(ground.on("h1", f"qemu-img info -U --output=json {NEW}"))
    assert info["full-backing-filename"] == base
    ground.whole_on("h1")


def test_a_cancel(make: Make) -> None:
    ground = begun(make)
    assert ground.work is not None
    ground.work.send_signal(signal.SIGINT)
    code, document, said = ground.end()
    assert (code, document["outcome"]) == (130, "rolled_back"), said
    stayed(ground)


def test_the_command_is_killed(make: Make) -> None:
    """QEMU goes on, and keeps both images level once they are; the next command lets the guest go over."""
    ground = begun(make, "--synchronous-writes")
    ground.kill()
    assert ground.settled()["outcome"] == "migrated"
    assert ground.sources("h1") == {"vda": NEW}
    ground.whole_on("h1")


def test_the_daemon_is_killed(make: Make) -> None:
    ground = begun(make, "--synchronous-writes")
    ground.kill_daemon("h1")
    code, document, said = ground.end()
    if document.get("outcome") != "migrated":
        assert ground.settled()["outcome"] in ("migrated", "rolled_back"), (code, said)
    assert ground.sources("h1") in ({"vda": NEW}, {"vda": OLD})
    ground.whole_on("h1")


def test_the_guest_s_qemu_is_killed(make: Make) -> None:
    ground = begun(make)
    ground.kill_qemu("h1")
    code, document, said = ground.end()
    assert (code, document["outcome"]) == (1, "failed"), said
    assert "it has stopped" in said or "has stopped meanwhile" in said
    assert (ground.images("h1"), ground.images("h1", FAST)) == ({FIRST}, set())
    ground.on("h1", f"virsh start {GUEST}")
    ground.whole_on("h1")


def test_a_guest_that_writes_faster_than_its_disk_is_copied(make: Make) -> None:
    ground = begun(make)
    code, document, said = ground.end()
    assert (code, document["outcome"]) == (0, "migrated"), said
    told = ground.run("job", "show", document["job"]).stdout
    assert "done: let the guest's writes wait for the target's" in told
    ground.whole_on("h1")


def test_a_pool_that_fills_up(make: Make) -> None:
    ground = make("local")
    written(ground)
    ground.small_pool("h1", "7m")
    ground.on("h1", "dd if=/dev/zero of=/srv/small/other bs=64k count=60 2>/dev/null")
    ran = ground.run("disk", "move", GUEST, "vda", "--pool", "small", "-q", check=False)
    assert (ran.returncode, "storage.copy.space" in ran.stderr) == (3, True), ran.stderr
    assert ground.images("h1", "/srv/small") == {"other"}
    ground.whole_on("h1")
