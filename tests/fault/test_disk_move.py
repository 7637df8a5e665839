"""A disk that moves alone: whatever dies, the guest is on one of the two images, and the job says which."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass
from typing import Any

import pytest

from vmferry.errors import HostError, VmferryError
from vmferry.facts.pool import Pool
from vmferry.fakes.state import IMAGES
from vmferry.model.guest import GuestState
from vmferry.model.storage import Place
from vmferry.service.disk_request import DiskMoving, DiskWish

from .eyes import Watched
from .ground import SOURCE, Ground, Killed

OLD, NEW = f"{IMAGES}web-vdb.img", "/fast/web-vdb.img"
FAST = Pool("fast", "dir", True, True, "/fast", capacity_bytes=1 << 40, available_bytes=1 << 39)
MOMENTS = ("open", "write", "reserve", "close", "renew", "show")


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


class Trial:
    def __init__(self, run: Run, cuts: tuple[tuple[int, bool], ...]) -> None:
        self.run, self.cuts = run, cuts
        self.ground = Ground(persistent=run.persistent, copied=1, disk_writes_bytes_s=run.writes_bytes_s)
        self.ground.source.pools = (*self.ground.source.pools, FAST)
        self.ground.wrap = lambda worker, port: Watched(port, worker, port.entry.name, self._before, self._after)  # type: ignore[return-value]
        self.calls: list[list[str]] = []
        self.cancel = threading.Event()
        self.silenced = False
        self.looks = 0

    def _before(self, worker: str, where: str, method: str, given: tuple[Any, ...]) -> None:
        if method == self.run.stops:
            self._stop()
        if method == self.run.refuses:
            raise HostError(where, f"{where}: no")
        if method == self.run.silent and not self.silenced:
            self._silence()
        self.looks += method == "disk_state"
        if self.run.cancel and self.looks > 3:
            self.cancel.set()

    def _after(self, worker: str, where: str, method: str, given: tuple[Any, ...]) -> None:
        if f"{method}+" == self.run.stops:
            self._stop()
        if f"{method}+" == self.run.silent and not self.silenced:
            self._silence()

    def _stop(self) -> None:
        self.ground.source.end(self.ground.uuid)

    def _silence(self) -> None:
        from vmferry.errors import HostUnreachable

        self.silenced = True
        raise HostUnreachable(SOURCE, "no answer")

    def jobs(self) -> Any:  # noqa: ANN401 - as ports.Jobs
        calls: list[str] = []
        self.calls.append(calls)
        cut = self.cuts[len(self.calls) - 1] if len(self.calls) <= len(self.cuts) else None

        def moment(after: bool, method: str) -> None:
            if method in MOMENTS:
                if not after:
                    calls.append(method)
                if cut == (len(calls) - 1, after):
                    raise Killed

        return Watched(
            self.ground.jobs,
            f"w{len(self.calls)}",
            "jobs",
            lambda worker, where, method, given: moment(False, method),
            lambda worker, where, method, given: moment(True, method),
        )

    def to_the_end(self) -> None:
        worker = self.ground.worker()
        host = self.ground.port(worker, SOURCE)
        assert host is not None
        guest = self.ground.guest.seen(SOURCE, GuestState.RUNNING, self.run.persistent)
        tools = self.ground.tools(worker, self.jobs())
        wish = DiskWish(Place("vdb", "fast"), bandwidth_bytes_s=5_000_000)
        try:
            DiskMoving(host, guest, wish, tools, self.ground.listener, self.cancel).run()
        except Killed:
            self.ground.jobs.dead.add(worker)
        for number in range(2, 6):
            self.ground.world.pass_time()
            jobs = self.jobs()
            for job in self.ground.unfinished():
                try:
                    self.ground.go_on(f"w{number}", job, jobs, self.cancel)
                except Killed:
                    self.ground.jobs.dead.add(f"w{number}")

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


def trial(run: Run, *cuts: tuple[int, bool]) -> Trial:
    made = Trial(run, cuts)
    try:
        made.to_the_end()
        made.check()
    except (AssertionError, VmferryError, Killed) as error:
        raise AssertionError("\n".join([f"{run}, cut at {cuts}: {error!r}", *made.ground.told()])) from error
    return made


@pytest.mark.parametrize("run", ALL, ids=str)
def test_one_death_at_every_word(run: Run) -> None:
    whole = trial(run)
    for number, after in itertools.product(range(len(whole.calls[0])), (False, True)):
        trial(run, (number, after))


@pytest.mark.parametrize("run", [Run(), Run(cancel=True), Run(stops="pivot+")], ids=str)
def test_two_deaths(run: Run) -> None:
    for number in range(len(trial(run).calls[0])):
        once = trial(run, (number, True))
        for second in range(len(once.calls[1]) if len(once.calls) > 1 else 0):
            trial(run, (number, True), (second, True))


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
