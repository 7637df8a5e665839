"""Several processes that run tests, some of which want the machine for themselves."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path


class Turns:
    """Two locks on files: whoever comes has to pass the gate, and who wants to be alone keeps it shut while waiting."""

    def __init__(self, path: Path) -> None:
        self._gate, self._room = path.with_name(f"{path.name}-gate"), path

    @contextlib.contextmanager
    def beside_others(self) -> Iterator[None]:
        with self._room.open("a") as room:
            with self._gate.open("a") as gate:
                fcntl.flock(gate, fcntl.LOCK_EX)
                fcntl.flock(room, fcntl.LOCK_SH)
            yield

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        with self._room.open("a") as room, self._gate.open("a") as gate:
            fcntl.flock(gate, fcntl.LOCK_EX)
            fcntl.flock(room, fcntl.LOCK_EX)
            yield

    def remove(self) -> None:
        self._gate.unlink(missing_ok=True)
        self._room.unlink(missing_ok=True)
