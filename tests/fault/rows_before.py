"""Rows 1 to 16: before anything moves, and while the target is prepared."""

from __future__ import annotations

from collections.abc import Callable

from vmferry.model.holding import Room
from vmferry.model.job import Job, Plan
from vmferry.model.migration import MigrationResult

from .rows import SOURCE, TARGET, CopyEffect, Outcome, Reason, Row, caught

GIB = 1 << 30


def refused_by_libvirt(text: str) -> Row:
    """What has changed since the check is libvirt's to say, and is said as it says it."""
    row = Row()
    row.refuses(text)
    row.run()
    row.on_source()
    assert text in (row.result.error_detail or "")
    return row


def row_1() -> None:
    """Controller dies after the plan is stored: SRC; no claim held."""
    row = Row()
    row.dies(lambda method, state: state == "checked")
    assert row.changes == []
    row.reconcile()
    row.on_source()
    assert "nothing was changed" in (row.result.error or "")
    row.retry()


def row_2() -> None:
    """Controller dies holding a claim: SRC; the claim is released by the reconciler."""
    row = Row()
    row.dies(lambda method, state: method == "reserve")
    other = Job(
        MigrationResult("other", "db", SOURCE, TARGET, None), Plan("db", False, True, row.guest.memory_bytes), "planned"
    )
    first = row.journal()[0]
    lease = row.jobs.open(other, first, "w9")
    claim = row.journal()[-1]
    room_bytes = row.guest.memory_bytes
    assert row.jobs.reserve(lease, other, claim, Room(room_bytes)) is not None
    row.reconcile()
    assert row.jobs.reserve(lease, other, claim, Room(room_bytes)) is None
    assert row.jobs.job("job-1").result.outcome is Outcome.ROLLED_BACK
    assert row.changes == []


def row_3() -> None:
    """Bridge vanishes between check and Prepare: SRC; the error names it."""
    refused_by_libvirt("Cannot get interface MTU on 'br7': No such device").retry()


def row_4() -> None:
    """Destination refuses at connect: SRC; bounded time; clean."""
    row = refused_by_libvirt("operation failed: Failed to connect to remote libvirt URI qemu+ssh://beta/system")
    assert row.world.time.now_s() < 60
    silent = Row()
    source, target = silent.migration("w1"), silent.target.faults
    target.unreachable = "no route to host"
    source.run()
    silent.jobs.dead.add("w1")
    silent.in_doubt("not both hosts can be asked")
    assert silent.source.active == {silent.uuid: "running"}
    silent.heal()
    silent.reconcile()
    silent.on_source()
    silent.retry()


def row_5() -> None:
    """Two controllers: one wins, the other conflicts without side effects."""
    row = Row()
    refusals = []
    row.at(50, lambda: refusals.append(caught(row.run)))
    row.run()
    row.on_target()
    assert [type(each).__name__ for each in refusals] == ["Refused"]
    assert "job-1" in refusals[0].message
    assert {worker for worker, _, _ in row.changes} == {"w1"}


def row_6() -> None:
    """Guest stops between plan and Begin: nothing started; claim released."""
    row = Row(limit_ms=None)
    migration = row.migration("w1")
    row.end(SOURCE, "it stopped")
    migration.free = lambda: True  # type: ignore[attr-defined]
    migration.run()
    row.jobs.dead.add("w1")
    row.stopped()
    gone = Row(limit_ms=None)
    migration = gone.migration("w1")
    gone.end(SOURCE, "it stopped")
    gone.witness.undefined = True
    gone.source.defined.clear()
    migration.free = lambda: True  # type: ignore[attr-defined]
    migration.run()
    gone.in_doubt("neither alpha nor beta knows the guest any more")
    assert gone.source.active == gone.target.active == {}


def row_7() -> None:
    """A block job appears after the check: SRC; refused with the new reason."""
    refused_by_libvirt("Requested operation is not valid: domain has active block job").retry()
    row = Row()
    row.source.other_jobs[row.uuid] = "backup"
    row.run(real_check=True)
    row.on_source(Outcome.REFUSED)
    assert "backup" in (row.result.error or "")


def row_8() -> None:
    """Destination hook exits != 0: SRC; clean; its output shown."""
    refused_by_libvirt("Hook script execution failed: internal error: qemu hook: no space for this guest").retry()


def row_9() -> None:
    """Destination QEMU cannot allocate RAM: SRC; no domain."""
    row = Row()
    row.fault(CopyEffect.FAILS, 0)
    row.run()
    row.on_source()
    row.retry()


def row_10() -> None:
    """Destination daemon killed in Prepare: SRC; after its restart no incoming domain."""
    row = Row()
    row.fault(CopyEffect.FAILS, 0, silences=(TARGET,))
    row.run()
    row.in_doubt("not both hosts can be asked")
    assert row.source.active == {row.uuid: "running"}
    row.heal()
    row.reconcile()
    row.on_source()
    row.retry()


def row_11() -> None:
    """Destination host loses power in Prepare: SRC; clean once it returns."""
    row = Row()
    row.fault(CopyEffect.TARGET_DIES, 0)
    row.run()
    row.in_doubt("not both hosts can be asked")
    row.heal()
    row.reconcile()
    row.on_source()
    row.retry()


def row_12() -> None:
    """Controller dies between Prepare and Perform: SRC; the incoming domain destroyed once the source is seen."""
    row = Row()
    row.dies(lambda method, state: state == "copying")
    row.target.run(row.uuid, row.source.active[row.uuid].__class__.PAUSED, Reason.MIGRATION)
    row.witness.look("it is left")
    row.reconcile()
    assert ("w2", "destroy_held", TARGET) in row.changes
    row.on_source()
    row.retry()


def row_15() -> None:
    """Port range exhausted: SRC; clear error."""
    refused_by_libvirt("Unable to find an unused port in range 'migration' (49152-49215)").retry()


def row_16() -> None:
    """Same name with another UUID, or the same UUID, on the target: SRC; refused."""
    named = Row()
    named.world.add_guest("web", TARGET)
    named.run(real_check=True)
    assert named.result.outcome is Outcome.REFUSED
    assert "guest.identity" in (named.result.error or "")
    assert named.changes == []
    same = Row()
    same.target.defined.add(same.uuid)
    same.witness.by_hand.add(TARGET)
    same.witness.look("defined by hand")
    same.run(real_check=True)
    assert same.result.outcome is Outcome.REFUSED
    assert same.uuid in same.target.defined, "what was there before is left alone"
    assert same.changes == []


BEFORE: dict[int, Callable[[], None]] = {
    1: row_1, 2: row_2, 3: row_3, 4: row_4, 5: row_5, 6: row_6, 7: row_7, 8: row_8, 9: row_9, 10: row_10, 11: row_11,
    12: row_12, 15: row_15, 16: row_16,
}  # fmt: skip
