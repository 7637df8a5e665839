"""Where the embedded store is: its file, made when there is first something to keep, always at the newest schema."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vmferry.errors import Failed
from vmferry.store import file


class Place:
    """Safe to use from several threads and several processes at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()  # held to make the file and to bring it to HEAD

    def exists(self) -> bool:
        """There is something to read, now at HEAD. Raises Failed for a file that is not for us."""
        found = file.version(self.path)
        if found is not None and found != file.HEAD:
            self._bring_to_head()
        return found is not None

    @contextmanager
    def transaction(self, *, lasting: bool = True) -> Iterator[sqlite3.Connection]:
        """`lasting`: on the disk at its end; else a power loss may take it back."""
        self._bring_to_head()
        with file.transaction(self.path, lasting=lasting) as connection:
            yield connection

    def _bring_to_head(self) -> None:
        with self._lock:
            if file.version(self.path) != file.HEAD:
                from vmferry.store.schema import upgrade  # SQLAlchemy and Alembic: 0.7 s, once

                self._make_file()
                upgrade(self.path)

    def _make_file(self) -> None:
        """For this user only: it names machines and how to reach them."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.touch(mode=0o600)
        except OSError as error:
            text = f"the store {self.path} cannot be made: {error.strerror}; name a place that can be in [store] path"
            raise Failed(text) from None
