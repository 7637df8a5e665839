"""One shell session on a host: started when first needed, told what to look at, kept for the next look."""

from __future__ import annotations

import atexit
import contextlib
import os
import select
import shlex
import subprocess
import threading
import time
import weakref
from collections.abc import Sequence
from pathlib import Path

from vmferry.errors import HostUnreachable

_LOOK = Path(__file__).with_name("look")
_PARTS = ("system", "network", "storage", "sights", "probe", "look")
PROGRAM = b"".join((_LOOK / f"{part}.sh").read_bytes() for part in _PARTS)
"""`look` comes last: it is the loop that calls what the others define."""
ANSWER_LIMIT_S = 12.0
"""For one answer; the program's own limits are shorter."""

MOST_BYTES = 4 << 20


_open: weakref.WeakSet[Shell] = weakref.WeakSet()


@atexit.register
def _end_all() -> None:
    """A process that ends leaves no ssh behind, whatever that one waits for."""
    for shell in list(_open):
        shell.terminate()


class Shell:
    """The program `look.sh` running on a host. Calls may come from any thread; one asks at a time."""

    def __init__(self, host: str, command: Sequence[str] | None) -> None:
        """`command` is what to put before a command to run it there; None: there is no shell on this host."""
        self._host, self._command = host, command
        self._lock = threading.Lock()  # held for a whole question and its answer, and to start and to end the process
        self._process: subprocess.Popen[bytes] | None = None
        self._greeting: tuple[str, ...] | None = None
        self._rest = b""
        _open.add(self)

    @property
    def available(self) -> bool:
        return self._command is not None

    def begin(self) -> None:
        """Start the session without waiting for it; what goes wrong shows when it is asked."""
        if self._command is not None:
            with self._lock, contextlib.suppress(HostUnreachable):
                self._started()

    def greeting(self) -> tuple[str, ...]:
        """What the program tells of the host before it is asked anything. Raises HostUnreachable."""
        with self._lock:
            self._greeted()
            return self._greeting or ()

    def ask(self, requests: Sequence[str]) -> tuple[str, ...]:
        """The lines that answer the requests, in any order. Raises HostUnreachable."""
        if any("\n" in request or "\0" in request for request in requests):
            raise ValueError("a request is one line")
        data = "".join(f"{line}\n" for line in (*requests, "end")).encode("utf-8", "surrogateescape")
        with self._lock:
            if self._process is not None:
                with contextlib.suppress(HostUnreachable):  # it ended since it was last asked: a new one may do better
                    return self._asked(data)
            return self._asked(data)

    def _asked(self, data: bytes) -> tuple[str, ...]:
        process = self._greeted()
        self._send(process, data)
        return self._answer(process)

    def close(self) -> None:
        """End the session. A look that is under way in another thread fails."""
        self.terminate()
        with self._lock:
            if self._process is not None:
                self._end(self._process)

    def terminate(self) -> None:
        """Tell the session to end, without waiting for it."""
        process = self._process
        if process is not None:
            process.terminate()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = self._start()
            self._greeting, self._rest = None, b""
            self._send(self._process, PROGRAM)
        return self._process

    def _greeted(self) -> subprocess.Popen[bytes]:
        process = self._started()
        if self._greeting is None:
            self._greeting = self._answer(process)
        return process

    def _start(self) -> subprocess.Popen[bytes]:
        if self._command is None:
            raise HostUnreachable(self._host, f"host {self._host} has no shell; declare ssh for it")
        # The login shell there may be any, so it is given only this: the program comes on standard input.
        inner = f'eval "$(head -c {len(PROGRAM)})"'
        remote = ["exec sh -c " + shlex.quote(inner)] if self._command else ["sh", "-c", inner]
        try:
            return subprocess.Popen(
                [*self._command, *remote],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is for us
                env={**os.environ, "SSH_ASKPASS_REQUIRE": "never"},
            )
        except OSError as error:
            words = f"host {self._host} has no shell: {self._command[0] if self._command else 'sh'} cannot be run"
            raise HostUnreachable(self._host, words, detail=str(error)) from error

    def _send(self, process: subprocess.Popen[bytes], data: bytes) -> None:
        assert process.stdin is not None
        try:
            process.stdin.write(data)
            process.stdin.flush()
        except OSError:
            raise self._broken(process, "its ssh session ended") from None

    def _answer(self, process: subprocess.Popen[bytes]) -> tuple[str, ...]:
        """Everything up to the line `end`."""
        assert process.stdout is not None
        deadline = time.monotonic() + ANSWER_LIMIT_S
        seen, stdout = self._rest, process.stdout.fileno()
        while not (seen.startswith(b"end\n") or b"\nend\n" in seen):
            ready, _, _ = select.select([stdout], [], [], max(0.0, deadline - time.monotonic()))
            chunk = os.read(stdout, 1 << 16) if ready else b""
            if not chunk or len(seen) > MOST_BYTES:
                raise self._broken(process, "its ssh session ended" if ready else "no answer in time over ssh")
            seen += chunk
        answer, _, self._rest = (b"\n" + seen).partition(b"\nend\n")
        return tuple(answer.decode("utf-8", "replace").split("\n")[1:])

    def _broken(self, process: subprocess.Popen[bytes], why: str) -> HostUnreachable:
        process.terminate()
        said = self._end(process)
        words = f"host {self._host} cannot be looked at: {why}; try {shlex.join(self._command or ['sh'])}"
        return HostUnreachable(self._host, words, detail=said)

    def _end(self, process: subprocess.Popen[bytes]) -> str:
        """What it said on standard error. The next question starts a new session."""
        self._process = None
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):  # what could not be written to it any more
                if pipe is not None:
                    pipe.close()
        try:
            process.wait(1)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        return _drained(process)


def _drained(process: subprocess.Popen[bytes]) -> str:
    """What is there now: a child of ssh may hold the pipe open longer than ssh lives."""
    assert process.stderr is not None
    with process.stderr as stderr:
        os.set_blocking(stderr.fileno(), False)
        return (stderr.read(1 << 16) or b"").decode("utf-8", "replace").strip()
