"""A worker dies right before and right after each of its words; another one goes on, and the right end is reached.

The whole set: every call that any worker makes to the keeper of jobs, in every run of the table below, and again in the
run of the worker that takes over.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from vmferry.errors import VmferryError
from vmferry.fakes import CopyEffect, CopyFault, Leftover
from vmferry.model.migration import JobStats

from .eyes import Watched
from .ground import SOURCE, TARGET, Ground, Killed
from .witness import CHANGES, Witness

WORDS = ("open", "write", "reserve", "close")
"""What is on the disk afterwards. Of the others, `renew` and `show` mark the moments in the middle of a copy."""
ENDS = ("finished", "rolled_back", "volumes_left", "failed", "refused", "in_doubt")
MOMENTS = (*WORDS, "renew", "show")
ENDS_THE_GUEST = (CopyEffect.GUEST_STOPS, CopyEffect.SOURCE_DIES)


@dataclass(frozen=True, slots=True)
class Run:
    """What happens, but for the death of workers."""

    effect: CopyEffect | None = None
    leftover: Leftover = Leftover.NOTHING
    at_percent: int = 50
    paused: bool = False
    persistent: bool = True
    limit_ms: int | None = None
    cancel: bool = False
    silent: str | None = None
    copied: int = 0
    """Disks, which a fault strikes before memory."""

    def __str__(self) -> str:
        parts = [self.effect or "well", f"left {self.leftover}" * (self.leftover is not Leftover.NOTHING)]
        parts += ["paused" * self.paused, "transient" * (not self.persistent), "limit" * (self.limit_ms is not None)]
        parts += ["cancel" * self.cancel, f"{self.silent} silent" * (self.silent is not None)]
        parts += [f"{self.copied} disks" * bool(self.copied)]
        return ",".join(part for part in parts if part)


def runs() -> Iterator[Run]:
    guests = [{}, {"paused": True}, {"persistent": False}, {"paused": True, "persistent": False}]
    limits: list[dict[str, Any]] = [{}, {"limit_ms": 100}]
    for guest, limit in itertools.product(guests, limits):
        yield Run(**guest, **limit)
        yield Run(cancel=True, **guest, **limit)
        for effect, leftover in itertools.product(CopyEffect, Leftover):
            if leftover is Leftover.DEFINITION and not guest.get("persistent", True):
                continue  # libvirt defines nothing for a transient guest
            cancel = effect is CopyEffect.STALLS
            yield Run(effect, leftover, cancel=cancel, **guest, **limit)
    for effect, silent in itertools.product(CopyEffect, (SOURCE, TARGET)):
        yield Run(effect, silent=silent, cancel=effect is CopyEffect.STALLS, limit_ms=100)
    for persistent, limit in itertools.product((True, False), (None, 100)):
        yield Run(persistent=persistent, limit_ms=limit, copied=2)
        yield Run(persistent=persistent, limit_ms=limit, copied=2, cancel=True)
        for effect in CopyEffect:
            cancel = effect is CopyEffect.STALLS
            yield Run(effect, cancel=cancel, persistent=persistent, limit_ms=limit, copied=2)


RUNS = list(runs())


class Trial:
    """One run, its workers killed at given moments."""

    def __init__(self, run: Run, cuts: tuple[tuple[int, bool], ...] = ()) -> None:
        """`cuts`: of each worker in turn the number of the call at which it dies, and whether after it."""
        self.run, self.cuts = run, list(cuts)
        self.ground = Ground(
            paused=run.paused,
            persistent=run.persistent,
            limit_ms=run.limit_ms,
            memory_bytes=120_000_000,
            copied=run.copied,
        )
        self.ground.wrap = lambda worker, port: Watched(port, worker, port.entry.name, self._acts, self._acted)  # type: ignore[return-value]
        self.world = self.ground.world
        self.witness = Witness(self.world, self.ground.uuid, run.persistent, run.paused, self.ground.jobs)
        if run.effect is not None:
            silences = (run.silent,) if run.silent else ()
            fault = CopyFault(run.effect, run.at_percent, run.leftover, silences, in_disks=bool(run.copied))
            self.ground.world.plan_fault(self.ground.guest, fault)
        self.witness.undefined = run.effect is CopyEffect.LOSES_DEFINITION
        if run.effect in ENDS_THE_GUEST:
            self.witness.excuse(str(run.effect))
        self.calls: list[list[str]] = []
        """Of each worker, what it called."""
        self.cancel = threading.Event()
        if run.cancel:
            self.world.watch_copy = self._cancel

    def _cancel(self, stats: JobStats) -> None:
        if stats.processed_bytes + stats.disk_done_bytes > 30_000_000:
            self.cancel.set()

    def _acts(self, worker: str, where: str, method: str, given: tuple[Any, ...]) -> None:
        if method in CHANGES:
            self.witness.change(worker, where, method)

    def _acted(self, worker: str, where: str, method: str, given: tuple[Any, ...]) -> None:
        if method == "look":
            self.witness.told(worker, where)
        self.witness.look(f"{worker} {method} {where}")

    def jobs(self) -> Any:  # noqa: ANN401 - as ports.Jobs
        """For the next worker."""
        calls: list[str] = []
        self.calls.append(calls)
        cut = self.cuts[len(self.calls) - 1] if len(self.calls) <= len(self.cuts) else None

        def before(worker: str, where: str, method: str, given: tuple[Any, ...]) -> None:
            if method in MOMENTS:
                calls.append(method)
                if cut == (len(calls) - 1, False):
                    raise Killed

        def after(worker: str, where: str, method: str, given: tuple[Any, ...]) -> None:
            if method == "write" and given[1].state in (
                "finished",
                "rolled_back",
                "failed",
                "refused",
                "in_doubt",
                "volumes_left",
            ):
                self.witness.ends(given[1])
            if method in MOMENTS and cut == (len(calls) - 1, True):
                raise Killed

        return Watched(self.ground.jobs, f"w{len(self.calls)}", "jobs", before, after)

    def to_the_end(self) -> None:
        try:
            self.ground.migration(self.ground.worker(), self.jobs(), self.cancel).run()
        except Killed:
            self.ground.jobs.dead.add("w1")
        for number in range(2, 7):
            if number > len(self.cuts) + 2 and not self.ground.unfinished():
                break
            self.world.pass_time()
            self._go_on(f"w{number}")
            self.witness.look("a worker is done")
            if number > len(self.cuts) + 1:
                self.ground.heal()
                self.witness.look("healed")

    def _go_on(self, worker: str) -> None:
        """A worker that finds what the former ones have left, as a command does at its beginning."""
        if self.run.cancel:
            self.cancel.set()
        jobs = self.jobs()
        for job in self.ground.unfinished():
            try:
                self.ground.go_on(worker, job, jobs, self.cancel)
            except Killed:
                self.ground.jobs.dead.add(worker)
            except VmferryError as error:
                raise AssertionError(f"{worker} gives up: {error}") from error

    def check(self) -> None:
        self.witness.at_rest()
        job = self.ground.jobs.jobs()[0] if self.ground.jobs.jobs() else None
        assert job is not None or self.cuts[0] == (0, False)
        if job is None:
            return
        assert job.result.outcome == self.expected(), (job.state, job.result)
        if job.state == "rolled_back":
            state = self.ground.source.active[self.ground.uuid]
            assert state == ("paused" if self.run.paused else "running")
        again = self.ground.unfinished()
        assert [each.state for each in again] == ["in_doubt"] * len(again)

    def expected(self) -> str:
        """From where the guest is, and nothing else."""
        if self.witness.holder == TARGET:
            both_paused = self.run.effect is CopyEffect.CONFIRM_FAILS and self.run.paused
            return "in_doubt" if both_paused else "migrated"
        if self.witness.holder == SOURCE:
            return "in_doubt" if self._may_have_run_there() else "rolled_back"
        defined = [host for host in self.world.hosts.values() if self.ground.uuid in host.defined]
        return "in_doubt" if len(defined) == 2 else "failed"  # on which of the two it stopped, nobody can say

    def _may_have_run_there(self) -> bool:
        """By what both hosts can say of it: held on its source, and on the target off, or gone without a trace."""
        host = self.ground.source
        held = self.ground.uuid in host.reasons
        return held and (self.ground.uuid in self.ground.target.defined or not self.run.persistent)


def trial(run: Run, *cuts: tuple[int, bool]) -> Trial:
    made = Trial(run, cuts)
    try:
        made.to_the_end()
        made.check()
    except BaseException as error:
        raise AssertionError("\n".join([f"{run}, cut at {cuts}: {error!r}", *made.ground.told()])) from error
    return made


@pytest.mark.parametrize("run", RUNS, ids=str)
def test_one_death(run: Run) -> None:
    whole = trial(run)
    assert whole.calls[0][:2] == ["open", "write"]
    for number, after in itertools.product(range(len(whole.calls[0])), (False, True)):
        trial(run, (number, after))


@pytest.mark.parametrize("run", [run for run in RUNS if run.limit_ms and run.persistent and not run.paused], ids=str)
def test_two_deaths(run: Run) -> None:
    """The one that goes on dies too, at each of its words: three workers see one migration to its end."""
    for number, after in itertools.product(range(len(trial(run).calls[0])), (False, True)):
        once = trial(run, (number, after))
        if once.calls[0][number] not in WORDS or len(once.calls) < 2:
            continue
        for second, word in enumerate(once.calls[1]):
            if word in WORDS:
                trial(run, (number, after), (second, False))
                trial(run, (number, after), (second, True))


def test_the_runs_come_to_every_state_that_a_worker_can_die_in() -> None:
    done = [trial(run).ground.jobs for run in RUNS]
    reached = {entry.state for jobs in done for job in jobs.jobs() for entry in jobs.journal(job.id)}
    assert {str(each) for each in reached if each} >= {
        "planned", "checked", "reserved", "prepared", "copying", "settling", "switched", "verified", "rolling_back",
        "in_doubt", "finished", "rolled_back", "failed",
    }  # fmt: skip
