"""`Database` on one SQLite file, by sqlite3 alone: one writer at a time, so that each transaction is a whole one."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from vmferry.store import file
from vmferry.store.database import Session
from vmferry.store.place import Place
from vmferry.store.worker import is_dead

T = TypeVar("T")


class _Session:
    again = False

    def __init__(self, connection: sqlite3.Connection, now_s: Callable[[], float], dead: Callable[[str], bool]) -> None:
        self._connection, self.now_s, self.is_dead = connection, now_s, dead

    def execute(self, statement: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        return self._connection.execute(statement, values)

    def execute_each(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        self._connection.executemany(statement, rows)


class FileDatabase:
    def __init__(
        self, place: Place, now_s: Callable[[], float] = time.time, dead: Callable[[str], bool] = is_dead
    ) -> None:
        """`now_s`: one clock for all processes that use the file."""
        self._place, self._now_s, self._dead = place, now_s, dead

    @property
    def name(self) -> str:
        return f"the store {self._place.path}"

    def exists(self) -> bool:
        return self._place.exists()

    def transact(self, work: Callable[[Session], T], *, lasting: bool = True, whole: bool = False) -> T:
        with self._place.transaction(lasting=lasting) as connection:
            return work(_Session(connection, self._now_s, self._dead))

    def look(self, work: Callable[[Session], T]) -> T:
        with file.reading(self._place.path) as connection:
            return work(_Session(connection, self._now_s, self._dead))

    def appear(self, worker: str) -> None:
        """A process is seen by its number."""

    def leave(self, worker: str) -> None: ...
