"""The connections of one command: opened all at the same time, handed on for reuse, closed at the end."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TypeVar

from vmferry.errors import Unknown, VmferryError, silent
from vmferry.model.host import HostEntry
from vmferry.ports import Connector, HostPort
from vmferry.service.closest import did_you_mean
from vmferry.service.parallel import all_at_once

TIMEOUT_S = 5.0
CLOSING_S = 1.0

T = TypeVar("T")


class _Connection:
    """One host being connected to in a thread of its own. A connection that comes after `close` is closed at once."""

    def __init__(self, connector: Connector, entry: HostEntry, timeout_s: float) -> None:
        self.entry, self._connector, self._timeout_s = entry, connector, timeout_s
        self._lock = threading.Lock()  # held to look at or change the three below together
        self._port: HostPort | None = None
        self._problem: Exception | None = None
        self._closed = False
        self._ended = threading.Event()
        threading.Thread(target=self._connect, daemon=True).start()

    def _connect(self) -> None:
        try:
            # A little less than the whole, so that the connector's own reason is the one that is seen.
            port = self._connector.connect(self.entry, self._timeout_s * 0.9)
        except Exception as error:  # carried over to whoever waits, and raised there
            self._problem = error
        else:
            with self._lock:
                self._port = port
                late = self._closed
            if late:
                _close(port)
        finally:
            self._ended.set()

    def wait(self) -> HostPort:
        if not self._ended.wait(self._timeout_s):
            raise silent(self.entry.name, self._timeout_s)
        if self._port is None:
            raise self._problem or silent(self.entry.name, self._timeout_s)
        return self._port

    def close(self) -> None:
        with self._lock:
            port, self._closed = self._port, True
        if port is not None:
            _close(port)


class Fleet:
    """Hosts that are being connected to since they were added. Use as a context manager."""

    def __init__(self, connector: Connector, entries: Iterable[HostEntry] = (), timeout_s: float = TIMEOUT_S) -> None:
        self._connector, self.timeout_s = connector, timeout_s
        self._connections: dict[str, _Connection] = {}
        for entry in entries:
            self.add(entry)

    def add(self, entry: HostEntry) -> None:
        """Begin to connect to it; returns at once. The first entry of a name counts."""
        if entry.name not in self._connections:
            self._connections[entry.name] = _Connection(self._connector, entry, self.timeout_s)

    @property
    def entries(self) -> tuple[HostEntry, ...]:
        return tuple(connection.entry for connection in self._connections.values())

    def host(self, name: str) -> HostPort:
        """Waits for its connection. Raises UserError for an unknown host, HostUnreachable for a silent one."""
        if name not in self._connections:
            raise unknown_host(name, self._connections)
        return self._connections[name].wait()

    def ask(self, question: Callable[[HostPort], T], names: Iterable[str] | None = None) -> dict[str, T | VmferryError]:
        """Ask all (or these) hosts at the same time; the answer by name, or the error of that host.

        Each has `timeout_s` seconds for connecting and answering together, and holds nobody up.
        """
        asked = list(self._connections) if names is None else list(names)
        calls = [_call(question, self._connections[name]) for name in asked]
        answers = all_at_once(calls, self.timeout_s)
        return {name: self._answer(name, answer) for name, answer in zip(asked, answers, strict=True)}

    def _answer(self, name: str, answer: T | Exception) -> T | VmferryError:
        if isinstance(answer, TimeoutError):
            return silent(name, self.timeout_s)
        if isinstance(answer, Exception) and not isinstance(answer, VmferryError):
            raise answer
        return answer

    def close(self) -> None:
        """Close what is open; a host that is slow to let go is left to the end of the process."""
        all_at_once([connection.close for connection in self._connections.values()], CLOSING_S)

    def __enter__(self) -> Fleet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def unknown_host(name: str, known: Iterable[str]) -> Unknown:
    return Unknown(f"there is no host {name!a}{did_you_mean(name, known)}; see vmferry host list")


def _call(question: Callable[[HostPort], T], connection: _Connection) -> Callable[[], T]:
    return lambda: question(connection.wait())


def _close(port: HostPort) -> None:
    with contextlib.suppress(VmferryError):  # it is gone already, which is what was wanted
        port.close()
