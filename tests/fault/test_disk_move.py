"""A disk that moves alone: whatever dies, the guest is on one of the two images, and the job says which."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from vmferry.facts.pool import Pool
from vmferry.fakes.state import IMAGES
from vmferry.model.guest import GuestState
from vmferry.model.storage import Place
from vmferry.service.disk_request import DiskMoving, DiskWish

from .ground import SOURCE, Ground
from .moving_trial import Cut, MovingTrial, one_death_at_every_word, two_deaths, whole

OLD, NEW = f"{IMAGES}web-vdb.img", "/fast/web-vdb.img"
FAST = Pool("fast", "dir", True, True, "/fast", capacity_bytes=1 << 40, available_bytes=1 << 39)


@dataclass(frozen=True, slots=True)
class Run:
    """What happens, but for the death of workers."""

    persistent: bool = True
    cancel: bool = False
    stops: str = ""
    """The guest stops right before this call, or, with a `+`, right after."""
    refuses: str = ""
    """This call fails, every time."""
    silent: str = ""
    """The host does not answer this call, once: before it, or, with a `+`, after it has done it."""
    writes_bytes_s: int = 0

    def __str__(self) -> str:
        shown = [f"{name}={getattr(self, name)}" for name in self.__slots__ if getattr(self, name)]
        return ",".join(shown) if self != Run() else "well"


ALL = [
    Run(),
    Run(persistent=False),
    Run(cancel=True),
    Run(writes_bytes_s=200_000_000),
    *(Run(stops=when) for when in ("copy_disk+", "pivot", "pivot+", "disk_state")),
    *(Run(refuses=what) for what in ("make_volume", "copy_disk", "pivot", "abort_disk", "keep_disk", "remove_volume")),
    *(Run(silent=what) for what in ("make_volume+", "copy_disk", "copy_disk+", "pivot", "pivot+", "disk_state")),
]


class Trial(MovingTrial):
    def __init__(self, run: Run, cuts: tuple[Cut, ...]) -> None:
        ground = Ground(persistent=run.persistent, copied=1, disk_writes_bytes_s=run.writes_bytes_s)
        ground.source.pools = (*ground.source.pools, FAST)
        super().__init__(run, cuts, ground)
        self.run, self.looks = run, 0

    def moving(self, worker: str, jobs: Any) -> DiskMoving:  # noqa: ANN401 - as ports.Jobs
        host = self.ground.port(worker, SOURCE)
        assert host is not None
        guest = self.ground.guest.seen(SOURCE, GuestState.RUNNING, self.run.persistent)
        wish = DiskWish(Place("vdb", "fast"), bandwidth_bytes_s=5_000_000)
        return DiskMoving(host, guest, wish, self.ground.tools(worker, jobs), self.ground.listener, self.cancel)

    def happens(self, method: str) -> None:
        if method == self.run.stops:
            self.ground.source.end(self.ground.uuid)
        self.looks += method == "disk_state"
        if self.run.cancel and self.looks > 3:
            self.cancel.set()

    def check(self) -> None:
        found = self.ground.jobs.jobs()
        source, images = self.ground.source, set(self.ground.source.images)
        is_on = self.ground.world.guests[self.ground.uuid].disks[1].source
        assert source.block_copies == {} or self.run.refuses == "abort_disk"
        assert OLD in images, "an old image is kept"
        if not found:
            assert (is_on, images) == (OLD, {OLD})
            return
        job = found[0]
        went, kept = is_on == NEW, source.kept_disks.get((self.ground.uuid, "vdb"), is_on)
        if job.state == "finished":
            assert (went, NEW in images) == (True, True), job.result
            assert self.run.refuses == "keep_disk" or kept == NEW
        elif job.state in ("rolled_back", "failed", "refused"):
            assert (is_on, images) == (OLD, {OLD}), job.result
        elif job.state == "volumes_left":
            assert (is_on, self.run.refuses) == (OLD, "remove_volume")
        else:
            assert job.state == "in_doubt", job.state
            assert NEW in images, "what may be the newer one is not removed"
            assert self.run.stops.startswith("pivot") or not self.run.persistent


def trial(run: Run, *cuts: Cut) -> MovingTrial:
    return whole(Trial(run, cuts))


@pytest.mark.parametrize("run", ALL, ids=str)
def test_one_death_at_every_word(run: Run) -> None:
    one_death_at_every_word(partial(trial, run))


@pytest.mark.parametrize("run", [Run(), Run(cancel=True), Run(stops="pivot+")], ids=str)
def test_two_deaths(run: Run) -> None:
    two_deaths(partial(trial, run))


@pytest.mark.parametrize(
    ("run", "end"),
    [
        (Run(), "finished"),
        (Run(cancel=True), "rolled_back"),
        (Run(writes_bytes_s=200_000_000), "finished"),
        (Run(stops="copy_disk+"), "failed"),
        (Run(stops="pivot"), "failed"),
        (Run(stops="pivot+"), "finished"),
        (Run(refuses="copy_disk"), "rolled_back"),
        (Run(refuses="make_volume"), "rolled_back"),
        (Run(silent="pivot+"), "finished"),
        (Run(silent="copy_disk+"), "finished"),
    ],
    ids=lambda value: str(value),
)
def test_how_it_ends(run: Run, end: str) -> None:
    assert trial(run).ground.last().state == end
