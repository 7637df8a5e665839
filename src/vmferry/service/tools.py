"""The real clock and real job ids."""

from __future__ import annotations

import secrets
import uuid
from datetime import UTC, datetime

from vmferry.ports import Prober, Store
from vmferry.service.migrate import Tools


def tools(store: Store, prober: Prober) -> Tools:
    return Tools(store=store, prober=prober, now=_now, new_job=new_job)


def _now() -> datetime:
    return datetime.now(UTC)


def new_job() -> str:
    """Sorts by time to the second; the rest keeps two of one second apart."""
    return f"{_now():%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def new_uuid() -> str:
    return str(uuid.uuid4())
