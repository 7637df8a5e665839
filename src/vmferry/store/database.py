"""What `SqlStore` and `SqlJobs` ask of a database. They speak the SQL that SQLite and PostgreSQL have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Rows(Protocol):
    @property
    def rowcount(self) -> int:
        """How many were changed."""

    def fetchone(self) -> Any: ...  # noqa: ANN401 - a row is a tuple of whatever was selected

    def fetchall(self) -> Sequence[Any]: ...


class Session(Protocol):
    """One transaction, from within."""

    @property
    def again(self) -> bool:
        """An attempt before this one was lost; it may have been committed all the same."""

    def execute(self, statement: str, values: Sequence[object] = ()) -> Rows:
        """`?` stands for each value."""

    def execute_each(self, statement: str, rows: Sequence[Sequence[object]]) -> None: ...

    def now_s(self) -> float:
        """By the one clock of all that use the database."""

    def is_dead(self, worker: str) -> bool:
        """True only where that is certain."""


class Database(Protocol):
    """Every call may be made from any thread and any process, and raises Failed in the words of an operator."""

    @property
    def name(self) -> str:
        """For messages: "the store ..."."""

    def exists(self) -> bool:
        """There is something to read, at the newest schema."""

    def transact(self, work: Callable[[Session], T], *, lasting: bool = True, whole: bool = False) -> T:
        """All that `work` does or nothing. It may be called more than once, each time with nothing of the last time.

        `lasting`: on the disk at its end; else a power loss may take it back. `whole`: nobody else changes leases or
        claims meanwhile, so that what it reads of other jobs still holds when it writes.
        """

    def look(self, work: Callable[[Session], T]) -> T:
        """`work` only reads. Only where the database exists."""

    def appear(self, worker: str) -> None:
        """Others see from now on that this worker lives, until its process ends or `leave`."""

    def leave(self, worker: str) -> None: ...


def rows(database: Database, query: str, *values: str | int) -> Sequence[Any]:
    """None where there is no database yet: reading makes none."""
    if not database.exists():
        return ()
    return database.look(lambda session: session.execute(query, values).fetchall())
