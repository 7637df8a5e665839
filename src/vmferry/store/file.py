"""The store's file as sqlite3 alone reads and writes it.

SQLAlchemy takes 0.4 s of CPU to import, a fifth of a whole migration by virsh: here it only brings the schema to HEAD,
once in the life of a schema (`schema.py`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from vmferry.errors import Failed
from vmferry.store.problems import explained

HEAD = "0006"
"""The schema that this vmferry knows; the numbers of `migrations/versions` only grow."""

APPLICATION_ID = 0x766D6672
"""In the file's header: that it is vmferry's."""

BUSY_S = 5.0


def version(path: Path) -> str | None:
    """The schema in the file; None where there is no file yet, or an empty one. Raises Failed if it is not for us."""
    with explained(path):
        if not path.exists():
            return None
        with closing(_open(path)) as connection:
            connection.execute("BEGIN")  # one look: somebody may be making the store right now
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            if not tables:
                return None
            if application != APPLICATION_ID:
                raise Failed(f"{path} is the database of another program; name another file in [store] path")
            (found,) = connection.execute("SELECT version_num FROM alembic_version").fetchone() or (None,)
    return _known(path, found)


@contextmanager
def transaction(path: Path, *, lasting: bool = True) -> Iterator[sqlite3.Connection]:
    """A writer from its first word. The store has to be at HEAD. Raises Failed.

    `lasting`: on the disk at its end; else written as soon as the system likes to.
    """
    with explained(path), closing(_open(path)) as connection:
        connection.isolation_level = None  # the transaction is begun here, not by the driver
        connection.execute(f"PRAGMA synchronous = {'FULL' if lasting else 'OFF'}")
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")


def _known(path: Path, found: object) -> str:
    if not isinstance(found, str) or not found.isdigit():
        raise Failed(f"the store {path} does not hold what it should; move it away or put a backup in its place")
    if found > HEAD:
        raise Failed(f"the store {path} was made by a newer vmferry; use that one, or another file in [store] path")
    return found


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """The store has to be at HEAD. Raises Failed."""
    with explained(path), closing(_open(path)) as connection:
        yield connection


def _open(path: Path) -> sqlite3.Connection:
    """Never makes a file. `rw`, since SQLite has to be able to take up its write-ahead log."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=BUSY_S)
