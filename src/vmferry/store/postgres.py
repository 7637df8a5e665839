"""`ports.Store` and `ports.Jobs` on PostgreSQL, shared by workers on many machines.

Time is the database's clock. A worker lives as long as its session holds its advisory lock (`presence.py`), so others
see its death when the kernel, or the keepalive, closes that session. A database that goes away for a moment, as in a
restart, is waited for: what was being done is done again, unless it is there already.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import cached_property
from threading import Lock
from typing import Any, TypeVar

import psycopg
from sqlalchemy import URL, Connection, CursorResult, Engine, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

from vmferry.errors import Failed, UserError
from vmferry.store.database import Session
from vmferry.store.inventory import SqlStore
from vmferry.store.jobs import SqlJobs
from vmferry.store.presence import IS_PRESENT, Presences, key_of

PATIENCE_S = 30.0
"""For a database that is restarted, or fails over."""
AGAIN_EVERY_S = 0.2
SETTLING_IN_S = 4.0
"""After the start of the database, in which living workers show themselves again. They try every second."""
SCHEMA = "vmferry"

_OPTIONS = (
    f"-csearch_path={SCHEMA} "
    # A worker that is frozen in the middle of a transaction must not hold up all others for ever.
    "-cidle_in_transaction_session_timeout=5s -clock_timeout=20s -cstatement_timeout=30s "
    # A machine that has lost its power is noticed, and its session ended.
    "-ctcp_keepalives_idle=2 -ctcp_keepalives_interval=1 -ctcp_keepalives_count=3"
)
_DEAD = (
    "SELECT extract(epoch FROM clock_timestamp() - pg_postmaster_start_time()) >= CAST(? AS float8)"
    f" AND NOT ({IS_PRESENT})"
)
_WHOLE = "LOCK TABLE lease IN SHARE ROW EXCLUSIVE MODE"
_UPGRADING = 0x766D6672
"""The advisory lock of whoever brings the schema to the newest one."""

T = TypeVar("T")


class PostgresStore(SqlStore):
    def __init__(self, database: PostgresDatabase) -> None:
        super().__init__(database)


class PostgresJobs(SqlJobs):
    def __init__(self, database: PostgresDatabase) -> None:
        super().__init__(database)


class PostgresDatabase:
    def __init__(self, url: str, patience_s: float = PATIENCE_S, settling_in_s: float = SETTLING_IN_S) -> None:
        """Connects when it is first asked. Raises UserError for a URL that is none of PostgreSQL's."""
        self._url = _checked(url)
        self._patience_s, self._settling_in_s = patience_s, settling_in_s
        self._lock = Lock()  # held to bring the schema to HEAD
        self._is_ready = False

    @property
    def name(self) -> str:
        """Without the password."""
        return f"the database {self._url.set(drivername='postgresql').render_as_string()}"

    @cached_property
    def _engine(self) -> Engine:
        query = {"connect_timeout": "5", "options": _OPTIONS, "application_name": "vmferry", **self._url.query}
        return create_engine(self._url.set(query=query), pool_size=4, max_overflow=60)

    @cached_property
    def _presences(self) -> Presences:
        return Presences(self._engine)

    def exists(self) -> bool:
        if not self._is_ready:
            with self._lock:
                if not self._is_ready:
                    self._bring_to_head()
                    self._is_ready = True
        return True

    def _bring_to_head(self) -> None:
        from vmferry.store.schema import upgrade_shared

        try:
            with self._engine.begin() as connection:
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_UPGRADING})")
                upgrade_shared(connection, SCHEMA, self.name)
        except DBAPIError as error:
            raise _problem(self.name, error) from error

    def transact(self, work: Callable[[Session], T], *, lasting: bool = True, whole: bool = False) -> T:
        def attempt(connection: Connection, again: bool) -> T:
            if not lasting:
                connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
            if whole:
                connection.exec_driver_sql(_WHOLE)
            return work(_Session(connection, again, self._settling_in_s))

        return self._patiently(attempt)

    def look(self, work: Callable[[Session], T]) -> T:
        return self._patiently(lambda connection, again: work(_Session(connection, again, self._settling_in_s)))

    def _patiently(self, attempt: Callable[[Connection, bool], T]) -> T:
        def once(again: bool) -> T:
            with self._engine.begin() as connection:
                return attempt(connection, again)

        return self._waiting(once)

    def _waiting(self, attempt: Callable[[bool], T]) -> T:
        """`attempt` is told whether it is made again."""
        self.exists()  # a database that was never there is told at once
        until_s = time.monotonic() + self._patience_s
        again = False
        while True:
            try:
                return attempt(again)
            except DBAPIError as error:
                again = True
                if not _is_passing(error) or time.monotonic() > until_s:
                    raise _problem(self.name, error) from error
            time.sleep(AGAIN_EVERY_S)

    def appear(self, worker: str) -> None:
        self._waiting(lambda again: self._presences.appear(worker))

    def leave(self, worker: str) -> None:
        self._presences.leave(worker)

    def close(self) -> None:
        """Every session ends; a worker that was seen by one is seen no more."""
        self._presences.close()
        self._engine.dispose()


class _Session:
    def __init__(self, connection: Connection, again: bool, settling_in_s: float) -> None:
        self._connection, self.again, self._settling_in_s = connection, again, settling_in_s

    def execute(self, statement: str, values: Sequence[object] = ()) -> CursorResult[Any]:
        return self._connection.exec_driver_sql(statement.replace("?", "%s"), tuple(values))

    def execute_each(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        if rows:
            self._connection.exec_driver_sql(statement.replace("?", "%s"), [tuple(row) for row in rows])

    def now_s(self) -> float:
        """While the transaction goes on, it goes on too."""
        return float(self.execute("SELECT extract(epoch FROM clock_timestamp())::float8").scalar_one())

    def is_dead(self, worker: str) -> bool:
        return bool(self.execute(_DEAD, (self._settling_in_s, *key_of(worker))).scalar_one())


def _checked(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    if parsed is None or parsed.get_backend_name() not in ("postgresql", "postgres"):
        raise UserError(
            "a database is named as postgresql://USER@HOST/NAME, or postgresql:///NAME?host=/run/postgresql for one on "
            "this machine"
        )
    return parsed.set(drivername="postgresql+psycopg")


def _is_passing(error: DBAPIError) -> bool:
    """The connection was lost, or the server cannot just now."""
    return isinstance(error, OperationalError) or error.connection_invalidated


def _problem(name: str, error: DBAPIError) -> Failed:
    code = (error.orig.sqlstate if isinstance(error.orig, psycopg.Error) else None) or ""
    text = str(error.orig)
    if code.startswith("28") or "authentication failed" in text or "no password supplied" in text:
        what = "does not let this user in; give a user and password that it knows (PGPASSWORD, ~/.pgpass)"
    elif code == "3D000" or ('database "' in text and "does not exist" in text):  # libpq gives no code for these
        what = "does not exist; make it with createdb"
    elif code == "42501":
        what = "does not let this user make or read its tables; grant CREATE on the database"
    elif _is_passing(error):
        what = "does not answer; see that it runs and can be reached from here, then try again"
    else:
        what = "does not hold what it should; name another database"
    return Failed(f"{name} {what}", detail=text.strip())
