"""`ports.Register` on a database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vmferry.errors import Unknown, UserError
from vmferry.model.access import Act, Reply, Session, Token, User
from vmferry.store.database import Database, rows
from vmferry.store.database import Session as Connection
from vmferry.store.documents import read, written

KEPT_S = 24 * 3600.0
"""An answer may be asked for again within that time."""


class SqlRegister:
    def __init__(self, database: Database) -> None:
        self._database = database

    def tokens(self) -> Sequence[Token]:
        return tuple(
            read(document, Token, self._database.name)
            for (document,) in self._rows("SELECT document FROM token ORDER BY name")
        )

    def add_token(self, token: Token, digest: str) -> None:
        self._add("token", "token", "digest", (token.name, digest, written(token)))

    def remove_token(self, name: str) -> None:
        if name not in {each.name for each in self.tokens()}:
            raise Unknown(f"there is no token {name!a}; see vmferry token list")
        self._database.transact(lambda session: session.execute("DELETE FROM token WHERE name = ?", (name,)))

    def token(self, digest: str) -> Token | None:
        rows = self._rows("SELECT document FROM token WHERE digest = ?", digest)
        return read(rows[0][0], Token, self._database.name) if rows else None

    def users(self) -> Sequence[User]:
        found = self._rows("SELECT document FROM person ORDER BY name")
        return tuple(read(document, User, self._database.name) for (document,) in found)

    def add_user(self, user: User, password: str) -> None:
        self._add("user", "person", "password", (user.name, password, written(user)))

    def set_password(self, name: str, password: str) -> None:
        self._need_user(name)

        def change(session: Connection) -> None:
            session.execute("UPDATE person SET password = ? WHERE name = ?", (password, name))
            session.execute("DELETE FROM session WHERE person = ?", (name,))

        self._database.transact(change, whole=True)

    def remove_user(self, name: str) -> None:
        self._need_user(name)

        def remove(session: Connection) -> None:
            session.execute("DELETE FROM session WHERE person = ?", (name,))
            session.execute("DELETE FROM person WHERE name = ?", (name,))

        self._database.transact(remove, whole=True)

    def _need_user(self, name: str) -> None:
        if self.user(name) is None:
            raise Unknown(f"there is no user {name!a}; see vmferry user list")

    def user(self, name: str) -> tuple[User, str] | None:
        found = self._rows("SELECT document, password FROM person WHERE name = ?", name)
        return (read(found[0][0], User, self._database.name), found[0][1]) if found else None

    def add_session(self, session: Session, digest: str) -> None:
        row = (digest, session.user, session.expires, written(session))

        def add(connection: Connection) -> None:
            connection.execute("DELETE FROM session WHERE expires <= ? OR digest = ?", (session.created, digest))
            connection.execute("INSERT INTO session (digest, person, expires, document) VALUES (?, ?, ?, ?)", row)

        self._database.transact(add, whole=True)

    def session(self, digest: str) -> tuple[Session, User] | None:
        found = self._rows(
            "SELECT session.document, person.document FROM session JOIN person ON person.name = session.person"
            " WHERE digest = ?",
            digest,
        )
        if not found:
            return None
        return read(found[0][0], Session, self._database.name), read(found[0][1], User, self._database.name)

    def remove_session(self, digest: str) -> None:
        self._database.transact(lambda session: session.execute("DELETE FROM session WHERE digest = ?", (digest,)))

    def record(self, act: Act) -> None:
        self._database.transact(
            lambda session: session.execute("INSERT INTO audit (document) VALUES (?)", (written(act),))
        )

    def acts(self, *, before: int | None = None, most: int = 100) -> Sequence[tuple[int, Act]]:
        where, values = ("WHERE number < ?", [before]) if before is not None else ("", [])
        rows = self._rows(f"SELECT number, document FROM audit {where} ORDER BY number DESC LIMIT ?", *values, most)
        return tuple((number, read(document, Act, self._database.name)) for number, document in rows)

    def reply(self, who: str, key: str) -> Reply | None:
        rows = self._rows("SELECT document FROM reply WHERE who = ? AND name = ?", who, key)
        return read(rows[0][0], Reply, self._database.name) if rows else None

    def keep_reply(self, who: str, key: str, reply: Reply) -> None:
        def keep(session: Connection) -> None:
            now_s = session.now_s()
            session.execute("DELETE FROM reply WHERE at_s < ? OR (who = ? AND name = ?)", (now_s - KEPT_S, who, key))
            row = (who, key, now_s, written(reply))
            session.execute("INSERT INTO reply (who, name, at_s, document) VALUES (?, ?, ?, ?)", row)

        self._database.transact(keep, whole=True)

    def _add(self, what: str, table: str, secret: str, row: tuple[str, str, str]) -> None:
        """By its name, once. Raises UserError where it is taken."""
        columns = f"name, {secret}, document"

        def add(session: Connection) -> None:
            found = session.execute(f"SELECT {columns} FROM {table} WHERE name = ?", row[:1]).fetchone()
            if found is not None and not (session.again and tuple(found) == row):
                raise UserError(f"there is a {what} {row[0]} already; remove it first or take another name")
            if found is None:
                session.execute(f"INSERT INTO {table} ({columns}) VALUES (?, ?, ?)", row)

        self._database.transact(add, whole=True)

    def _rows(self, query: str, *values: str | int) -> Sequence[Any]:
        return rows(self._database, query, *values)
