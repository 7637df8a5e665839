"""`ports.Store` and `ports.Jobs` on one SQLite file."""

from __future__ import annotations

import time
from collections.abc import Callable

from vmferry.store.inventory import SqlStore
from vmferry.store.jobs import SqlJobs
from vmferry.store.place import Place
from vmferry.store.sqlite import FileDatabase
from vmferry.store.worker import is_dead


class EmbeddedStore(SqlStore):
    def __init__(self, place: Place) -> None:
        super().__init__(FileDatabase(place))


class EmbeddedJobs(SqlJobs):
    def __init__(
        self, place: Place, now_s: Callable[[], float] = time.time, dead: Callable[[str], bool] = is_dead
    ) -> None:
        super().__init__(FileDatabase(place, now_s, dead))
