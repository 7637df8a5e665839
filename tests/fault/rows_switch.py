"""Rows 57 to 78: the switch, and post-copy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from vmferry.facts.guest import Reason
from vmferry.flow.journal import Kind
from vmferry.flow.states import State
from vmferry.model.migration import MigrationOrder, Outcome
from vmferry.service.following import need_cancellable

from . import ground
from .rows import MB, SOURCE, TARGET, UNTAMED, CopyEffect, CopyFault, Leftover, Row, caught


def not_started(effect: CopyEffect = CopyEffect.FAILS, leftover: Leftover = Leftover.NOTHING) -> None:
    row = Row()
    row.fault(effect, 100, leftover=leftover)
    row.run()
    row.on_source()
    row.retry()


def row_58() -> None:
    """Finish reply lost: the target asked before anything; while it is silent, the source stays paused."""
    row = Row()
    row.fault(CopyEffect.LOSES_REPLY)
    row.run()
    row.on_target()
    locked = Row()
    locked.fault(CopyEffect.CONFIRM_FAILS)
    locked.dies(lambda method, state: state == "switched")
    locked.source.reasons[locked.uuid] = Reason.RESUME_FAILED  # libvirt has tried to, but the target has the lock
    locked.reconcile()
    assert "resume_held" not in {method for _, method, _ in locked.changes}
    locked.on_target()
    silent = Row()
    silent.fault(CopyEffect.CONFIRM_FAILS, silences=(TARGET,))
    silent.run()
    silent.in_doubt("could not be asked" if "could not" in (silent.result.error or "") else "beta")
    assert silent.source.active == {silent.uuid: "paused"}
    silent.reconcile()
    assert silent.source.active == {silent.uuid: "paused"}, "no resume without the target's word"
    silent.heal()
    silent.reconcile()
    assert ("destroy_held", SOURCE) in {(method, host) for _, method, host in silent.changes}
    silent.on_target()


def row_59() -> None:
    """Cut exactly at Finish, both seen: the same result whichever is read first."""

    def backwards(calls: Sequence[Callable[[], Any]], timeout_s: float) -> list[Any]:
        return ground.one_by_one(calls[::-1], timeout_s)[::-1]

    for effect in (CopyEffect.LOSES_REPLY, CopyEffect.HOLDS, CopyEffect.CONFIRM_FAILS):
        ends = []
        for together in (ground.one_by_one, backwards):
            row = Row()
            row.together = together
            row.fault(effect, 100, leftover=Leftover.PAUSED if effect is CopyEffect.HOLDS else Leftover.NOTHING)
            row.run()
            assert row.unfinished() == ()
            ends.append((row.result.outcome, row.witness.places))
        assert ends[0] == ends[1]


def row_60() -> None:
    """Only one side seen: no destructive action; in doubt until both are seen."""
    for effect in (CopyEffect.LOSES_REPLY, CopyEffect.CONFIRM_FAILS, CopyEffect.HOLDS):
        for host in (SOURCE, TARGET):
            row = Row()
            row.fault(effect, 100, silences=(host,))
            row.run()
            row.in_doubt("")
            row.reconcile()
            row.in_doubt("")
            row.heal()
            row.reconcile()
            row.on_source() if effect is CopyEffect.HOLDS else row.on_target()


def row_61() -> None:
    """Source daemon crash at PERFORM3_DONE: by what the target says."""
    runs = Row()
    runs.fault(CopyEffect.CONFIRM_FAILS)
    runs.dies(lambda method, state: state == "switched")
    runs.reconcile()
    runs.on_target()
    dead = Row()
    dead.fault(CopyEffect.HOLDS, 100)
    dead.dies(lambda method, state: state == "settling")
    dead.reconcile()
    dead.on_source()


def row_62() -> None:
    """Destination daemon crash at FINISH3: CPUs not started: SRC; running: DST."""
    not_started(leftover=Leftover.PAUSED)
    row = Row()
    row.fault(CopyEffect.LOSES_REPLY, silences=(TARGET,))
    row.run()
    row.in_doubt("not both hosts can be asked")
    row.heal()
    row.reconcile()
    row.on_target()


def row_64() -> None:
    """Confirm fails: DST; the paused source destroyed, never resumed."""
    row = Row()
    row.fault(CopyEffect.CONFIRM_FAILS)
    row.run()
    assert ("w1", "destroy_held", SOURCE) in row.changes
    assert "resume_held" not in {method for _, method, _ in row.changes}
    row.on_target()


def row_65() -> None:
    """Source host loses power right after Confirm: DST; on boot the source has no definition."""
    row = Row()
    row.dies(lambda method, state: state == "switched")
    row.world.kill(SOURCE)
    row.reconcile()
    row.in_doubt("not both hosts can be asked")
    row.heal()
    row.reconcile()
    row.on_target()


def row_66() -> None:
    """Destination loses power right after Confirm: guest down; old memory never reused."""
    row = Row()
    row.dies(lambda method, state: state == "switched")
    row.witness.excuse("power loss")
    row.world.kill(TARGET)
    row.reconcile()
    row.in_doubt("not both hosts can be asked")
    row.heal()
    row.reconcile()
    row.in_doubt("it arrived and stopped")
    assert row.source.active == row.target.active == {}
    assert row.uuid in row.target.defined


def row_67() -> None:
    """Validation fails: DST kept; reported; the old source never resumed."""
    row = Row()
    row.world.silent_guests.add(row.uuid)
    row.run()
    assert f"{ground.ADDRESS} does not answer" in (row.result.error or "")
    row.on_target()


def post_copy(**about: Any) -> Row:  # noqa: ANN401 - of Row
    return Row(dirty_bytes_s=UNTAMED, memory_bytes=300 * MB, **about)


def row_68() -> None:
    """Network lost: both halves kept; resumed: DST."""
    row = post_copy()
    row.fault(CopyEffect.LOSES_WAY, for_s=9.0)
    row.run()
    assert "resume a broken post-copy" in row.intents()
    row.on_target()
    lost = post_copy()
    lost.fault(CopyEffect.LOSES_WAY, for_s=1e9)
    lost.run()
    lost.in_doubt("both halves are kept")
    assert lost.source.reasons == lost.target.reasons == {lost.uuid: Reason.POST_COPY_FAILED}


def row_69() -> None:
    """Broken and recovered, twice: DST, its definition with it."""
    row = post_copy()
    row.fault(CopyEffect.LOSES_WAY, for_s=3.0)
    broken: list[float] = []

    def again(worker: str, where: str, method: str, given: tuple[Any, ...]) -> None:
        if method == "begin" and given[0].resume and not broken:
            broken.append(row.world.time.now_s())
            row.world.copies[row.uuid].fault = CopyFault(CopyEffect.LOSES_WAY, 0, for_s=1.0)  # type: ignore[attr-defined]

    acts = row._acts
    row._acts = lambda *given: (again(*given), acts(*given))[1]  # type: ignore[method-assign]
    row.run()
    assert broken
    assert row.intents().count("resume a broken post-copy") >= 2
    row.on_target()


def row_70() -> None:
    """Destination QEMU killed: the source is not resumed; the guest is lost."""
    row = post_copy()
    row.fault(CopyEffect.LOSES_WAY, for_s=1e9)
    row.dies(lambda method, state: state == "post-copy")
    row.world.time.sleep(5)
    row.world.pass_time()
    row.witness.excuse("killed")
    row.target.end(row.uuid)
    row.reconcile()
    row.in_doubt("the guest's memory is lost")
    assert row.source.active == {row.uuid: "paused"}


def row_71() -> None:
    """Source QEMU killed: the target is incomplete, declared lost, and not started anew by us."""
    row = post_copy()
    row.dies(lambda method, state: state == "post-copy")
    row.end(SOURCE, "killed")
    row.world.pass_time()
    row.reconcile()
    row.in_doubt("the guest's memory is lost")
    assert row.uuid in row.target.active
    held = post_copy()
    held.fault(CopyEffect.LOSES_WAY, for_s=1e9, unheard=True)
    sleep = held.world.time.sleep

    def and_kill(duration_s: float) -> None:
        """The source's libvirt goes on holding the job: the call never ends, and nothing of it is told."""
        sleep(duration_s)
        if held.source.reasons.get(held.uuid) is Reason.POST_COPY_FAILED:
            held.end(SOURCE, "killed")

    held.world.time.sleep = and_kill  # type: ignore[method-assign]
    held.run()
    held.in_doubt("the guest's memory is lost")
    assert held.uuid in held.target.active


def row_72() -> None:
    """Source daemon and controller gone: it goes on unattended; DST, seen later."""
    row = post_copy()
    row.dies(lambda method, state: state == "post-copy")
    row.source.faults.unreachable = "the daemon is down"
    row.world.time.sleep(60)
    row.world.pass_time()
    row.heal()
    row.reconcile()
    row.on_target()


def row_73() -> None:
    """Destination daemon killed: recoverable."""
    row = post_copy()
    row.fault(CopyEffect.LOSES_WAY, for_s=3.0, silences=(TARGET,))
    row.run()
    row.heal()
    row.go_on("w8", row.last()) if row.unfinished() else None
    row.jobs.dead.add("w8")
    row.on_target()


def row_74() -> None:
    """Disk I/O error on the target: recoverable; reported."""
    row = post_copy()
    row.fault(CopyEffect.LOSES_WAY, for_s=3.0)
    row.target.disk_problems[row.uuid] = (("vda", "QEMU stopped at an I/O error"),)
    row.run()
    assert "vda: QEMU stopped at an I/O error" in (row.result.error or "")
    row.on_target()


def row_75() -> None:
    """Resume while QEMU still sends: it waits; no second attempt beside the first."""
    row = post_copy()
    row.fault(CopyEffect.LOSES_WAY, for_s=20.0)
    row.run()
    tries = [each for each in row.journal() if each.effect is not None and "resume a broken" in each.effect.what]
    kinds = [each.kind for each in tries]
    assert kinds[::2] == [Kind.INTENT] * (len(kinds) // 2)
    assert Kind.INTENT not in kinds[1::2]
    assert any("still running" in each.text for each in tries)
    row.on_target()


def row_76() -> None:
    """Guest powers off on the target during recovery: nothing is started; off on both once a person agrees."""
    row = post_copy()
    row.dies(lambda method, state: state == "post-copy")
    row.end(TARGET, "powered off")
    row.world.pass_time()
    row.reconcile()
    row.in_doubt("destroy what is left of it on both")
    row.source.end(row.uuid)
    row.world.copies.clear()
    row.go_on("w8", row.last())
    row.jobs.dead.add("w8")
    row.stopped()


def row_77() -> None:
    """User asks for the end in post-copy: refused with the reason."""
    row = post_copy()
    row.dies(lambda method, state: state == "post-copy")
    refusal = caught(lambda: need_cancellable(row.last()))
    assert "post-copy" in refusal.message
    assert "neither has it whole" in refusal.message
    row.cancel.set()
    row.go_on("w2", row.last(), cancel=row.cancel)
    row.jobs.dead.add("w2")
    assert "abort" not in {method for _, method, _ in row.changes}
    row.on_target()


def row_78() -> None:
    """Resume of a healthy or absent migration: refused, no side effect."""
    row = post_copy()
    order = MigrationOrder(row.uuid, row.target.entry.uri, None, True, resume=True)
    absent = row.connector.connect(row.source.entry, 5).begin(order)
    assert "is not being migrated" in (absent.problem.detail if absent.problem else "")
    row.dies(lambda method, state: state == "post-copy")
    healthy = row.connector.connect(row.source.entry, 5).begin(order)
    assert "actively monitored" in (healthy.problem.detail if healthy.problem else "")
    assert row.last().state == State.POST_COPY
    row.go_on("w2", row.last())
    row.jobs.dead.add("w2")
    assert row.result.outcome is Outcome.MIGRATED
    row.on_target()


SWITCH: dict[int, Callable[[], None]] = {
    57: lambda: not_started(CopyEffect.HOLDS),
    58: row_58,
    59: row_59,
    60: row_60,
    61: row_61,
    62: row_62,
    63: not_started,
    64: row_64,
    65: row_65,
    66: row_66,
    67: row_67,
    68: row_68,
    69: row_69,
    70: row_70,
    71: row_71,
    72: row_72,
    73: row_73,
    74: row_74,
    75: row_75,
    76: row_76,
    77: row_77,
    78: row_78,
}
