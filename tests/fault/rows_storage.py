"""Rows 13, 14, 17 to 29, 82 and 83: disks that are copied with their guest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vmferry.model.migration import JobStats
from vmferry.model.storage import SourceVolumes, StorageWish

from .ground import ANOTHERS, DISK_BYTES, IMAGES
from .rows import MB, SOURCE, TARGET, CopyEffect, Outcome, Row

DISKS = ("vdb", "vdc", "vdd")


def paths(*disks: str) -> set[str]:
    return {f"{IMAGES}web-{disk}.img" for disk in disks}


class Copied(Row):
    """A guest with three disks of its host's own, and one that is shared."""

    def __init__(self, **about: Any) -> None:  # noqa: ANN401 - of Ground
        super().__init__(**{"copied": 3, **about})

    def in_disks(self, act: Callable[[], None], done_bytes: int = DISK_BYTES) -> None:
        """While they are copied."""

        def watch(stats: JobStats) -> None:
            if stats.disk_done_bytes >= done_bytes and not stats.total_bytes:
                self.world.watch_copy = None
                act()

        self.world.watch_copy = watch

    def clean(self) -> None:
        """SRC, on its own disks; nothing of ours on the target, and nothing else gone."""
        self.on_source()
        assert set(self.source.images) == paths(*DISKS)
        assert set(self.target.images) == {ANOTHERS}
        assert self.target.volumes == {}

    def moved(self, *left: str) -> None:
        self.on_target()
        assert set(self.target.images) == {ANOTHERS, *paths(*DISKS)}
        assert set(self.source.images) == set(left)
        assert [disk.source for disk in self.world.guests[self.uuid].disks[1:]] == sorted(paths(*DISKS))

    def again(self) -> None:
        self.heal()
        self.cancel.clear()
        assert self.run().outcome is Outcome.MIGRATED
        self.moved(*paths(*DISKS))


def row_13() -> None:
    """The second of three target volumes fails: SRC; only volumes that we made are removed."""
    row = Copied()
    row.target.faults.full.add("local/web-vdc.img")
    row.run()
    assert "No space left on device" in (row.result.error or "")
    assert [where for _, method, where in row.changes if method == "remove_volume"] == [TARGET]
    row.clean()
    row.again()
    taken = Copied()  # somebody has made one of that name since the check
    taken.target.images[f"{IMAGES}web-vdc.img"] = 7
    taken.run()
    assert "is there already" in (taken.result.error or "")
    assert taken.target.images == {ANOTHERS: 1, f"{IMAGES}web-vdc.img": 7}


def row_14() -> None:
    """And that removal fails too: SRC; the leftover is in the journal, and collected later."""
    row = Copied()
    row.target.faults.full.add("local/web-vdd.img")
    row.target.faults.stuck.add("local/web-vdb.img")
    row.run()
    assert row.result.outcome is Outcome.ROLLED_BACK
    assert row.last().state == "volumes_left"
    assert set(row.target.images) == {ANOTHERS, *paths("vdb")}, "what can be removed is"
    assert "virsh vol-delete --pool local web-vdb.img" in (row.result.error or "")
    row.world.time.sleep(3700)
    row.reconcile()
    assert row.last().state == "volumes_left"
    row.heal()
    row.world.time.sleep(3700)
    row.reconcile()
    row.clean()
    row.again()


def strikes(effect: CopyEffect, **about: Any) -> None:  # noqa: ANN401 - of CopyFault
    for at_percent in (0, 50, 99):
        row = Copied()
        row.fault(effect, at_percent, in_disks=True, **about)
        row.run()
        row.clean()
        row.again()


def row_17() -> None:
    """No space left on the target in the middle: SRC on its own disks; our images removed."""
    strikes(CopyEffect.FAILS)


def row_18() -> None:
    """The target's QEMU is killed in the mirror: SRC, clean."""
    row = Copied()
    row.in_disks(lambda: row.end(TARGET, "killed"))
    row.run()
    row.clean()
    row.again()


def row_19() -> None:
    """A read error on the source's disk: SRC in its policy for I/O errors; nothing promoted."""
    row = Copied()
    row.in_disks(lambda: row.source.disk_problems.update({row.uuid: (("vdb", "QEMU stopped at an I/O error"),)}))
    row.fault(CopyEffect.FAILS, 60, in_disks=True)
    row.run()
    row.clean()
    assert row.source.disk_problems[row.uuid], "what is wrong with its disk is left as it is"


def row_20() -> None:
    """The network is lost in the copy of disks: SRC, clean, and it can be begun anew."""
    strikes(CopyEffect.FAILS)
    row = Copied()
    row.fault(CopyEffect.FAILS, in_disks=True, silences=(TARGET,))
    row.run()
    row.in_doubt("not both hosts can be asked")
    assert "remove_volume" not in {method for _, method, _ in row.changes}
    row.heal()
    row.reconcile()
    row.clean()
    row.again()


def row_21() -> None:
    """An abort while disks are copied: SRC; the second try succeeds."""
    for done_bytes in (0, DISK_BYTES, 3 * DISK_BYTES - 1):
        row = Copied()
        row.in_disks(row.cancel.set, done_bytes)
        row.run()
        assert row.result.cancelled
        row.clean()
        row.again()


def row_22() -> None:
    """An abort in the memory phase, the mirrors ready: the same."""
    for done_percent in (10, 50, 90):
        row = Copied()
        row.at(done_percent, row.cancel.set)
        row.run()
        assert row.result.cancelled
        row.clean()
        row.again()


def row_23() -> None:
    """The source's daemon is restarted during the mirror: SRC, nothing of it left."""
    row = Copied()
    row.fault(CopyEffect.FAILS, in_disks=True, silences=(SOURCE,))
    row.run()
    row.in_doubt("not both hosts can be asked")
    row.heal()
    row.reconcile()
    row.clean()
    row.again()


def row_24() -> None:
    """A target image that is smaller is refused; where none is asked for, each is made to the byte."""
    row = Copied()
    row.run(real_check=True, storage=StorageWish())
    row.moved(*paths(*DISKS))
    assert {copy.capacity_bytes for copy in row.target.volumes.values()} == {DISK_BYTES}
    taken = Copied()
    taken.target.images[f"{IMAGES}web-vdb.img"] = 7
    taken.run(real_check=True, storage=StorageWish())
    assert taken.result.outcome is Outcome.REFUSED
    assert "storage.copy.target" in (taken.result.error or "")
    assert taken.changes == []


def row_25() -> None:
    """A copy that is asked for of a disk that both hosts share: refused before the start."""
    row = Copied()
    row.run(real_check=True, storage=StorageWish(disks=("vda", *DISKS)))
    assert row.result.outcome is Outcome.REFUSED
    assert "storage.copy.same: same storage on both" in (row.result.error or ""), row.result
    assert row.changes == []


def row_26() -> None:
    """The mirror never converges: synchronous writes, and where they do not help or are not to be had, an abort."""
    helped = Copied(disk_writes_bytes_s=150 * MB)
    helped.run()
    assert "let the guest's writes wait for the target's" in helped.intents()
    helped.moved(*paths(*DISKS))
    refused = Copied(disk_writes_bytes_s=150 * MB)
    refused.source.faults.refuses["write_synchronously"] = "Command block-job-change has not been found"
    refused.run()
    assert "the guest writes as fast as its disks are copied" in (refused.result.error or "")
    refused.clean()
    late = Copied(disk_writes_bytes_s=150 * MB)
    late.run(max_time_s=5.0)
    assert "its disks are not copied yet" in (late.result.error or "")
    assert late.world.time.now_s() < 10
    late.clean()


def row_27() -> None:
    """One of several mirrors fails: all of the target's images are removed; SRC."""
    row = Copied()
    row.fault(CopyEffect.FAILS, 40, in_disks=True)
    row.run()
    assert [method for _, method, _ in row.changes].count("remove_volume") == 3
    row.clean()
    row.again()


def row_28() -> None:
    """A mirror's end fails at the switch: SRC; told, and it can be tried again."""
    row = Copied()
    row.fault(CopyEffect.HOLDS, 99)
    row.run()
    assert row.result.error
    row.clean()
    row.again()


def row_29() -> None:
    """The source's volume cannot be removed after success: DST; kept and told, never a failed migration."""
    row = Copied()
    row.source.faults.stuck.add(f"{IMAGES}web-vdc.img")
    row.run(storage=StorageWish(source_volumes=SourceVolumes.REMOVE))
    row.moved(*paths("vdc"))
    assert row.result.error is None
    told = {disk.disk: (str(disk.source_volume), disk.remove) for disk in row.result.disks}
    assert told == {
        "vdb": ("removed", ""),
        "vdc": ("kept", f"on {SOURCE}: rm {IMAGES}web-vdc.img"),
        "vdd": ("removed", ""),
    }
    renamed = Copied()
    renamed.run(storage=StorageWish(source_volumes=SourceVolumes.RENAME))
    renamed.moved(*(f"{path}.job-1" for path in paths(*DISKS)))
    unverified = Copied()
    unverified.fault(CopyEffect.UNDEFINE_FAILS)
    unverified.source.faults.refuses["undefine_off"] = "cannot undefine"
    unverified.run(storage=StorageWish(source_volumes=SourceVolumes.REMOVE))
    assert set(unverified.source.images) == paths(*DISKS), "what could still be started there keeps its disks"


def row_82() -> None:
    """Nothing of a guest's own (NVRAM, TPM state, images) is removed on the source before the target is verified."""
    row = Copied()
    row.dies(
        lambda method, state: method == "write" and state == "switched",
        storage=StorageWish(source_volumes=SourceVolumes.REMOVE),
    )
    assert set(row.source.images) == paths(*DISKS)
    row.reconcile()
    row.moved()
    order = [method for _, method, _ in row.changes]
    assert order.index("remove_image") > order.index("begin")


def row_83() -> None:
    """The source's own images are kept unless asked otherwise, and the result says what removes them."""
    row = Copied()
    row.run()
    row.moved(*paths(*DISKS))
    assert [disk.remove for disk in row.result.disks] == [f"on {SOURCE}: rm {path}" for path in sorted(paths(*DISKS))]
    assert {disk.allocated_bytes for disk in row.result.disks} == {DISK_BYTES}


STORAGE = {
    13: row_13,
    14: row_14,
    17: row_17,
    18: row_18,
    19: row_19,
    20: row_20,
    21: row_21,
    22: row_22,
    23: row_23,
    24: row_24,
    25: row_25,
    26: row_26,
    27: row_27,
    28: row_28,
    29: row_29,
    82: row_82,
    83: row_83,
}
