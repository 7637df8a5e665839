"""Workers that others can see living: each holds an advisory lock in a PostgreSQL session of its own."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from dataclasses import dataclass

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

LOOK_EVERY_S = 1.0
"""At one's own session: a new one is made where the database or the network has ended it."""

IS_PRESENT = (
    "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND granted"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND classid = ?::bigint::oid AND objid = ?::bigint::oid)"
)
_TAKE = "SELECT pg_try_advisory_lock(%s::bigint::bit(32)::int4, %s::bigint::bit(32)::int4)"


def key_of(worker: str) -> tuple[int, int]:
    """Two numbers of 32 bits."""
    digest = hashlib.blake2b(worker.encode(), digest_size=8).digest()
    return int.from_bytes(digest[:4]), int.from_bytes(digest[4:])


@dataclass(slots=True)
class _Presence:
    connection: Connection | None = None
    holds: bool = False


class Presences:
    """Of this process. One thread looks after all of them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._there: dict[str, _Presence] = {}
        self._lock = threading.RLock()  # held to look at or change any of them
        self._ended = threading.Event()

    def appear(self, worker: str) -> None:
        """Returns when others see it. Raises what the database raises, if it was never seen."""
        with self._lock:
            if worker in self._there:
                return
            presence = _Presence()
            _hold(self._engine, presence, worker)
            self._there[worker] = presence
            if len(self._there) == 1:
                self._ended.clear()
                threading.Thread(target=self._look_after, args=(self._ended,), daemon=True).start()

    def leave(self, worker: str) -> None:
        with self._lock:
            presence = self._there.pop(worker, None)
            if presence is not None:
                with contextlib.suppress(DBAPIError):
                    if presence.connection is not None:
                        presence.connection.exec_driver_sql("SELECT pg_advisory_unlock_all()")
                _end(presence)
            if not self._there:
                self._ended.set()
                self._ended = threading.Event()

    def close(self) -> None:
        for worker in tuple(self._there):
            self.leave(worker)

    def _look_after(self, ended: threading.Event) -> None:
        while not ended.wait(LOOK_EVERY_S):
            with self._lock:
                for worker, presence in self._there.items():
                    with contextlib.suppress(DBAPIError):  # tried again a second later
                        _hold(self._engine, presence, worker)


def _hold(engine: Engine, presence: _Presence, worker: str) -> None:
    try:
        if presence.connection is None:
            presence.connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            presence.holds = False
        if presence.holds:
            presence.connection.exec_driver_sql("SELECT 1")
        else:  # a session that the server has not yet seen end may still have it: then the worker is seen as well
            presence.holds = bool(presence.connection.exec_driver_sql(_TAKE, key_of(worker)).scalar_one())
    except DBAPIError:
        _end(presence)
        raise


def _end(presence: _Presence) -> None:
    connection, presence.connection, presence.holds = presence.connection, None, False
    if connection is not None:
        with contextlib.suppress(DBAPIError):
            connection.invalidate()  # its session ends; one that goes back to the pool would keep the lock
            connection.close()
