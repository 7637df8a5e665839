"""Rows 30 to 56: while memory is copied."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vmferry.fakes import Leftover

from .eyes import Watched
from .rows import MB, SOURCE, TARGET, UNTAMED, CopyEffect, Fenced, GuestState, Reason, Row, caught


def fails(leftover: Leftover = Leftover.NOTHING, at_percent: int = 50, effect: CopyEffect = CopyEffect.FAILS) -> None:
    row = Row()
    row.fault(effect, at_percent, leftover=leftover)
    row.run()
    row.on_source()
    row.retry()


def target_qemu_dies() -> None:
    row = Row()
    row.at(50, lambda: row.end(TARGET, "killed"))
    row.run()
    row.on_source()
    assert "Lost connection to destination host" in (row.result.error_detail or "")
    row.retry()


def source_qemu_dies() -> None:
    row = Row()
    row.at(50, lambda: row.end(SOURCE, "killed"))
    row.run()
    row.stopped()
    assert "resume_held" not in {method for _, method, _ in row.changes}


def daemon_dies(host: str) -> None:
    row = Row()
    row.fault(CopyEffect.FAILS, silences=(host,))
    row.run()
    row.in_doubt("not both hosts can be asked")
    assert row.source.active == {row.uuid: "running"}
    row.heal()
    row.reconcile()
    row.on_source()
    row.retry()


def row_31() -> None:
    """Destination QEMU killed, source paused: SRC resumed."""
    for leftover in (Leftover.NOTHING, Leftover.PAUSED):
        fails(leftover, 99, CopyEffect.HOLDS)


def row_38() -> None:
    """Daemon restarted: re-adopted, not duplicated."""
    row = Row()
    row.fault(CopyEffect.LOSES_TOUCH)
    row.run()
    row.on_target()
    assert row.intents().count("copy the guest") == 1
    taken = Row()
    taken.dies(lambda method, state: method == "show")
    taken.go_on("w2", taken.last())
    taken.jobs.dead.add("w2")
    taken.on_target()
    assert taken.intents().count("copy the guest") == 1


def row_39() -> None:
    """Network gap shorter than the keepalive: DST."""
    row = Row()
    row.at(50, lambda: row.world.time.sleep(8))
    row.run()
    row.on_target()


def row_41() -> None:
    """A longer gap, keepalive off on the target: SRC; the paused leftover destroyed by us."""
    row = Row()
    row.fault(CopyEffect.FAILS, leftover=Leftover.PAUSED)
    row.run()
    assert ("w1", "destroy_held", TARGET) in row.changes
    row.on_source()
    row.retry()


def row_42() -> None:
    """Only the data port blocked: the limit of no progress aborts, or that of time; SRC. It hits no slow copy."""
    row = Row()
    row.fault(CopyEffect.STALLS)
    row.run(post_copy=False, stall_timeout_s=30.0)
    row.on_source()
    assert row.world.time.now_s() < 60
    assert "nothing was sent for 30 s" in (row.result.error or "")
    row.retry()
    late = Row()
    late.fault(CopyEffect.STALLS)
    late.run(max_time_s=20.0, post_copy=False)
    late.on_source()
    assert "time of 20 s is over" in (late.result.error or "")
    slow = Row()
    slow.run(stall_timeout_s=30.0, bandwidth_bytes_s=slow.guest.memory_bytes // 300)
    slow.on_target()


def row_44() -> None:
    """Never converges: the ladder, bounded; tuning restored."""
    row = Row(dirty_bytes_s=UNTAMED, memory_bytes=1000 * MB)
    row.run(post_copy=False)
    assert "abort the copy" in row.intents()
    assert row.world.time.now_s() < 3600
    row.on_source()


def row_45() -> None:
    """Abort before and during downtime: SRC running."""
    for done_percent in (0, 20, 50, 90):
        row = Row()
        row.at(done_percent, row.cancel.set)
        row.run()
        assert row.result.cancelled
        row.on_source()
        row.retry()


def row_46() -> None:
    """Controller killed during downtime: destination proved dead, then SRC resumed."""
    row = Row()
    row.fault(CopyEffect.HOLDS, 99, leftover=Leftover.PAUSED)
    row.dies(lambda method, state: method == "show")
    row.world.time.sleep(10)
    row.reconcile()
    done = [(method, host) for worker, method, host in row.changes if worker == "w2"]
    assert done.index(("destroy_held", TARGET)) < done.index(("resume_held", SOURCE))
    row.on_source()
    row.retry()


def row_47() -> None:
    """Controller frozen past its lease, then thawed: fenced, no action on stale knowledge."""
    row = Row()
    row.fault(CopyEffect.FAILS, leftover=Leftover.PAUSED)
    frozen: list[int] = []

    def freeze(worker: str, where: str, method: str, given: tuple[Any, ...]) -> None:
        if method == "renew" and not frozen and row.last().state == "rolling_back":
            frozen.append(len(row.changes))
            row.world.time.sleep(60)
            row.reconcile()
            frozen.append(len(row.changes))

    error = caught(lambda: row.run(Watched(row.jobs, "w1", "jobs", before=freeze)))
    assert isinstance(error, Fenced)
    assert row.changes[frozen[1] :] == []
    row.on_source()
    row.retry()


def row_48() -> None:
    """Guest powers off: shut off; nothing on the target; the result says that it stopped."""
    row = Row()
    row.fault(CopyEffect.GUEST_STOPS)
    row.run()
    row.stopped()


def row_49() -> None:
    """Guest panics: one instance; its state reported."""
    row = Row()
    row.at(50, lambda: row.source.run(row.uuid, GuestState.CRASHED))
    row.run()
    row.on_target("crashed")
    assert "crashed" in " ".join(check.detail for check in row.result.verification)


def row_50() -> None:
    """User pauses the guest during the copy: arrives paused, stays paused."""
    row = Row()
    row.at(50, lambda: row.source.run(row.uuid, GuestState.PAUSED, Reason.MIGRATION))
    row.run()
    row.on_target("paused")
    assert "resume_held" not in {method for _, method, _ in row.changes}
    assert row.result.error is None
    again = Row()
    again.at(30, lambda: again.source.run(again.uuid, GuestState.PAUSED, Reason.MIGRATION))
    again.at(60, lambda: again.source.run(again.uuid, GuestState.RUNNING))
    again.run()
    again.on_target()


def row_51() -> None:
    """I/O error of a disk: SRC paused by it; not resumed by us."""
    row = Row()
    row.at(30, lambda: row.source.run(row.uuid, GuestState.PAUSED, Reason.IO_ERROR))
    row.fault(CopyEffect.FAILS)
    row.run()
    row.on_source(state="paused", reason=Reason.IO_ERROR)
    assert "resume_held" not in {method for _, method, _ in row.changes}


def row_52() -> None:
    """Certificate expired: SRC; the error names file and host."""
    row = Row()
    text = "The server certificate /etc/pki/qemu/server-cert.pem on beta has expired"
    row.refuses(text)
    row.run()
    row.on_source()
    assert text in (row.result.error_detail or "")
    row.retry()


def row_56() -> None:
    """A question of ours blocks on the job's lock: no false failure."""
    row = Row()
    text = "Timed out during operation: cannot acquire state change lock (held by monitor=remoteDispatchDomainMigrate3)"
    row.source.faults.refuses["job_stats"] = text
    row.at(10, lambda: row.world.time.sleep(5))
    row.run()
    row.on_target()


COPYING: dict[int, Callable[[], None]] = {
    30: target_qemu_dies,
    31: row_31,
    32: source_qemu_dies,
    33: target_qemu_dies,
    34: source_qemu_dies,
    35: lambda: daemon_dies(SOURCE),
    36: lambda: daemon_dies(TARGET),
    37: fails,
    38: row_38,
    39: row_39,
    40: fails,
    41: row_41,
    42: row_42,
    43: fails,
    44: row_44,
    45: row_45,
    46: row_46,
    47: row_47,
    48: row_48,
    49: row_49,
    50: row_50,
    51: row_51,
    52: row_52,
    54: target_qemu_dies,
    55: fails,
    56: row_56,
}
"""Of rows that are the same for whoever looks at libvirt from outside, the test is the same."""
