"""`ports.Store` on a database. Reading never makes it; the first thing to keep does."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from vmferry.errors import Unknown, UserError
from vmferry.model.host import HostEntry, Withdrawal
from vmferry.model.migration import MigrationResult
from vmferry.store.database import Database, Session, rows
from vmferry.store.documents import read, written

_HOST = "name, uri, peer_uri, migration_address, migration_rate_bytes_s, ssh"


class SqlStore:
    """Safe to use from several threads and several processes at once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def hosts(self) -> tuple[HostEntry, ...]:
        return tuple(
            HostEntry(name, uri, peer, address, None if ssh is None else tuple(json.loads(ssh)), rate)
            for name, uri, peer, address, rate, ssh in self._rows(f"SELECT {_HOST} FROM host ORDER BY name")
        )

    def add_host(self, entry: HostEntry) -> None:
        ssh = None if entry.ssh is None else json.dumps(entry.ssh)
        row = (entry.name, entry.uri, entry.peer_uri, entry.migration_address, entry.migration_rate_bytes_s, ssh)

        def add(session: Session) -> None:
            found = session.execute(f"SELECT {_HOST} FROM host WHERE name = ? OR uri = ?", row[:2]).fetchone()
            if found is not None and not (session.again and tuple(found) == row):
                text = f"there is a host {entry.name} or one at {entry.uri} already; see vmferry host list"
                raise UserError(text)
            if found is None:
                session.execute(f"INSERT INTO host ({_HOST}) VALUES (?, ?, ?, ?, ?, ?)", row)

        self._database.transact(add, whole=True)

    def remove_host(self, name: str) -> None:
        if name not in {each.name for each in self.hosts()}:
            raise Unknown(f"there is no host {name!a} in the store; see vmferry host list")

        def remove(session: Session) -> None:
            session.execute("DELETE FROM host WHERE name = ?", (name,))
            session.execute("DELETE FROM seen_guest WHERE host = ?", (name,))
            session.execute("DELETE FROM withdrawal WHERE name = ?", (name,))

        self._database.transact(remove)

    def withdrawn(self) -> Mapping[str, Withdrawal]:
        rows = self._rows("SELECT name, document FROM withdrawal ORDER BY name")
        return {name: read(document, Withdrawal, self._database.name) for name, document in rows}

    def withdraw(self, host: str, withdrawal: Withdrawal) -> None:
        def withdraw(session: Session) -> None:
            session.execute("DELETE FROM withdrawal WHERE name = ?", (host,))
            session.execute("INSERT INTO withdrawal (name, document) VALUES (?, ?)", (host, written(withdrawal)))

        self._database.transact(withdraw, whole=True)

    def readmit(self, host: str) -> None:
        if host in self.withdrawn():
            self._database.transact(lambda session: session.execute("DELETE FROM withdrawal WHERE name = ?", (host,)))

    def remember_guests(self, host: str, names: Sequence[tuple[str, str]]) -> None:
        """Writes only where something is new: asking for a list is no reason to wait for the disk."""
        if {(name, uuid) for name, uuid, at in self._seen_guests() if at == host} == set(names):
            return

        def remember(session: Session) -> None:
            session.execute("DELETE FROM seen_guest WHERE host = ?", (host,))
            rows = [(host, uuid, name) for name, uuid in names]
            session.execute_each("INSERT INTO seen_guest (host, uuid, name) VALUES (?, ?, ?)", rows)

        self._database.transact(remember, whole=True)

    def remembered_guests(self) -> Mapping[str, str]:
        return {name: host for name, _, host in self._seen_guests()}

    def _seen_guests(self) -> Sequence[tuple[str, str, str]]:
        """(name, uuid, host) by name and host."""
        return self._rows("SELECT name, uuid, host FROM seen_guest ORDER BY name, host")

    def save_result(self, result: MigrationResult) -> None:
        """Of one job, the last counts."""
        row = (result.job, result.guest, result.source, result.target, result.outcome and result.outcome.value)

        def save(session: Session) -> None:
            session.execute("DELETE FROM result WHERE job = ?", (result.job,))
            columns = "job, guest, source, target, outcome, document"
            session.execute(f"INSERT INTO result ({columns}) VALUES (?, ?, ?, ?, ?, ?)", (*row, written(result)))

        self._database.transact(save)

    def results(
        self, *, guest: str | None = None, source: str | None = None, target: str | None = None, most: int = 100
    ) -> tuple[MigrationResult, ...]:
        """Newest first."""
        wanted = {"guest": guest, "source": source, "target": target}
        given = {name: value for name, value in wanted.items() if value is not None}
        where = " AND ".join(f"{column} = ?" for column in given) or "1 = 1"
        rows = self._rows(
            f"SELECT document FROM result WHERE {where} ORDER BY number DESC LIMIT ?", *given.values(), most
        )
        return tuple(read(document, MigrationResult, self._database.name) for (document,) in rows)

    def _rows(self, query: str, *values: str | int) -> Sequence[Any]:
        return rows(self._database, query, *values)
