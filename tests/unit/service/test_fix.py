"""A fix of a host in memory: all of it is done or none of it stays, and it can be put back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vmferry.errors import Failed, InDoubt, Refused, VmferryError
from vmferry.facts.system import Unit
from vmferry.fakes import FakeDisk, FakeMenders, FakeWorld
from vmferry.ports import Mender
from vmferry.repair.change import Change, Definition, Item, Kind, Left, Plan, Pool
from vmferry.repair.daemons import daemon_changes
from vmferry.service.fix import Fix, to_undo, undo_all, would_undo

CONF = "/etc/libvirt/libvirtd.conf"
OLD, NEW = 'auth_tcp = "none"\n', 'auth_tcp = "sasl"\n'
FILE = Change(Kind.FILE, CONF, OLD, NEW, (Item("auth_tcp", "none", "sasl"),), ("libvirtd.service",))
DIRECTORY = Change(Kind.DIRECTORY, "/srv/images", None, "711")
POOL = Change(Kind.POOL, "images", None, Pool("images", "<pool/>\n", True, True).text)
GUEST = Change(Kind.GUEST, "1", "<domain vectors='33'/>", "<domain vectors='32'/>")
PLAN = Plan((FILE, DIRECTORY, POOL, GUEST), (Left("something", "a choice"),))


@pytest.fixture
def world() -> FakeWorld:
    world = FakeWorld()
    world.add_host("h1")
    return world


@pytest.fixture
def menders(world: FakeWorld) -> FakeMenders:
    return FakeMenders(world)


@pytest.fixture
def disk(menders: FakeMenders) -> FakeDisk:
    disk = menders.disks["h1"]
    disk.files[CONF] = OLD
    disk.definitions["1"] = Definition("1", "web", GUEST.before or "", True)
    return disk


@pytest.fixture
def mender(world: FakeWorld, menders: FakeMenders, disk: FakeDisk) -> Mender:
    return menders.open(world.host("h1").entry, 5.0)


def quiet(message: str) -> None:
    assert message


def fixed(mender: Mender, plan: Plan = PLAN, id: str = "1") -> None:
    done = Fix(mender, plan, id, quiet).run()
    assert [change.name for change in done.changes] == [change.name for change in plan.changes]


def state(disk: FakeDisk) -> tuple[object, ...]:
    return dict(disk.files), dict(disk.units), dict(disk.directories), dict(disk.pools), dict(disk.definitions)


def test_all_of_it_is_done_and_the_old_file_kept(mender: Mender, disk: FakeDisk) -> None:
    done = Fix(mender, PLAN, "1", quiet).run()
    assert (disk.files[CONF], disk.directories["/srv/images"], disk.pools["images"].active) == (NEW, "711", True)
    assert disk.definitions["1"].xml == GUEST.after
    assert disk.backups == {f"{CONF}.vmferry-1": OLD}
    assert (disk.restarted, done.restarted, done.left) == (["libvirtd.service"], ("libvirtd.service",), PLAN.left)


def test_it_is_put_back(mender: Mender, disk: FakeDisk) -> None:
    before = state(disk)
    fixed(mender)
    assert [change.name for change in would_undo(mender).changes] == ["1", "images", "/srv/images", CONF]
    undone = undo_all(mender, quiet)
    assert (state(disk), undone.left, undone.restarted) == (before, (), ("libvirtd.service",))
    assert to_undo(mender) == ()
    assert undo_all(mender, quiet).changes == ()


def test_two_fixes_are_put_back_the_last_one_first(mender: Mender, disk: FakeDisk) -> None:
    before = state(disk)
    fixed(mender, Plan((FILE,)))
    fixed(mender, Plan((replace(FILE, before=NEW, after="third\n"),)), "2")
    assert len(would_undo(mender).changes) == 2
    undo_all(mender, quiet)
    assert state(disk) == before


def test_what_was_changed_since_is_left(mender: Mender, disk: FakeDisk) -> None:
    fixed(mender)
    disk.files[CONF] = "by hand\n"
    assert [left.what for left in would_undo(mender).left] == [CONF]
    undone = undo_all(mender, quiet)
    assert (disk.files[CONF], [left.what for left in undone.left]) == ("by hand\n", [CONF])
    assert "/srv/images" not in disk.directories


def test_a_daemon_that_does_not_come_back_gets_its_old_file_back(mender: Mender, disk: FakeDisk) -> None:
    before = state(disk)
    disk.broken[CONF] = NEW
    with pytest.raises(Failed, match="did not come back within 30 s; everything is as it was before"):
        Fix(mender, PLAN, "1", quiet).run()
    assert state(disk) == before
    assert mender.answers(1)
    assert to_undo(mender) == ()


@pytest.mark.parametrize("name", [CONF, "/srv/images", "images", "1"])
def test_a_failure_anywhere_leaves_nothing(mender: Mender, disk: FakeDisk, name: str) -> None:
    before = state(disk)
    disk.fails.add(name)
    with pytest.raises(Failed, match="no space left; everything is as it was before"):
        Fix(mender, PLAN, "1", quiet).run()
    assert state(disk) == before


@pytest.mark.parametrize("name", [CONF, "/srv/images", "images", "1"])
def test_an_interruption_anywhere_leaves_nothing(mender: Mender, disk: FakeDisk, name: str) -> None:
    before = state(disk)
    disk.interrupts = name
    with pytest.raises(KeyboardInterrupt):
        Fix(mender, PLAN, "1", quiet).run()
    assert state(disk) == before


def test_a_file_that_changed_meanwhile_is_nobodys_to_overwrite(mender: Mender, disk: FakeDisk) -> None:
    disk.files[CONF] = "by hand\n"
    with pytest.raises(Refused, match="changed meanwhile"):
        Fix(mender, Plan((replace(FILE, name="/etc/libvirt/qemu.conf", before=None), FILE)), "1", quiet).run()
    assert disk.files == {CONF: "by hand\n"}


def test_what_cannot_be_put_back_is_told(mender: Mender, disk: FakeDisk) -> None:
    disk.fails |= {"1"}
    plan = Plan((DIRECTORY, GUEST))

    def say(message: str) -> None:
        if "putting everything back" in message:
            disk.fails.add("/srv/images")

    with pytest.raises(InDoubt, match="--undo"):
        Fix(mender, plan, "1", say).run()
    assert [record.id for record in to_undo(mender)] == ["1"]


@pytest.mark.parametrize("cut", range(len(PLAN.changes) + 1))
def test_a_crash_anywhere_can_be_put_back(mender: Mender, disk: FakeDisk, cut: int) -> None:
    """The record is written before the first change; `cut` of them were made when the controller died."""
    before = state(disk)
    fixed(mender)
    for change in reversed(PLAN.changes[cut:]):
        mender.put(change.reversed)
    assert [change.name for change in undo_all(mender, quiet).changes] == [
        change.name for change in reversed(PLAN.changes[:cut])
    ]
    assert state(disk) == before


def test_nothing_is_restarted_while_a_guest_migrates(mender: Mender, disk: FakeDisk) -> None:
    before = state(disk)
    disk.jobs = (("web", "outgoing migration"),)
    with pytest.raises(Refused, match=r"web \(outgoing migration\)"):
        Fix(mender, PLAN, "1", quiet).run()
    assert (state(disk), disk.records, disk.restarted) == (before, {}, [])


def test_a_migration_that_begins_just_before_the_restart(mender: Mender, disk: FakeDisk) -> None:
    before = state(disk)

    def say(message: str) -> None:
        disk.jobs = (("web", "incoming migration"),) if message.startswith("changing") else ()

    with pytest.raises(Refused, match="incoming migration"):
        Fix(mender, PLAN, "1", say).run()
    assert state(disk) == before


def test_nothing_is_put_back_while_a_guest_migrates(mender: Mender, disk: FakeDisk) -> None:
    fixed(mender)
    after = state(disk)
    disk.jobs = (("web", "outgoing migration"),)
    with pytest.raises(Refused):
        undo_all(mender, quiet)
    assert state(disk) == after


def test_a_libvirt_that_does_not_say_what_migrates(mender: Mender, disk: FakeDisk, world: FakeWorld) -> None:
    world.host("h1").faults.unreachable = "no route to host"
    with pytest.raises(Refused, match="does not tell whether something migrates"):
        Fix(mender, PLAN, "1", quiet).run()
    assert disk.files[CONF] == OLD


def test_a_daemon_that_is_off_is_started_once(mender: Mender, disk: FakeDisk) -> None:
    disk.units = {name: Unit(name, "loaded", "inactive", "disabled") for name in disk.units}
    before = state(disk)
    changes, _ = daemon_changes(disk.units)
    fixed(mender, Plan((FILE, *changes)))
    assert (disk.restarted, mender.answers(1)) == ([], True)
    undo_all(mender, quiet)
    assert state(disk) == before


def test_a_daemon_that_does_not_start(mender: Mender, disk: FakeDisk) -> None:
    disk.units = {name: Unit(name, "loaded", "inactive", "disabled") for name in disk.units}
    disk.broken[CONF] = OLD
    changes, _ = daemon_changes(disk.units)
    with pytest.raises(VmferryError, match="did not come back"):
        Fix(mender, Plan(changes), "1", quiet).run()
    assert not mender.answers(1)
