"""After a copy that failed: ask both hosts who runs the guest, until they agree on an answer or the time is up."""

from __future__ import annotations

import time
from collections.abc import Callable

from vmferry.errors import VmferryError
from vmferry.flow.settle import Settled, Sight, settle, sight
from vmferry.model.guest import GuestState
from vmferry.model.migration import Outcome
from vmferry.ports import HostPort
from vmferry.service.parallel import all_at_once

ASK_LIMIT_S = 5.0
SETTLE_LIMIT_S = 30.0
"""Libvirt needs a moment to clean up a target whose QEMU died; a dead peer is seen by its keepalive after 30 s."""

ASK_EVERY_S = 0.2


def settled(source: HostPort, target: HostPort, uuid: str, *, was_paused: bool, limit_s: float) -> Settled:
    """What both hosts say now. In doubt only where they still leave it open after `limit_s` seconds."""
    deadline = time.monotonic() + limit_s
    while True:
        here, there = _ask(source, target, uuid)
        answer = settle(here, there, was_paused=was_paused)
        if answer.outcome is not Outcome.IN_DOUBT or time.monotonic() > deadline:
            text = answer.text.format(source=source.entry.name, target=target.entry.name)
            return Settled(answer.outcome, text)
        time.sleep(ASK_EVERY_S)


def _ask(source: HostPort, target: HostPort, uuid: str) -> tuple[Sight, Sight]:
    here, there = all_at_once([_asker(host, uuid) for host in (source, target)], ASK_LIMIT_S)
    return _sight(here), _sight(there)


def _asker(host: HostPort, uuid: str) -> Callable[[], GuestState | None]:
    return lambda: host.guest_state(uuid)


def _sight(answer: GuestState | Exception | None) -> Sight:
    if isinstance(answer, (VmferryError, TimeoutError)):
        return Sight.UNASKED
    if isinstance(answer, Exception):
        raise answer
    return sight(answer)
