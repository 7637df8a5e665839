"""`vmferry disk move` on the fake world."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from vmferry.facts.pool import Pool
from vmferry.fakes import FakeGuest, FakeWorld, MemoryJobs
from vmferry.flow.effects import What
from vmferry.flow.journal import Kind
from vmferry.model.guest import Disk, GuestState

from .conftest import Vmferry

OLD, NEW = "/var/lib/libvirt/images/web.qcow2", "/fast/web.qcow2"
FAST = Pool("fast", "dir", True, True, "/fast", capacity_bytes=1 << 40, available_bytes=1 << 39)
MOVE = ("disk", "move", "web", "vda", "--pool", "fast")


@pytest.fixture
def web(world: FakeWorld) -> FakeGuest:
    alpha = world.host("alpha")
    alpha.pools = (*alpha.pools, FAST)
    return world.add_guest("web", "alpha", disks=(Disk("vda", "disk", "file", OLD, "qcow2", "none"),))


def image(world: FakeWorld, guest: FakeGuest) -> str | None:
    return world.guests[guest.uuid].disks[0].source


def made(jobs: MemoryJobs) -> list[tuple[str, str]]:
    job = jobs.jobs()[0]
    return [(each.kind, each.effect.what) for each in jobs.journal(job.id) if each.effect is not None]


def test_it_is_on_its_new_image_and_the_old_one_is_kept(
    vmferry: Vmferry, world: FakeWorld, jobs: MemoryJobs, web: FakeGuest
) -> None:
    ran = vmferry(*MOVE, "-o", "json")
    assert ran.code == 0, ran.err
    document = json.loads(ran.out)
    (disk,) = document["disks"]
    assert (document["outcome"], disk["path"], disk["source_volume"]) == ("migrated", NEW, "kept")
    assert disk["remove"] == f"on alpha: rm {OLD}"
    assert [check["ok"] for check in document["verification"]] == [True, True]
    assert image(world, web) == NEW
    assert set(world.host("alpha").images) == {OLD, NEW}
    assert made(jobs) == [
        (Kind.INTENT, What.MAKE_VOLUME),
        (Kind.DONE, What.MAKE_VOLUME),
        (Kind.INTENT, What.COPY),
        (Kind.INTENT, What.PIVOT),
        (Kind.DONE, What.PIVOT),
        (Kind.DONE, What.COPY),
    ]


@pytest.mark.parametrize("fate", ["remove", "rename"])
def test_what_becomes_of_the_old_image(vmferry: Vmferry, world: FakeWorld, web: FakeGuest, fate: str) -> None:
    assert vmferry(*MOVE, "--source-volumes", fate).code == 0
    left = set(world.host("alpha").images) - {NEW}
    assert [each.startswith(f"{OLD}.") for each in left] == ([] if fate == "remove" else [True])


def test_another_format_and_name(vmferry: Vmferry, world: FakeWorld, web: FakeGuest) -> None:
    assert vmferry(*MOVE, "--format", "raw").code == 0
    assert world.guests[web.uuid].disks[0].format == "raw"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("disk", "move", "web", "vdz", "--pool", "fast"), 3, "has no such disk"),
        (("disk", "move", "web", "vda", "--pool", "slow"), 3, "alpha has no active pool slow"),
        (("disk", "move", "web", "vda", "--pool", "local"), 3, "storage.copy"),
        (("disk", "move", "nobody", "vda", "--pool", "fast"), 2, "nobody"),
        (("disk", "move", "web", "vda"), 2, "--pool"),
        ((*MOVE, "--format", "vmdk"), 2, "vmdk"),
        ((*MOVE, "--max-time", "0"), 2, "0"),
    ],
)
def test_what_cannot_be(
    vmferry: Vmferry, world: FakeWorld, web: FakeGuest, arguments: tuple[str, ...], code: int, said: str
) -> None:
    ran = vmferry(*arguments)
    assert (ran.code, said in ran.err) == (code, True), ran.err
    assert set(world.host("alpha").images) == {OLD}


def test_an_image_that_is_there_already(vmferry: Vmferry, world: FakeWorld, web: FakeGuest) -> None:
    world.host("alpha").images[NEW] = 7
    ran = vmferry(*MOVE)
    assert (ran.code, f"alpha has an image of that name already: {NEW}" in ran.err) == (3, True), ran.err
    assert world.host("alpha").images == {OLD: web.disk_bytes, NEW: 7}


def test_a_guest_that_is_off_is_refused(vmferry: Vmferry, world: FakeWorld, web: FakeGuest) -> None:
    world.host("alpha").end(web.uuid)
    ran = vmferry(*MOVE)
    assert (ran.code, "guest.running" in ran.err) == (3, True), ran.err


def test_a_guest_that_writes_faster_than_it_is_copied_has_to_wait(
    vmferry: Vmferry, world: FakeWorld, jobs: MemoryJobs, web: FakeGuest
) -> None:
    world.guests[web.uuid] = replace(web, disk_writes_bytes_s=10 << 20)
    assert vmferry(*MOVE, "--bandwidth", "8MiB/s").code == 0
    assert (Kind.DONE, What.SYNCHRONOUS_WRITES) in made(jobs)
    assert image(world, web) == NEW


def test_its_time_is_over(vmferry: Vmferry, world: FakeWorld, jobs: MemoryJobs, web: FakeGuest) -> None:
    ran = vmferry(*MOVE, "--bandwidth", "1MiB/s", "--max-time", "5")
    assert (ran.code, "its time of 5 s is over" in ran.err) == (4, True), ran.err
    assert (image(world, web), set(world.host("alpha").images)) == (OLD, {OLD})
    assert world.host("alpha").block_copies == {}


def test_the_kept_definition_is_brought_along(
    vmferry: Vmferry, world: FakeWorld, jobs: MemoryJobs, web: FakeGuest
) -> None:
    world.host("alpha").kept_disks[web.uuid, "vda"] = OLD
    assert vmferry(*MOVE).code == 0
    assert (Kind.DONE, What.KEEP_DISK) in made(jobs)
    assert world.host("alpha").kept_disks == {}


def test_the_guest_stops_in_the_middle(vmferry: Vmferry, world: FakeWorld, jobs: MemoryJobs, web: FakeGuest) -> None:
    alpha = world.host("alpha")
    show = jobs.show

    def stop(job: str, progress: object) -> None:
        show(job, progress)  # type: ignore[arg-type]
        alpha.end(web.uuid)

    jobs.show = stop  # type: ignore[method-assign]
    ran = vmferry(*MOVE, "--bandwidth", "1MiB/s")
    assert ran.code == 1, ran.err
    assert "web has stopped meanwhile; its vda is where it was" in ran.err
    assert set(alpha.images) == {OLD}
    assert alpha.state(web.uuid) is GuestState.SHUT_OFF
