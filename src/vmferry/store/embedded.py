"""`ports.Store` on one SQLite file. Reading never makes the file; the first thing to keep does."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

from vmferry.errors import Failed, UserError
from vmferry.model.host import HostEntry
from vmferry.model.migration import MigrationResult
from vmferry.store import file
from vmferry.store.place import Place


class EmbeddedStore:
    """Safe to use from several threads and several processes at once."""

    def __init__(self, place: Place) -> None:
        self._place = place

    @property
    def path(self) -> Path:
        return self._place.path

    def hosts(self) -> tuple[HostEntry, ...]:
        return file.hosts(self.path) if self._place.exists() else ()

    def add_host(self, entry: HostEntry) -> None:
        ssh = None if entry.ssh is None else json.dumps(entry.ssh)
        row = (entry.name, entry.uri, entry.peer_uri, entry.migration_address, entry.migration_rate_bytes_s, ssh)
        columns = "name, uri, peer_uri, migration_address, migration_rate_bytes_s, ssh"
        with self._place.transaction() as connection:
            try:
                connection.execute(f"INSERT INTO host ({columns}) VALUES (?, ?, ?, ?, ?, ?)", row)
            except sqlite3.IntegrityError:
                text = f"there is a host {entry.name} or one at {entry.uri} already; see vmferry host list"
                raise UserError(text) from None

    def remove_host(self, name: str) -> None:
        if name not in {each.name for each in self.hosts()}:
            raise UserError(f"there is no host {name!a} in the store; see vmferry host list")
        with self._place.transaction() as connection:
            connection.execute("DELETE FROM host WHERE name = ?", (name,))
            connection.execute("DELETE FROM seen_guest WHERE host = ?", (name,))

    def remember_guests(self, host: str, names: Sequence[tuple[str, str]]) -> None:
        """Writes only where something is new: asking for a list is no reason to wait for the disk."""
        known = file.seen_guests(self.path) if self._place.exists() else ()
        if {(name, uuid) for name, uuid, at in known if at == host} == set(names):
            return
        rows = [(host, uuid, name) for name, uuid in names]
        with self._place.transaction() as connection:
            connection.execute("DELETE FROM seen_guest WHERE host = ?", (host,))
            connection.executemany("INSERT INTO seen_guest (host, uuid, name) VALUES (?, ?, ?)", rows)

    def remembered_guests(self) -> Mapping[str, str]:
        known = file.seen_guests(self.path) if self._place.exists() else ()
        return {name: host for name, _, host in known}

    def save_result(self, result: MigrationResult) -> None:
        """Of one job, the last counts."""
        import msgspec

        row = (result.job, result.guest, result.source, result.target, result.outcome)
        document = msgspec.json.encode(result).decode()
        columns = "job, guest, source, target, outcome, document"
        with self._place.transaction() as connection:
            connection.execute("DELETE FROM result WHERE job = ?", (result.job,))
            connection.execute(f"INSERT INTO result ({columns}) VALUES (?, ?, ?, ?, ?, ?)", (*row, document))

    def results(
        self, *, guest: str | None = None, source: str | None = None, target: str | None = None, most: int = 100
    ) -> tuple[MigrationResult, ...]:
        if not self._place.exists():
            return ()
        wanted = {"guest": guest, "source": source, "target": target}
        documents = file.results(self.path, {name: value for name, value in wanted.items() if value is not None}, most)
        return tuple(self._result(document) for document in documents)

    def _result(self, document: str) -> MigrationResult:
        import msgspec

        try:
            return msgspec.json.decode(document, type=MigrationResult)
        except msgspec.DecodeError as error:
            text = (
                f"the store {self.path} holds a record that cannot be read; move it away or put a backup in its place"
            )
            raise Failed(text, detail=str(error)) from None
