"""`vmferry serve` as a process of its own."""

from __future__ import annotations

import contextlib
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path


def free_address() -> str:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{trial.getsockname()[1]}"


@contextlib.contextmanager
def daemon(
    command: Sequence[str], address: str, path: Path, *options: str, env: Mapping[str, str] | None = None
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and its first word, once it is served there; killed at the end if it is still there."""
    process = subprocess.Popen(
        [*command, "serve", "--listen", address, "--socket", str(path), *options],
        env=env,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        told = process.stderr.readline()
        assert "served at" in told, told + process.stderr.read()
        yield process, told
    finally:
        process.kill()
        process.communicate()
