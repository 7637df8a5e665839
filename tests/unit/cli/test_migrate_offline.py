"""`vmferry migrate --offline` on the fake world."""

from __future__ import annotations

import json

import pytest

from vmferry.fakes import FakeGuest, FakeWorld, MemoryJobs
from vmferry.flow.effects import What
from vmferry.flow.journal import Kind
from vmferry.model.guest import Disk, GuestState

from .conftest import Vmferry

OWN, SHARED = "/var/lib/libvirt/images/web.img", "/srv/shared/web.img"
MOVE = ("migrate", "web", "--to", "beta", "--offline")


@pytest.fixture
def web(world: FakeWorld) -> FakeGuest:
    disks = (Disk("vda", "disk", "file", OWN, "raw", "none"), Disk("vdb", "disk", "file", SHARED, "raw", "none"))
    guest = world.add_guest("web", "alpha", GuestState.SHUT_OFF, disks=disks)
    world.host("alpha").contents[OWN] = bytes(range(256)) * 100
    return guest


def places(world: FakeWorld, guest: FakeGuest) -> list[str]:
    return [name for name, host in world.hosts.items() if guest.uuid in host.defined]


def made(jobs: MemoryJobs) -> list[str]:
    job = jobs.jobs()[0]
    return [each.effect.what for each in jobs.journal(job.id) if each.kind is Kind.DONE and each.effect is not None]


def test_it_is_whole_on_its_target_and_the_old_image_is_kept(
    vmferry: Vmferry, world: FakeWorld, jobs: MemoryJobs, web: FakeGuest
) -> None:
    world.host("alpha").autostart.add(web.uuid)
    ran = vmferry(*MOVE, "-o", "json")
    assert ran.code == 0, ran.err
    document = json.loads(ran.out)
    (disk,) = document["disks"]
    assert (document["outcome"], document["target"], disk["disk"], disk["path"]) == ("migrated", "beta", "vda", OWN)
    assert (disk["source_volume"], disk["remove"]) == ("kept", f"on alpha: rm {OWN}")
    assert [check["ok"] for check in document["verification"]] == [True, True]
    assert document["measured"]["transferred_bytes"] == 25600
    assert places(world, web) == ["beta"]
    assert world.host("beta").contents[OWN] == world.host("alpha").contents[OWN]
    assert web.uuid in world.host("beta").autostart
    assert made(jobs) == [What.MAKE_VOLUME, What.DEFINE_TARGET, What.COPY, What.UNDEFINE_SOURCE]


@pytest.mark.parametrize("fate", ["remove", "rename"])
def test_what_becomes_of_the_old_image(vmferry: Vmferry, world: FakeWorld, web: FakeGuest, fate: str) -> None:
    assert vmferry(*MOVE, "--source-volumes", fate).code == 0
    assert [path.startswith(f"{OWN}.") for path in world.host("alpha").images] == ([] if fate == "remove" else [True])


def test_what_has_arrived_is_compared(vmferry: Vmferry, world: FakeWorld, web: FakeGuest) -> None:
    world.host("beta").faults.garbles.add("web.img")
    ran = vmferry(*MOVE)
    assert (ran.code, "is not what" in ran.err) == (4, True), ran.err
    assert (places(world, web), world.host("beta").images) == (["alpha"], {})


def test_a_guest_that_is_started_meanwhile_stays(vmferry: Vmferry, world: FakeWorld, web: FakeGuest) -> None:
    alpha = world.host("alpha")
    read = type(world.time).sleep

    def start(self: object, duration_s: float) -> None:
        read(world.time, duration_s)
        if world.host("beta").images:
            alpha.run(web.uuid, GuestState.RUNNING)

    world.time.sleep = start.__get__(world.time)  # type: ignore[method-assign]
    ran = vmferry(*MOVE)
    assert (ran.code, "touched meanwhile" in ran.err) == (4, True), ran.err
    assert (places(world, web), world.host("beta").images) == (["alpha"], {})


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((*MOVE, "--bandwidth", "1MiB/s"), 2, "--offline takes"),
        ((*MOVE, "--auto-converge"), 2, "--offline takes"),
        ((*MOVE, "--dry-run"), 2, "no --dry-run"),
        ((*MOVE, "--disk", "vda=local:qcow2"), 3, "vda stays raw"),
        ((*MOVE, "--disk", "vda=nowhere"), 3, "no active pool nowhere"),
        ((*MOVE, "--storage", "shared"), 3, "storage.shared"),
        (("migrate", "web", "--to", "nobody", "--offline"), 2, "nobody"),
    ],
)
def test_what_cannot_be(
    vmferry: Vmferry, world: FakeWorld, web: FakeGuest, arguments: tuple[str, ...], code: int, said: str
) -> None:
    ran = vmferry(*arguments)
    assert (ran.code, said in ran.err) == (code, True), ran.err
    assert (places(world, web), world.host("beta").images) == (["alpha"], {})


def test_the_target_to_which_least_has_to_be_carried_is_taken(
    vmferry: Vmferry, world: FakeWorld, web: FakeGuest
) -> None:
    world.host("gamma").memory_bytes = 1 << 40
    ran = vmferry("migrate", "web", "--offline", "-o", "json")
    assert (ran.code, json.loads(ran.out)["target"]) == (0, "gamma"), ran.err
    world.host("beta").pools = ()
    world.host("gamma").pools = ()
    world.host("alpha").pools = ()
    ran = vmferry("migrate", "web", "--offline")
    assert (ran.code, "alpha: storage.copy.target" in ran.err, "beta: storage.copy.target" in ran.err) == (
        3,
        True,
        True,
    )


def test_a_guest_that_runs_moves_live(vmferry: Vmferry, world: FakeWorld, web: FakeGuest) -> None:
    world.host("alpha").run(web.uuid, GuestState.RUNNING)
    ran = vmferry(*MOVE)
    assert (ran.code, "without --offline it moves live" in ran.err) == (2, True), ran.err


def test_and_one_that_is_off_needs_the_word(vmferry: Vmferry, web: FakeGuest) -> None:
    ran = vmferry("migrate", "web", "--to", "beta")
    assert (ran.code, "guest.running" in ran.err) == (3, True), ran.err
