"""`ports.Store` on one SQLite file. Reading never makes the file; the first thing to keep does."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from vmferry.errors import Failed, UserError
from vmferry.model.host import HostEntry
from vmferry.model.migration import MigrationResult
from vmferry.store import quick
from vmferry.store.problems import problem

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_COPIED = ("name", "uri", "peer_uri", "migration_address", "migration_rate_bytes_s")


class EmbeddedStore:
    """Safe to use from several threads and several processes at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()  # held to bring the schema to HEAD and to make the engine
        self._made: Engine | None = None

    def hosts(self) -> tuple[HostEntry, ...]:
        return quick.hosts(self.path) if self._exists() else ()

    def add_host(self, entry: HostEntry) -> None:
        from sqlalchemy.exc import IntegrityError

        from vmferry.store import tables

        columns = {name: getattr(entry, name) for name in _COPIED}
        try:
            with self._transaction() as connection:
                ssh = None if entry.ssh is None else json.dumps(entry.ssh)
                connection.execute(tables.hosts.insert().values(columns | {"ssh": ssh}))
        except IntegrityError:
            raise UserError(
                f"there is a host {entry.name} or one at {entry.uri} already; see vmferry host list"
            ) from None

    def remove_host(self, name: str) -> None:
        if name not in {each.name for each in self.hosts()}:
            raise UserError(f"there is no host {name!a} in the store; see vmferry host list")
        from vmferry.store import tables

        with self._transaction() as connection:
            connection.execute(tables.hosts.delete().where(tables.hosts.c.name == name))
            connection.execute(tables.seen_guests.delete().where(tables.seen_guests.c.host == name))

    def remember_guests(self, host: str, names: Sequence[tuple[str, str]]) -> None:
        """Writes only where something is new: asking for a list is no reason to wait for the disk."""
        known = quick.seen_guests(self.path) if self._exists() else ()
        if {(name, uuid) for name, uuid, at in known if at == host} == set(names):
            return
        from vmferry.store import tables

        rows = [{"host": host, "uuid": uuid, "name": name} for name, uuid in names]
        with self._transaction() as connection:
            connection.execute(tables.seen_guests.delete().where(tables.seen_guests.c.host == host))
            if rows:
                connection.execute(tables.seen_guests.insert(), rows)

    def remembered_guests(self) -> Mapping[str, str]:
        known = quick.seen_guests(self.path) if self._exists() else ()
        return {name: host for name, _, host in known}

    def save_result(self, result: MigrationResult) -> None:
        """Of one job, the last counts."""
        import msgspec

        from vmferry.store import tables

        columns = {name: getattr(result, name) for name in ("job", "guest", "source", "target", "outcome")}
        document = msgspec.json.encode(result).decode()
        with self._transaction() as connection:
            connection.execute(tables.results.delete().where(tables.results.c.job == result.job))
            connection.execute(tables.results.insert().values(columns | {"document": document}))

    def results(
        self, *, guest: str | None = None, source: str | None = None, target: str | None = None, most: int = 100
    ) -> tuple[MigrationResult, ...]:
        if not self._exists():
            return ()
        wanted = {"guest": guest, "source": source, "target": target}
        documents = quick.results(self.path, {name: value for name, value in wanted.items() if value is not None}, most)
        return tuple(self._result(document) for document in documents)

    def _exists(self) -> bool:
        """There is something to read, at HEAD. Raises Failed for a file that is not for us."""
        found = quick.version(self.path)
        if found is not None and found != quick.HEAD:
            self._engine()
        return found is not None

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        from sqlalchemy.exc import DBAPIError, IntegrityError

        try:
            with self._engine().begin() as connection:
                yield connection
        except IntegrityError:
            raise
        except DBAPIError as error:
            if isinstance(error.orig, sqlite3.Error):
                raise problem(self.path, error.orig) from error
            raise

    def _engine(self) -> Engine:
        from vmferry.store.schema import make_engine, upgrade

        with self._lock:
            if self._made is None:
                engine = make_engine(self.path)
                if quick.version(self.path) != quick.HEAD:
                    self._make_file()
                    upgrade(engine)
                self._made = engine
            return self._made

    def _make_file(self) -> None:
        """For this user only: it names machines and how to reach them."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.touch(mode=0o600)
        except OSError as error:
            text = f"the store {self.path} cannot be made: {error.strerror}; name a place that can be in [store] path"
            raise Failed(text) from None

    def _result(self, document: str) -> MigrationResult:
        import msgspec

        try:
            return msgspec.json.decode(document, type=MigrationResult)
        except msgspec.DecodeError as error:
            text = (
                f"the store {self.path} holds a record that cannot be read; move it away or put a backup in its place"
            )
            raise Failed(text, detail=str(error)) from None
