"""A guest that is off, and its disks: carried, compared, and started where it has come to."""

from __future__ import annotations

import json
import signal

import pytest

from ..faults.conftest import GUEST, until
from ..guests import page_when
from .conftest import IMAGES, Disks, Make

FIRST = f"{GUEST}-0.img"


def off(ground: Disks, host: str = "h1") -> Disks:
    """It has written all of its disks, and is off."""
    page_when(ground.address, lambda page: all(disk.cycles >= 2 for disk in page.disks))
    ground.on(host, f"virsh destroy {GUEST}")
    return ground


def carried(ground: Disks, *options: str, to: str = "h2") -> dict[str, object]:
    ran = ground.run("migrate", GUEST, "--to", to, "--offline", "-q", "-o", "json", *options, check=False)
    assert ran.returncode == 0, ran.stderr
    document = json.loads(ran.stdout)
    assert [check["ok"] for check in document["verification"]] == [True, True]
    return dict(document)


def defined(ground: Disks) -> set[str]:
    return set(ground.states_of(("h1", "h2", "h3")))


def starts_whole(ground: Disks, host: str) -> None:
    """It recalls what it has written before, and finds no damage in it."""
    assert defined(ground) == {host}
    ground.on(host, f"virsh start {GUEST}")
    ground.whole_on(host)


def sum_of(ground: Disks, host: str, path: str) -> str:
    return ground.on(host, f"sha256sum {path}").split()[0]


@pytest.mark.parametrize(("source", "target"), [("h3", "h1"), ("h1", "h3")])
def test_between_hosts_of_each_generation(make: Make, source: str, target: str) -> None:
    ground = make("local")
    if source != "h1":
        ground.migrated("--source-volumes", "remove", to=source)
    off(ground, source)
    path = f"{IMAGES}/{FIRST}"
    before = sum_of(ground, source, path)
    document = carried(ground, to=target)
    (disk,) = document["disks"]  # type: ignore[misc]
    assert disk["remove"] == f"on {source}: rm {path}"
    assert sum_of(ground, target, path) == before == sum_of(ground, source, path)
    assert ground.allocated(target, path) <= 1.1 * ground.allocated(source, path) + (1 << 20)
    starts_whole(ground, target)


def test_a_sparse_raw_image_and_one_that_is_shared(make: Make) -> None:
    ground = off(make("local", "shared"))
    path, xml = f"{IMAGES}/{FIRST}", f"/tmp/{GUEST}.xml"
    ground.on(
        "h1",
        f"qemu-img convert -O raw {path} {path}.raw; mv {path}.raw {path}; truncate -s 1G {path};"
        f" virsh dumpxml --inactive {GUEST} >{xml}; sed -i \"0,/type='qcow2'/s//type='raw'/\" {xml};"
        f" virsh define {xml}; rm {xml}",
    )
    document = carried(ground, "--source-volumes", "remove")
    assert [disk["disk"] for disk in document["disks"]] == ["vda"]  # type: ignore[attr-defined]
    assert (ground.images("h1"), ground.images("h2")) == (set(), {FIRST})
    assert ground.on("h2", f"stat -c %s {path}").strip() == str(1 << 30)
    assert ground.allocated("h2", path) <= 8 << 20
    starts_whole(ground, "h2")


def begun(make: Make) -> Disks:
    ground = make("local", size="256MiB")
    ground.on(
        "h1", f"virsh destroy {GUEST}; qemu-io -t none -f qcow2 -c 'write -P 7 0 256M' {IMAGES}/{FIRST} >/dev/null"
    )
    ground.launch("migrate", GUEST, "--to", "h2", "--offline")
    until(lambda: ground.allocated("h2", f"{IMAGES}/{FIRST}") > 1 << 20)
    return ground


def stayed(ground: Disks) -> None:
    ground.fast()
    assert defined(ground) == {"h1"}
    assert (ground.images("h1"), ground.images("h2")) == ({FIRST}, set())
    carried(ground)
    starts_whole(ground, "h2")


def test_a_cancel(make: Make) -> None:
    ground = begun(make)
    assert ground.work is not None
    ground.work.send_signal(signal.SIGINT)
    code, document, said = ground.end()
    assert (code, document["outcome"]) == (130, "rolled_back"), said
    stayed(ground)


def test_the_command_is_killed(make: Make) -> None:
    ground = begun(make)
    ground.kill()
    assert ground.settled()["outcome"] == "rolled_back"
    stayed(ground)


@pytest.mark.parametrize("host", ["h1", "h2"])
def test_a_daemon_is_killed(make: Make, host: str) -> None:
    """The copy goes on where it was."""
    ground = begun(make)
    before = sum_of(ground, "h1", f"{IMAGES}/{FIRST}")
    ground.kill_daemon(host)
    ground.fast()
    code, document, said = ground.end()
    assert (code, document["outcome"]) == (0, "migrated"), said
    assert sum_of(ground, "h2", f"{IMAGES}/{FIRST}") == before
    starts_whole(ground, "h2")


def test_a_guest_that_is_started_meanwhile_stays(make: Make) -> None:
    ground = begun(make)
    ground.on("h1", f"virsh start {GUEST}")
    ground.fast()
    code, document, said = ground.end()
    assert (code, document["outcome"]) == (4, "rolled_back"), said
    assert "touched meanwhile" in said
    assert (ground.images("h1"), ground.images("h2")) == ({FIRST}, set())
    ground.whole_on("h1")
