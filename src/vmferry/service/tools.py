"""The real clock, real job ids, and threads."""

from __future__ import annotations

import secrets
import time
import uuid
from datetime import UTC, datetime

from vmferry.ports import Clock, Jobs, Prober, Store
from vmferry.service.migrate import Tools
from vmferry.service.parallel import all_at_once


class RealClock:
    """`ports.Clock`."""

    def now_s(self) -> float:
        return time.monotonic()

    def sleep(self, duration_s: float) -> None:
        time.sleep(duration_s)


def tools(store: Store, jobs: Jobs, prober: Prober, clock: Clock, worker: str) -> Tools:
    return Tools(
        store=store,
        jobs=jobs,
        prober=prober,
        clock=clock,
        together=all_at_once,
        worker=worker,
        now=_now,
        new_job=new_job,
    )


def _now() -> datetime:
    return datetime.now(UTC)


def new_job() -> str:
    """Sorts by time to the second; the rest keeps two of one second apart."""
    return f"{_now():%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def new_fix() -> str:
    """Sorts by time to the microsecond: two fixes of one host are put back in reverse, also those of one second."""
    return f"{_now():%Y%m%d-%H%M%S%f}-{secrets.token_hex(3)}"


def new_uuid() -> str:
    return str(uuid.uuid4())
