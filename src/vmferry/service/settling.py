"""After a copy that failed: ask both hosts who runs the guest, until they agree on an answer or the time is up."""

from __future__ import annotations

import contextlib
import threading
import time

from vmferry.errors import VmferryError
from vmferry.flow.settle import Settled, Sight, settle, sight
from vmferry.model.guest import Guest, GuestState
from vmferry.model.migration import Outcome
from vmferry.ports import HostPort
from vmferry.service.parallel import all_at_once

ASK_LIMIT_S = 5.0
SETTLE_LIMIT_S = 30.0
"""Libvirt needs a moment to clean up a target whose QEMU died; a dead peer is seen by its keepalive after 30 s."""

ASK_EVERY_S = 0.2


def settled(source: HostPort, target: HostPort, guest: Guest, cancel: threading.Event, limit_s: float) -> Settled:
    """What both hosts say now. In doubt only where they still leave it open after `limit_s` seconds.

    A lost connection does not end the copy, which the hosts do among themselves: while the source says that it goes on,
    the time does not count. Where the user has cancelled, it is aborted.
    """
    deadline = time.monotonic() + limit_s
    was_paused = guest.state is GuestState.PAUSED
    while True:
        here, there = _ask(source, target, guest.uuid)
        if here is Sight.MOVING:
            deadline = time.monotonic() + limit_s
            if cancel.is_set():
                with contextlib.suppress(VmferryError):  # it is over by now: the next look tells how
                    source.abort(guest.uuid)
        else:
            answer = settle(here, there, was_paused=was_paused, persistent=guest.persistent)
            if answer.outcome is not Outcome.IN_DOUBT or time.monotonic() > deadline:
                text = answer.text.format(source=source.entry.name, target=target.entry.name)
                return Settled(answer.outcome, text)
        time.sleep(ASK_EVERY_S)


def _ask(source: HostPort, target: HostPort, uuid: str) -> tuple[Sight, Sight]:
    answers = all_at_once([lambda: _source_sight(source, uuid), lambda: sight(target.guest_state(uuid))], ASK_LIMIT_S)
    here, there = (_unasked(answer) for answer in answers)
    return here, there


def _source_sight(source: HostPort, uuid: str) -> Sight:
    """Whether it still sends is asked after its state: a job is not missed that ends in between."""
    state = source.guest_state(uuid)
    return sight(state, moving=state is not None and source.job_stats(uuid) is not None)


def _unasked(answer: Sight | Exception) -> Sight:
    if isinstance(answer, (VmferryError, TimeoutError)):
        return Sight.UNASKED
    if isinstance(answer, Exception):
        raise answer
    return answer
