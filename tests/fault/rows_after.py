"""Rows 79 to 90: after success, and of a fleet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from vmferry.model.holding import Room
from vmferry.model.job import Job, Plan
from vmferry.model.migration import MigrationResult
from vmferry.model.slots import Slots, Wait
from vmferry.service.adopting import find_underway, take_charge
from vmferry.service.fleet import Fleet
from vmferry.service.repairing import forget

from .ground import ADDRESS
from .rows import SOURCE, TARGET, CopyEffect, MemoryJobs, Outcome, Row

KEPT = "<domain><devices><disk type='file'><source file='{}'/><target dev='vda'/></disk></devices></domain>"


def row_79() -> None:
    """Undefine on the source fails: DST; said, its start at boot off, and tried again with pauses until it is gone."""
    row = Row()
    row.fault(CopyEffect.UNDEFINE_FAILS)
    row.run()
    assert ("w1", "undefine_off", SOURCE) in row.changes
    row.on_target()
    stays = Row()
    stays.fault(CopyEffect.UNDEFINE_FAILS)
    stays.source.autostart.add(stays.uuid)
    stays.source.faults.refuses["undefine_off"] = "cannot undefine domain with nvram"
    stays.run()
    assert stays.result.outcome is Outcome.MIGRATED
    assert "alpha still has a definition" in (stays.result.error or "")
    assert stays.target.active == {stays.uuid: "running"}
    assert stays.source.autostart == set()
    assert (stays.last().state, stays.last().worker) == ("left_behind", None)
    assert "cannot undefine domain with nvram" in (stays.result.error_detail or "")
    for tried in (1, 2, 3):
        assert stays.intents().count("remove the definition that has moved") == tried
        stays.reconcile()
        assert stays.intents().count("remove the definition that has moved") == tried, "not yet"
        stays.world.time.sleep(2.0**tried)
        stays.reconcile()
        assert "do not start it there" in (stays.result.error or "")
    stays.heal()
    stays.world.time.sleep(60)
    stays.reconcile()
    assert stays.result.error is None
    stays.on_target()


def row_79_with_the_guest_gone() -> None:
    """Once it has left the target by itself, what is on the source is nobody's to remove."""
    row = Row()
    row.fault(CopyEffect.UNDEFINE_FAILS)
    row.source.autostart.add(row.uuid)
    row.source.faults.refuses |= {"undefine_off": "read-only", "autostart_off": "read-only"}
    row.run()
    assert "will start it at its next boot" in (row.result.error or "")
    row.heal()
    row.witness.excuse("shut down by its user")
    row.target.end(row.uuid)
    row.world.time.sleep(60)
    row.reconcile()
    assert (row.last().state, row.result.outcome) == ("finished", Outcome.MIGRATED)
    assert "is left alone" in (row.result.error or "")
    assert row.uuid in row.source.defined


def row_79_forgotten() -> None:
    """A person may end it: the guest has moved all the same."""
    row = Row()
    row.fault(CopyEffect.UNDEFINE_FAILS)
    row.source.faults.refuses["undefine_off"] = "read-only"
    row.run()
    forget(row.tools("w8"), row.last())
    row.jobs.dead.add("w8")
    assert (row.last().state, row.result.outcome, row.result.error) == ("finished", Outcome.MIGRATED, None)
    assert row.unfinished() == ()


def row_80() -> None:
    """The definition on the target names the target's paths."""
    row = Row()
    row.target.shared_at = "/mnt/nfs/"
    row.run(real_check=True)
    row.on_target()
    assert [disk.source for disk in row.world.guests[row.uuid].disks] == ["/mnt/nfs/web.img"]
    assert row.last().plan.disks == (("vda", "/mnt/nfs/web.img"),)
    for there in ("/mnt/nfs/web.img", "/srv/shared/web.img"):
        kept = Row()
        kept.target.shared_at = "/mnt/nfs/"
        kept.source.kept_xml[kept.uuid] = KEPT.format("/srv/shared/web.img")
        kept.target.kept_xml[kept.uuid] = KEPT.format(there)
        kept.run(real_check=True)
        assert ("definition that is kept differ" in (kept.result.error or "")) is (there == "/srv/shared/web.img")
        kept.on_target()


def row_81() -> None:
    """Its address is not announced: DST; a warning names what does not answer."""
    row = Row()
    row.world.silent_guests.add(row.uuid)
    row.run()
    assert ADDRESS in (row.result.error or "")
    assert "on beta look at 52:54:00:00:00:01 at no device, network lab" in (row.result.error or "")
    row.on_target()


def row_84() -> None:
    """The store is lost: a running migration is adopted from what libvirt says; nothing destroyed blindly."""
    row = Row(limit_ms=None)
    row.dies(lambda method, state: method == "show")
    row.jobs = MemoryJobs(row.world.time)
    row.witness.jobs = row.jobs
    row.run(real_check=True)
    assert row.result.outcome is Outcome.REFUSED
    assert "outgoing migration" in (row.result.error or "")
    before = list(row.changes)
    with Fleet(row.connector, [host.entry for host in row.world.hosts.values()], 5) as fleet:
        found = find_underway(fleet, row.store, "web")
        job, lease = take_charge(fleet, row.tools("w7"), found)
        row.reconciler("w7").go_on(job, lease)
    row.jobs.dead.add("w7")
    assert row.changes == before
    row.on_target()


def row_88() -> None:
    """Limits at the same time: never exceeded, per host and per link."""
    for slots in (Slots(hosts_in=2), Slots(hosts_out=2), Slots(link=2), Slots(fleet=2)):
        row = Row()
        row.dies(lambda method, state: method == "reserve")
        entry = row.journal()
        answers = []
        for name in ("one", "two", "three"):
            result = MigrationResult(name, name, SOURCE, TARGET, None)
            job = Job(result, Plan(name, False, True, 1 << 20), "planned")
            lease = row.jobs.open(job, entry[0], name)
            answers.append(row.jobs.reserve(lease, replace(job, state="reserved"), entry[-1], Room(), slots))
        assert [type(each) for each in answers] == [type(None), Wait, Wait]
        row.reconcile()
        assert [each.state for each in row.jobs.jobs()].count("reserved") == 1, "the dead one's place is free"


AFTER: dict[int, Callable[[], None]] = {
    79: lambda: (row_79(), row_79_with_the_guest_gone(), row_79_forgotten())[0],
    80: row_80,
    81: row_81,
    84: row_84,
    88: row_88,
}
