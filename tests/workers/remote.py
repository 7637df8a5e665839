"""Hosts in memory for several processes: one has the world, the others ask it over a socket."""

from __future__ import annotations

import contextlib
import pickle
import socket
import socketserver
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vmferry.errors import HostError, HostUnreachable
from vmferry.fakes import FakeConnector, FakeProber, FakeWorld
from vmferry.fakes.copying import FakeCopy
from vmferry.model.host import HostEntry

LENGTH = struct.Struct("!I")


class WorldServer:
    """Answers every question to a host of the world, each caller's in its own thread."""

    def __init__(self, world: FakeWorld, path: Path) -> None:
        self.world, self.path = world, path
        self.copies: dict[int, FakeCopy] = {}
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                hosts: dict[str, Any] = {}
                with contextlib.suppress(ConnectionError, EOFError):
                    while True:
                        send(self.request, outer.answer(hosts, *receive(self.request)))

        self._server = socketserver.ThreadingUnixStreamServer(str(path), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, hosts: dict[str, Any], where: str, method: str, given: tuple[Any, ...]) -> tuple[str, Any]:
        try:
            return "said", self._ask(hosts, where, method, given)
        except HostError as error:
            return type(error).__name__, (error.host, error.message, error.detail, error.code)

    def _ask(self, hosts: dict[str, Any], where: str, method: str, given: tuple[Any, ...]) -> Any:  # noqa: ANN401
        if where.startswith("copy/"):
            copy = self.copies[int(where.removeprefix("copy/"))]
            return copy.wait(*given) if method == "wait" else (copy.problem and str(copy.problem))
        if where == "prober":
            return getattr(FakeProber(self.world), method)(*given)
        if method == "connect":
            hosts[where] = FakeConnector(self.world).connect(*given)
            return None
        said = getattr(hosts[where], method)(*given)
        if isinstance(said, FakeCopy):
            self.copies[id(said)] = said
            return ("copy", id(said))
        return said

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def send(to: socket.socket, value: object) -> None:
    data = pickle.dumps(value)
    to.sendall(LENGTH.pack(len(data)) + data)


def receive(at: socket.socket) -> Any:  # noqa: ANN401
    (length,) = LENGTH.unpack(_exactly(at, LENGTH.size))
    return pickle.loads(_exactly(at, length))


def _exactly(at: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = at.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data


class Line:
    """One connection to the world; a question at a time."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)
        self._lock = threading.Lock()

    def ask(self, where: str, method: str, *given: object) -> Any:  # noqa: ANN401
        with self._lock:
            send(self._socket, (where, method, given))
            kind, said = receive(self._socket)
        if kind == "said":
            return said
        host, message, detail, code = said
        if kind == "HostUnreachable":
            raise HostUnreachable(host, message, detail=detail)
        raise HostError(host, message, detail=detail, code=code)

    def close(self) -> None:
        self._socket.close()


class RemoteHost:
    """As `ports.HostPort`."""

    def __init__(self, line: Line, entry: HostEntry) -> None:
        self._line, self.entry = line, entry

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def ask(*given: object) -> Any:  # noqa: ANN401
            said = self._line.ask(self.entry.name, method, *given)
            if isinstance(said, tuple) and said[:1] == ("copy",):
                return RemoteCopy(self._line, self.entry.name, said[1])
            return said

        return ask

    def close(self) -> None:
        self._line.close()


class RemoteCopy:
    """As `ports.Copy`. Each look is short: other questions go over the same connection."""

    def __init__(self, line: Line, host: str, number: int) -> None:
        self._line, self._host, self._where = line, host, f"copy/{number}"

    def wait(self, timeout_s: float) -> bool:
        return bool(self._line.ask(self._where, "wait", timeout_s))

    @property
    def problem(self) -> HostError | None:
        text = self._line.ask(self._where, "problem")
        return HostError(self._host, text, detail=text) if text else None


class RemoteConnector:
    """As `ports.Connector`."""

    def __init__(self, path: str) -> None:
        self._path = path

    def connect(self, entry: HostEntry, timeout_s: float) -> RemoteHost:
        line = Line(self._path)
        line.ask(entry.name, "connect", entry, timeout_s)
        return RemoteHost(line, entry)


class RemoteProber:
    """As `ports.Prober`."""

    def __init__(self, path: str) -> None:
        self._line = Line(path)

    def watch(self, address: str) -> Any:  # noqa: ANN401
        return self._line.ask("prober", "watch", address)

    def answers(self, probe: object, timeout_s: float) -> Any:  # noqa: ANN401
        return self._line.ask("prober", "answers", probe, timeout_s)
