"""The ground for the rows of the fault matrix, and what every row ends with."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from vmferry.errors import Fenced, VmferryError
from vmferry.facts.guest import Reason
from vmferry.fakes import CopyEffect, CopyFault, Leftover, MemoryJobs
from vmferry.fakes.precopy import percent
from vmferry.flow.journal import Entry, Kind
from vmferry.model.guest import GuestState
from vmferry.model.migration import JobStats, MigrationResult, Outcome

from .eyes import Watched
from .ground import OWN_DOWNTIME_MS, SOURCE, TARGET, Ground, Killed
from .witness import CHANGES, Witness

MB = 1_000_000
UNTAMED = 100_000 * MB
"""Bytes that the guest dirties in a second: only post-copy ends that."""


class Row(Ground):
    """One migration with a limit of downtime to be put back, watched by the witness at every call to a host."""

    def __init__(self, **about: Any) -> None:  # noqa: ANN401 - of Ground
        super().__init__(**{"limit_ms": 100, **about})
        self.witness = Witness(self.world, self.uuid, self.persistent, self.paused, self.jobs)
        self.cancel = threading.Event()
        self.changes: list[tuple[str, str, str]] = []
        """Worker, method and host of everything that was done to a host."""
        self.wrap = lambda worker, port: Watched(port, worker, port.entry.name, self._acts, self._acted)  # type: ignore[assignment,return-value]

    def _acts(self, worker: str, where: str, method: str, given: tuple[Any, ...]) -> None:
        if method in CHANGES:
            self.witness.change(worker, where, method)
            self.changes.append((worker, method, where))

    def _acted(self, worker: str, where: str, method: str, given: tuple[Any, ...]) -> None:
        if method == "look":
            self.witness.told(worker, where)
        self.witness.look(f"{worker} {method} {where}")

    # The fault

    def fault(self, effect: CopyEffect, at_percent: int = 50, **about: Any) -> None:  # noqa: ANN401 - of CopyFault
        if effect in (CopyEffect.GUEST_STOPS, CopyEffect.SOURCE_DIES):
            self.witness.excuse(str(effect))
        self.world.plan_fault(self.guest, CopyFault(effect, at_percent, **about))

    def at(self, done_percent: int, act: Callable[[], None]) -> None:
        """In the middle of the copy."""

        def watch(stats: JobStats) -> None:
            if percent(stats) >= done_percent:
                self.world.watch_copy = None
                act()

        self.world.watch_copy = watch

    def end(self, host: str, why: str) -> None:
        """Its QEMU there is gone."""
        if self.witness.holder == host or self.witness.places[host].qemu == "sending":
            self.witness.excuse(why)
        self.world.hosts[host].end(self.uuid)

    def refuses(self, text: str) -> None:
        """Libvirt's own answer to the command."""
        self.source.faults.refuses["migrate"] = text

    # What is done

    def run(self, jobs: Any = None, **changes: Any) -> MigrationResult:  # noqa: ANN401 - ports.Jobs; fields of Request
        worker = self.worker()
        try:
            return self.migration(worker, jobs, self.cancel, **changes).run()
        finally:
            self.jobs.dead.add(worker)

    def dies(self, moment: Callable[[str, Any], bool], **changes: Any) -> None:  # noqa: ANN401 - fields of Request
        """The same, by a worker that dies right after the call at which `moment`, of its name and its job, is true."""

        def after(worker: str, where: str, method: str, given: tuple[Any, ...]) -> None:
            if moment(method, given[1].state if method in ("write", "reserve") else None):
                raise Killed

        try:
            self.run(Watched(self.jobs, "w1", "jobs", after=after), **changes)
        except Killed:
            return
        raise AssertionError("it did not come to that moment")

    def reconcile(self) -> None:
        """By the next command."""
        worker = self.worker()
        self.reconciler(worker, cancel=self.cancel).dead()
        self.jobs.dead.add(worker)
        self.witness.look("reconciled")

    # What must be true after

    @property
    def result(self) -> MigrationResult:
        return self.last().result

    def journal(self) -> tuple[Entry, ...]:
        return self.jobs.journal(self.last().id)

    def intents(self) -> list[str]:
        return [
            str(each.effect.what) for each in self.journal() if each.kind is Kind.INTENT and each.effect is not None
        ]

    def on_source(
        self, outcome: Outcome = Outcome.ROLLED_BACK, state: str = "running", reason: Reason | None = None
    ) -> None:
        """SRC, clean, its tuning restored, and a retry is safe."""
        assert self.result.outcome is outcome, self.result
        assert self.source.active == {self.uuid: state}
        assert self.source.reasons.get(self.uuid) is reason
        assert self.uuid in self.source.defined
        self._nothing_on(self.target)
        assert self.source.max_downtime_ms.get(self.uuid, OWN_DOWNTIME_MS) == OWN_DOWNTIME_MS
        self._at_rest()

    def on_target(self, state: str = "running") -> None:
        """DST, and nothing of it on the source."""
        assert self.result.outcome is Outcome.MIGRATED, self.result
        assert self.target.active == {self.uuid: state}
        assert self.target.reasons == {}
        assert self.uuid in self.target.defined
        self._nothing_on(self.source)
        self._at_rest()

    def stopped(self) -> None:
        """Shut off on its source and never started again by us."""
        assert self.result.outcome is Outcome.FAILED, self.result
        assert "stopped" in (self.result.error or "")
        assert self.source.active == {}
        assert self.uuid in self.source.defined
        self._nothing_on(self.target)
        self._at_rest()

    def in_doubt(self, words: str) -> None:
        assert self.result.outcome is Outcome.IN_DOUBT, self.result
        assert words in (self.result.error or ""), self.result.error
        assert not {"destroy_held", "resume_held", "undefine_off"} & {method for _, method, _ in self.changes}

    def retry(self) -> None:
        self.heal()
        self.cancel.clear()
        assert self.run().outcome is Outcome.MIGRATED
        self.on_target()

    def _nothing_on(self, host: Any) -> None:  # noqa: ANN401 - FakeHost
        assert self.uuid not in host.active
        assert self.uuid not in host.defined
        assert self.uuid not in host.jobs
        assert self.uuid not in host.arriving

    def _at_rest(self) -> None:
        self.witness.look("at rest")
        self.witness.at_rest()
        assert self.unfinished() == ()
        assert self.world.copies == {}


def caught(call: Callable[[], object]) -> VmferryError:
    try:
        call()
    except VmferryError as error:
        return error
    raise AssertionError("nothing was raised")


__all__ = [
    "MB", "SOURCE", "TARGET", "UNTAMED", "CopyEffect", "CopyFault", "Fenced", "GuestState", "Leftover", "MemoryJobs",
    "Outcome", "Reason", "Row", "caught",
]  # fmt: skip
