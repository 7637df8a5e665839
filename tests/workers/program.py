"""The command `vmferry` with the hosts of a world that another process has, and a place at which it dies.

`VMFERRY_TEST_WORLD`: the world's socket. `VMFERRY_TEST_CUT`: `KILL:n` or `STOP:n`, the signal that this process sends
itself right after its nth word in a journal.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.workers.remote import RemoteConnector, RemoteProber

from vmferry.cli.app import run
from vmferry.service import record, worker
from vmferry.store import jobs as store_jobs
from vmferry.wiring import real

LEASE_S, RENEW_EVERY_S = 4.0, 1.0
"""Shorter than the real ones: a frozen worker is waited for that long."""
STOPS_WITHIN_S = 0.2


class Mortal:
    """Jobs whose holder dies at a certain word."""

    def __init__(self, jobs: Any, cut: str) -> None:  # noqa: ANN401
        self._jobs = jobs
        name, _, number = cut.partition(":")
        self._signal, self._left = signal.Signals[f"SIG{name}"], int(number)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        act = getattr(self._jobs, name)
        if name not in ("open", "take_over", "write", "reserve", "close"):
            return act

        def word(*given: object, **named: object) -> object:
            done = act(*given, **named)
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), self._signal)
                time.sleep(STOPS_WITHIN_S)  # other threads may get the signal first: this one goes no further
            return done

        return word


def main() -> int:
    world, cut = os.environ["VMFERRY_TEST_WORLD"], os.environ.get("VMFERRY_TEST_CUT")
    store_jobs.LEASE_S = LEASE_S
    record.RENEW_EVERY_S = worker.RENEW_EVERY_S = RENEW_EVERY_S
    wiring = real()
    jobs = wiring.jobs
    wiring = replace(
        wiring,
        connector=lambda: RemoteConnector(world),
        prober=lambda: RemoteProber(world),
        jobs=lambda place: Mortal(jobs(place), cut) if cut else jobs(place),
    )
    return run(sys.argv[1:], wiring)


if __name__ == "__main__":
    sys.exit(main())
