"""What SQLite says, in the words of the person who has to do something about it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vmferry.errors import Failed

_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_DENIED = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY)
_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Raises Failed for whatever SQLite raises inside, and the system where the file cannot be looked at."""
    try:
        yield
    except OSError as error:
        raise Failed(_sentence(path, sqlite3.SQLITE_CANTOPEN), detail=str(error)) from error
    except sqlite3.Error as error:
        raise problem(path, error) from error


def problem(path: Path, error: sqlite3.Error) -> Failed:
    code = getattr(error, "sqlite_errorcode", None)
    primary = None if code is None else code & 0xFF  # the rest of it only says more of the same
    return Failed(f"{_sentence(path, primary)}", detail=str(error))


def _sentence(path: Path, code: int | None) -> str:
    if code in _BUSY:
        return f"the store {path} is in use by another vmferry and did not come free; try again"
    if code in _DAMAGED:
        return f"the store {path} is damaged or is no store of vmferry; move it away or put a backup in its place"
    if code in _DENIED:
        return f"the store {path} cannot be opened; make it and its directory readable and writable for this user"
    if code in _FULL:
        return f"the store {path} cannot be written or read; look at its disk (space, errors)"
    return f"the store {path} does not hold what it should; move it away or put a backup in its place"
