"""A guest that is off moves: whatever dies, its definition is where all of it is, and the job says where."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass
from typing import Any

import pytest

from vmferry.errors import HostError, HostUnreachable, VmferryError
from vmferry.fakes.state import IMAGES
from vmferry.model.guest import GuestState
from vmferry.model.storage import Storage, StorageWish
from vmferry.service.offline_request import OfflineMoving, OfflineWish

from .eyes import Watched
from .ground import ANOTHERS, SOURCE, TARGET, Ground, Killed

OLD = f"{IMAGES}web-vdb.img"
MOMENTS = ("open", "write", "reserve", "close", "renew", "show")


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
    *(Run(refuses="remove_volume", garbled=True) for _ in range(1)),
    *(
        Run(silent=what)
        for what in (
            *("make_volume+", "read_image", "write_image", "write_image+"),
            *("define", "define+", "undefine_off", "undefine_off+"),
        )
    ),
]


class Trial:
    def __init__(self, run: Run, cuts: tuple[tuple[int, bool], ...]) -> None:
        self.run, self.cuts = run, cuts
        self.ground = Ground(copied=1)
        self.ground.source.end(self.ground.uuid)
        self.ground.source.contents[OLD] = bytes(range(256)) * 100
        if run.garbled:
            self.ground.target.faults.garbles.add("web-vdb.img")
        self.ground.wrap = lambda worker, port: Watched(port, worker, port.entry.name, self._before, self._after)  # type: ignore[return-value]
        self.calls: list[list[str]] = []
        self.cancel = threading.Event()
        self.silenced = False

    def _before(self, worker: str, where: str, method: str, given: tuple[Any, ...]) -> None:
        if method == self.run.starts and self.ground.uuid in self.ground.source.defined:
            self.ground.source.run(self.ground.uuid, GuestState.RUNNING)
        if method == self.run.refuses:
            raise HostError(where, f"{where}: no")
        if method == self.run.silent:
            self._silence()
        if self.run.cancel and method == "write_image":
            self.cancel.set()

    def _after(self, worker: str, where: str, method: str, given: tuple[Any, ...]) -> None:
        if f"{method}+" == self.run.silent:
            self._silence()

    def _silence(self) -> None:
        if not self.silenced:
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
        source, target = (self.ground.port(worker, name) for name in (SOURCE, TARGET))
        assert source is not None
        assert target is not None
        guest = self.ground.guest.seen(SOURCE, GuestState.SHUT_OFF, True)
        tools = self.ground.tools(worker, self.jobs())
        wish = OfflineWish(StorageWish(choice=Storage.AUTO))
        try:
            OfflineMoving(guest, source, [target], wish, tools, self.ground.listener, self.cancel).run()
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


@pytest.mark.parametrize("run", [Run(), Run(cancel=True), Run(silent="define+")], ids=str)
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
