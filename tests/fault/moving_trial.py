"""A move that is no live migration, its workers killed at given moments: what the trials of all of them share."""

from __future__ import annotations

import itertools
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Protocol

from vmferry.errors import HostError, HostUnreachable, VmferryError
from vmferry.service.moving import Moving

from .eyes import Watched
from .ground import SOURCE, Ground, Killed

MOMENTS = ("open", "write", "reserve", "close", "renew", "show")

Cut = tuple[int, bool]
"""The number of the call at which a worker dies, and whether after it."""


class Disturbed(Protocol):
    """What happens, but for the death of workers."""

    @property
    def cancel(self) -> bool: ...

    @property
    def refuses(self) -> str:
        """This call fails, every time."""

    @property
    def silent(self) -> str:
        """The host does not answer this call, once: before it, or, with a `+`, after it has done it."""


class MovingTrial(ABC):
    def __init__(self, run: Disturbed, cuts: tuple[Cut, ...], ground: Ground) -> None:
        self.disturbed, self.cuts, self.ground = run, cuts, ground
        self.ground.wrap = lambda worker, port: Watched(port, worker, port.entry.name, self._before, self._after)  # type: ignore[return-value]
        self.calls: list[list[str]] = []
        self.cancel = threading.Event()
        self.silenced = False

    @abstractmethod
    def moving(self, worker: str, jobs: Any) -> Moving:  # noqa: ANN401 - as ports.Jobs
        """Of its first worker."""

    @abstractmethod
    def check(self) -> None:
        """What holds at its end."""

    @abstractmethod
    def happens(self, method: str) -> None:
        """Right before this call, or, with a `+` at its end, right after it."""

    def _before(self, worker: str, where: str, method: str, given: tuple[Any, ...]) -> None:
        self.happens(method)
        if method == self.disturbed.refuses:
            raise HostError(where, f"{where}: no")
        self._silence(method)

    def _after(self, worker: str, where: str, method: str, given: tuple[Any, ...]) -> None:
        self.happens(f"{method}+")
        self._silence(f"{method}+")

    def _silence(self, moment: str) -> None:
        if moment == self.disturbed.silent and not self.silenced:
            self.silenced = True
            raise HostUnreachable(SOURCE, "no answer")

    def jobs(self) -> Any:  # noqa: ANN401 - as ports.Jobs
        """For the next worker."""
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
        moving = self.moving(worker, self.jobs())
        try:
            moving.run()
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


Trial = Callable[..., MovingTrial]
"""trial(*cuts) -> one run, at its end and checked."""


def whole(made: MovingTrial) -> MovingTrial:
    try:
        made.to_the_end()
        made.check()
    except (AssertionError, VmferryError, Killed) as error:
        told = [f"{made.disturbed}, cut at {made.cuts}: {error!r}", *made.ground.told()]
        raise AssertionError("\n".join(told)) from error
    return made


def one_death_at_every_word(trial: Trial) -> None:
    for number, after in itertools.product(range(len(trial().calls[0])), (False, True)):
        trial((number, after))


def two_deaths(trial: Trial) -> None:
    for number in range(len(trial().calls[0])):
        once = trial((number, True))
        for second in range(len(once.calls[1]) if len(once.calls) > 1 else 0):
            trial((number, True), (second, True))
