"""A PostgreSQL whose time passes and whose workers die when a test wants it."""

from __future__ import annotations

from vmferry.store.postgres import PostgresDatabase

TIMES = (("lease", "until_s"), ("worker", "until_s"), ("job", "opened_s"), ("job", "claimed_s"), ("job", "waiting_s"))


class PostgresTime:
    """The database's own clock cannot be moved: everything that was, was so much longer ago."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    def sleep(self, duration_s: float) -> None:
        self._database.transact(
            lambda session: [
                session.execute(f"UPDATE {table} SET {at} = {at} - ?", (duration_s,)) for table, at in TIMES
            ]
        )


class PostgresDead(set[str]):
    """A worker that is put here has lost its session."""

    def __init__(self, database: PostgresDatabase) -> None:
        super().__init__()
        self._database = database

    def add(self, worker: str) -> None:
        self._database.leave(worker)
