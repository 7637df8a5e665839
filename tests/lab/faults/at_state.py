"""The command `vmferry`, to which something happens at a moment of its migration: run as a program.

    python at_state.py STATE die|ARGV... -- migrate GUEST ...

Right after the journal has entered STATE for the first time, the process is killed, or ARGV (a JSON list) is run to its
end.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from vmferry.cli.app import run
from vmferry.flow.journal import Entry
from vmferry.model.job import Job, Lease
from vmferry.ports import Jobs
from vmferry.wiring import real


class AtState:
    """`ports.Jobs`, with an accident."""

    def __init__(self, jobs: Jobs, state: str, what: str) -> None:
        self._jobs, self._state, self._what, self._happened = jobs, state, what, False

    def __getattr__(self, name: str) -> object:
        return getattr(self._jobs, name)

    def open(self, job: Job, first: Entry, worker: str) -> Lease:
        lease = self._jobs.open(job, first, worker)
        self._look([first])
        return lease

    def write(self, lease: Lease, job: Job, entries: Sequence[Entry]) -> None:
        self._jobs.write(lease, job, entries)
        self._look(entries)

    def reserve(self, lease: Lease, job: Job, entry: Entry, *limits: Any) -> object:  # noqa: ANN401 - passed on as they are
        answer = self._jobs.reserve(lease, job, entry, *limits)
        self._look([entry])
        return answer

    def _look(self, entries: Sequence[Entry]) -> None:
        if self._happened or self._state not in [entry.state for entry in entries]:
            return
        self._happened = True
        if self._what == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        subprocess.run(json.loads(self._what), check=True, stdout=subprocess.DEVNULL)


def main() -> int:
    state, what, separator, *arguments = sys.argv[1:]
    assert separator == "--"
    wiring = real()
    accident = AtState(wiring.jobs(_store_of_the_lab()), state, what)
    return run(arguments, replace(wiring, jobs=lambda path: accident))  # type: ignore[arg-type,return-value]


def _store_of_the_lab() -> Path:
    from vmferry.config import load_config

    return load_config(None).store_path


if __name__ == "__main__":
    sys.exit(main())
