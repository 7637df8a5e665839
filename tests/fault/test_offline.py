"""A guest that is off moves: whatever dies, its definition is where all of it is, and the job says where."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from vmferry.fakes.state import IMAGES
from vmferry.model.guest import GuestState
from vmferry.model.storage import Storage, StorageWish
from vmferry.service.offline_request import OfflineMoving, OfflineWish

from .ground import ANOTHERS, SOURCE, TARGET, Ground
from .moving_trial import Cut, MovingTrial, one_death_at_every_word, two_deaths, whole

OLD = f"{IMAGES}web-vdb.img"


@dataclass(frozen=True, slots=True)
class Run:
    """What happens, but for the death of workers."""

    cancel: bool = False
    garbled: bool = False
    starts: str = ""
    """Somebody starts it on its source right before this call."""
    refuses: str = ""
    """This call fails, every time."""
    silent: str = ""
    """The host does not answer this call, once: before it, or, with a `+`, after it has done it."""

    def __str__(self) -> str:
        shown = [f"{name}={getattr(self, name)}" for name in self.__slots__ if getattr(self, name)]
        return ",".join(shown) or "well"


ALL = [
    Run(),
    Run(cancel=True),
    Run(garbled=True),
    *(Run(starts=when) for when in ("make_volume", "read_image", "write_image", "define", "undefine_off")),
    *(Run(refuses=what) for what in ("make_volume", "read_image", "write_image", "define", "undefine_off")),
    Run(refuses="remove_volume", garbled=True),
    *(
        Run(silent=what)
        for what in (
            *("make_volume+", "read_image", "write_image", "write_image+"),
            *("define", "define+", "undefine_off", "undefine_off+"),
        )
    ),
]


class Trial(MovingTrial):
    def __init__(self, run: Run, cuts: tuple[Cut, ...]) -> None:
        ground = Ground(copied=1)
        ground.source.end(ground.uuid)
        ground.source.contents[OLD] = bytes(range(256)) * 100
        if run.garbled:
            ground.target.faults.garbles.add("web-vdb.img")
        super().__init__(run, cuts, ground)
        self.run = run

    def moving(self, worker: str, jobs: Any) -> OfflineMoving:  # noqa: ANN401 - as ports.Jobs
        source, target = (self.ground.port(worker, name) for name in (SOURCE, TARGET))
        assert source is not None
        assert target is not None
        guest = self.ground.guest.seen(SOURCE, GuestState.SHUT_OFF, True)
        wish, tools = OfflineWish(StorageWish(choice=Storage.AUTO)), self.ground.tools(worker, jobs)
        return OfflineMoving(guest, source, [target], wish, tools, self.ground.listener, self.cancel)

    def happens(self, method: str) -> None:
        if method == self.run.starts and self.ground.uuid in self.ground.source.defined:
            self.ground.source.run(self.ground.uuid, GuestState.RUNNING)
        if self.run.cancel and method == "write_image":
            self.cancel.set()

    def check(self) -> None:
        source, target = self.ground.source, self.ground.target
        places = [host.entry.name for host in (source, target) if self.ground.uuid in host.defined]
        made = set(target.images) - {ANOTHERS}
        assert OLD in source.images, "the old image is kept"
        assert target.state(self.ground.uuid) in (None, GuestState.SHUT_OFF)
        if TARGET in places:
            assert target.contents[OLD] == source.contents[OLD], "what is defined there is whole"
        found = self.ground.jobs.jobs()
        if not found:
            assert (places, made) == ([SOURCE], set())
            return
        job = found[0]
        if job.state == "finished":
            assert (places, made) == ([TARGET], {OLD}), job.result
        elif job.state in ("rolled_back", "failed", "refused"):
            assert (places, made) == ([SOURCE], set()), job.result
        elif job.state == "volumes_left":
            assert (places, self.run.refuses) == ([SOURCE], "remove_volume")
        elif job.state == "left_behind":
            assert (places, made, self.run.refuses) == ([SOURCE, TARGET], {OLD}, "undefine_off")
        else:
            assert job.state == "in_doubt", job.state
            assert self.run.refuses == "undefine_off"


def trial(run: Run, *cuts: Cut) -> MovingTrial:
    return whole(Trial(run, cuts))


@pytest.mark.parametrize("run", ALL, ids=str)
def test_one_death_at_every_word(run: Run) -> None:
    one_death_at_every_word(partial(trial, run))


@pytest.mark.parametrize("run", [Run(), Run(cancel=True), Run(silent="define+")], ids=str)
def test_two_deaths(run: Run) -> None:
    two_deaths(partial(trial, run))


@pytest.mark.parametrize(
    ("run", "end"),
    [
        (Run(), "finished"),
        (Run(cancel=True), "rolled_back"),
        (Run(garbled=True), "rolled_back"),
        (Run(starts="read_image"), "rolled_back"),
        (Run(starts="define"), "rolled_back"),
        (Run(starts="undefine_off"), "rolled_back"),
        (Run(refuses="define"), "rolled_back"),
        (Run(refuses="undefine_off"), "left_behind"),
        (Run(silent="define+"), "finished"),
        (Run(silent="write_image+"), "finished"),
        (Run(silent="read_image"), "finished"),
        (Run(silent="undefine_off+"), "finished"),
    ],
    ids=str,
)
def test_how_it_ends(run: Run, end: str) -> None:
    assert trial(run).ground.last().state == end
