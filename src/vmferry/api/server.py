"""uvicorn over a unix socket and TCP, until it is told to end."""

from __future__ import annotations

import asyncio
import grp
import os
import socket
import ssl
import stat
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from vmferry.api.peer import GROUP, PeerProtocol
from vmferry.errors import Failed

LEAVING_S = 2
"""Streams of news never end by themselves."""
BACKLOG = 512


def unix_socket(path: Path) -> socket.socket:
    """For its owner and the group vmferry, where there is one. Raises Failed where another one is served there."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    if path.exists() and not stat.S_ISSOCK(path.lstat().st_mode):
        raise Failed(f"{path} is there and is no socket; name another one with --socket")
    with socket.socket(socket.AF_UNIX) as trial:
        try:
            trial.connect(str(path))
        except OSError:
            path.unlink(missing_ok=True)  # of a daemon that is gone
        else:
            raise Failed(f"another vmferry is served at {path}; end it first, or name another one with --socket")
    served = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)
    try:
        served.bind(str(path))
    except OSError as error:
        served.close()
        raise Failed(f"{path} cannot be served: {error.strerror}; name another one with --socket") from error
    finally:
        os.umask(before)
    _let_group_in(path)
    served.listen(BACKLOG)
    return served


def _let_group_in(path: Path) -> None:
    try:
        group = grp.getgrnam(GROUP).gr_gid
        os.chown(path, -1, group)
    except (KeyError, PermissionError):  # there is no such group, or this user is not in it: only the owner gets in
        return
    path.chmod(0o660)


def tcp_socket(address: str, port: int) -> socket.socket:
    """Raises Failed where it cannot be listened at."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    served = socket.socket(family)
    try:
        served.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        served.bind((address, port))
    except OSError as error:
        served.close()
        raise Failed(f"{address} port {port} cannot be listened at: {error.strerror or error}") from error
    served.listen(BACKLOG)
    return served


@dataclass(frozen=True, slots=True)
class Tls:
    """Files, as PEM."""

    certificate: Path
    key: Path

    def check(self) -> None:
        """Raises Failed where they cannot be read, or do not belong together."""
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self.certificate, self.key)
        except (OSError, ssl.SSLError) as error:
            said = f"{self.certificate} and {self.key} are no certificate and its key: {error}"
            raise Failed(f"{said}; vmferry tls service makes some") from error


class Server:
    """Runs in a thread of its own; signals are the command's business."""

    def __init__(self, app: FastAPI, sockets: Sequence[socket.socket], tls: Tls | None = None) -> None:
        """`tls`: by which all but unix sockets speak, where it is given."""
        self._sockets = list(sockets)
        secure = [each for each in sockets if tls is not None and each.family != socket.AF_UNIX]
        plain = [each for each in sockets if each not in secure]
        self._servers = [(_server(app, how), part) for how, part in ((None, plain), (tls, secure)) if part]
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        await asyncio.gather(*(server.serve(sockets) for server, sockets in self._servers))

    def stop(self) -> None:
        """Answers what was asked, and ends."""
        for server, _ in self._servers:
            server.should_exit = True
        self._thread.join(LEAVING_S + 1)
        for each in self._sockets:
            each.close()


def _server(app: FastAPI, tls: Tls | None) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        http=PeerProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=LEAVING_S,
        h11_max_incomplete_event_size=1 << 16,
        ssl_certfile=None if tls is None else tls.certificate,
        ssl_keyfile=None if tls is None else tls.key,
    )
    return uvicorn.Server(config)
