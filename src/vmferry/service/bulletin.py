"""News of jobs and of the inventory, for all who listen: the store is read once for them together.

Each piece of news has an id; who was away for a moment names the last one it got and is told what came after it. Who
was away too long, or comes from before the daemon's start, is told to look at everything anew.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from vmferry.errors import VmferryError
from vmferry.model.job import Job
from vmferry.ports import Clock, Jobs
from vmferry.service.documents import job_news
from vmferry.service.roll import Roll
from vmferry.service.steps import stamp

LOOK_EVERY_S = 0.5
KEPT = 2000
FEW = 20
MOST_JOBS = 10_000

JOB, INVENTORY, RESET, END = "job", "inventory", "reset", "end"
"""Kinds of news; the last one is for listeners here only: the daemon ends."""


@dataclass(frozen=True, slots=True)
class News:
    id: str
    """`BEGINNING-NUMBER`."""
    kind: str
    document: dict[str, Any]

    @property
    def job(self) -> str | None:
        """Of which it is; None: of none."""
        return self.document.get("job") if self.kind == JOB else None


class Bulletin:
    """`run` it in a thread of its own. Listeners are called from there, and must not block."""

    def __init__(self, jobs: Jobs, roll: Roll, clock: Clock, beginning: str, now: Callable[[], datetime]) -> None:
        """`beginning`: names this daemon's run."""
        self._jobs, self._roll, self._clock, self._beginning, self._now = jobs, roll, clock, beginning, now
        self._news: deque[News] = deque(maxlen=KEPT)
        self._number = 0
        self._told: dict[str, dict[str, Any]] = {}
        self._inventory = 0
        self._newest: str | None = None
        """Of the jobs at the last look, the one that was opened last; empty: there was none."""
        self._listeners: list[Callable[[News], None]] = []
        self._lock = threading.Lock()  # held to look at or change the news and who listens

    def listen(self, listener: Callable[[News], None], last: str | None = None) -> Callable[[], None]:
        """From now on, after what came since the news with the id `last`. Gives what ends it."""
        with self._lock:
            for news in self._since(last):
                listener(news)
            self._listeners.append(listener)

        def leave() -> None:
            with self._lock, contextlib.suppress(ValueError):
                self._listeners.remove(listener)

        return leave

    def of(self, job: str) -> list[dict[str, Any]]:
        """What was told of a job and is still kept, oldest first."""
        with self._lock:
            return [news.document for news in self._news if news.job == job]

    def _since(self, last: str | None) -> Sequence[News]:
        if last is None:
            return ()
        beginning, _, number = last.rpartition("-")
        known = int(number) if number.isdecimal() and beginning == self._beginning else None
        if known is None or known > self._number or known < self._number - len(self._news):
            return (News(f"{self._beginning}-{self._number}", RESET, {}),)
        return [each for each in self._news if int(each.id.rpartition("-")[2]) > known]

    def run(self, stop: threading.Event, note: Callable[[str], None] = lambda text: None) -> None:
        trouble = ""
        while not stop.is_set():
            try:
                self.look()
                trouble = ""
            except VmferryError:
                pass  # the store was away, which the worker says: it is asked again
            except Exception as error:  # a fault of ours ends no news for good
                if repr(error) != trouble:
                    note(f"no news of jobs: internal error: {error!r}")
                trouble = repr(error)
            self._clock.sleep(LOOK_EVERY_S)

    def look(self) -> None:
        """Tell what is new since the last look."""
        running = {job.id: job_news(job, self._jobs.shown(job.id)) for job in self._running()}
        ended = [self._jobs.job(name) for name in self._told if name not in running]
        ended += [job for job in self._since_last_look() if job.id not in self._told and job.id not in running]
        for job in ended:
            self._told.pop(job.id, None)
            self._tell(JOB, job_news(job, None))
            self._roll.want()
        for name, document in running.items():
            if self._told.get(name) != document:
                self._told[name] = document
                self._tell(JOB, document)
        if self._roll.number != self._inventory:
            self._inventory = self._roll.number
            self._tell(INVENTORY, {"number": self._inventory})

    def _since_last_look(self) -> list[Job]:
        """Jobs that were opened since: they may have begun and ended in between. Of those before, nothing is told."""
        newest, most = self._jobs.jobs(most=1), FEW
        before, self._newest = self._newest, newest[0].id if newest else ""
        if before is None or before == self._newest:
            return []
        while True:
            found = self._jobs.jobs(most=most)
            names = [job.id for job in found]
            if before in names:
                return list(reversed(found[: names.index(before)]))
            if len(found) < most:
                return list(reversed(found)) if before == "" else []
            most *= 4

    def _running(self) -> list[Job]:
        """Those in doubt are at rest, and told once."""
        return [job for job in self._jobs.jobs(unfinished=True, most=MOST_JOBS) if job.result.outcome is None]

    def end(self) -> None:
        """Whoever listens now is let go."""
        with self._lock:
            for listener in self._listeners:
                listener(News("", END, {}))

    def _tell(self, kind: str, document: dict[str, Any]) -> None:
        with self._lock:
            self._number += 1
            news = News(f"{self._beginning}-{self._number}", kind, document | {"at": stamp(self._now())})
            self._news.append(news)
            for listener in self._listeners:
                listener(news)
