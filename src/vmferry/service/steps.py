"""The steps of one migration with their times."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from vmferry.model.migration import Step


def stamp(moment: datetime) -> str:
    """RFC 3339, of an aware time in UTC."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class StepLog:
    """`now` gives aware datetimes in UTC."""

    def __init__(self, now: Callable[[], datetime], past: Sequence[Step] = ()) -> None:
        """`past`: of another worker; the one that it died in has failed."""
        self._now = now
        self._steps = [replace(step, state="failed") if step.state == "running" else step for step in past]

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(self._steps)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """A step that is left by an exception has failed."""
        self._steps.append(Step(name, "running", self._stamp()))
        try:
            yield
        except BaseException:
            self.end("failed")
            raise
        self.end("done")

    def end(self, state: str) -> None:
        """Close the step that runs; one that is closed stays as it is."""
        last = self._steps[-1]
        if last.state == "running":
            self._steps[-1] = replace(last, state=state, ended=self._stamp())

    def _stamp(self) -> str:
        return stamp(self._now())
