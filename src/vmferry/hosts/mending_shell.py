"""The shell of a host as something that changes it: one bounded command at a time, its data on standard input."""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vmferry.errors import HostError, HostUnreachable

PROGRAM = Path(__file__).with_name("mend").joinpath("mend.sh").read_bytes()

LIMIT_S = 60.0
"""For one command; the program's own limits are shorter."""

NOT_THERE, NOT_THE_SAME, NOT_EMPTY = 3, 4, 5
"""What the program ends with, beside 0."""
SSH_FAILED = 255


@dataclass(frozen=True, slots=True)
class Said:
    status: int
    output: bytes
    error: str

    @property
    def lines(self) -> list[str]:
        return self.output.decode("utf-8", "replace").splitlines()


class MendingShell:
    """`command` is what to put before a command to run it on the host; empty on this machine itself."""

    def __init__(self, host: str, command: Sequence[str]) -> None:
        self._host, self._command = host, tuple(command)

    def run(self, function: str, *arguments: str, data: bytes = b"", limit_s: float = LIMIT_S) -> Said:
        """One function of the program, however it ends. Raises HostUnreachable where ssh fails or the time is up."""
        call = f"{shlex.join([function, *arguments])}\n".encode("utf-8", "surrogateescape")
        program = PROGRAM + call
        inner = f'eval "$(head -c {len(program)})"'
        # The login shell there may be any, so it is given only this: the program comes on standard input.
        remote = ["exec sh -c " + shlex.quote(inner)] if self._command else ["sh", "-c", inner]
        process = self._started([*self._command, *remote])
        try:
            output, error = process.communicate(program + data, limit_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise self._unreachable(f"no answer within {limit_s:g} s to {function}", "") from None
        except BaseException:
            process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=1)
            raise
        text = error.decode("utf-8", "replace").strip()
        if process.returncode == SSH_FAILED and self._command:
            raise self._unreachable("its ssh session ended", text)
        return Said(process.returncode, output, text)

    def told(self, function: str, *arguments: str, what: str = "", data: bytes = b"") -> Said:
        """The same of one that has to end well. Raises HostError, of which `what` completes "host h1 could not ..."."""
        said = self.run(function, *arguments, data=data)
        if said.status != 0:
            raise self.failed(what or function.replace("_", " "), said)
        return said

    def failed(self, what: str, said: Said) -> HostError:
        why = said.error.splitlines()[-1] if said.error else f"it ended with status {said.status}"
        return HostError(self._host, f"host {self._host} could not {what}: {why}", detail=said.error)

    def _started(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is for us
                env={**os.environ, "SSH_ASKPASS_REQUIRE": "never"},
            )
        except OSError as error:
            raise self._unreachable(f"{command[0]} cannot be run", str(error)) from error

    def _unreachable(self, why: str, detail: str) -> HostUnreachable:
        words = f"host {self._host} cannot be mended: {why}; try {shlex.join(self._command or ['sh'])}"
        return HostUnreachable(self._host, words, detail=detail)
