"""Guests as the network sees them: how long an address is silent, and whether a guest answers."""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Callable, Collection
from http.client import HTTPException

from vmferry.hosts import arp
from vmferry.hosts.icmp import Echo
from vmferry.hosts.page import status
from vmferry.hosts.silence import Silence
from vmferry.model.guest import Probe

EVERY_S = 0.02
LAST_REPLY_S, LAST_LOOK_S = 0.1, 0.002
"""The answer to the last echo has this long to arrive when the watch is stopped; how often it is looked for."""

TRY_S = 1.0
AGAIN_S = 0.02


class EchoWatch:
    """`ports.Watch` over ICMP echoes, one each EVERY_S."""

    def __init__(self, address: str) -> None:
        self._silence = Silence()
        self._stopping = threading.Event()
        self._longest_ms: int | None = None
        try:
            self._echo: Echo | None = Echo(address)
        except (OSError, ValueError):
            self._echo = None
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        if self._echo is not None:
            self._thread.start()

    def stop(self) -> int | None:
        """May be called again; the figure stays."""
        self._stopping.set()
        if self._echo is not None:
            self._thread.join()
        return self._longest_ms

    def _run(self) -> None:
        assert self._echo is not None
        sequence, next_s = 0, time.monotonic()
        while not self._stopping.is_set():
            if self._echo.send(sequence):
                self._silence.sent(sequence, time.monotonic())
            sequence += 1
            next_s = max(next_s + EVERY_S, time.monotonic())
            self._listen(next_s)
        ended_s = time.monotonic()
        while not self._silence.complete and time.monotonic() < ended_s + LAST_REPLY_S:
            self._listen(min(time.monotonic() + LAST_LOOK_S, ended_s + LAST_REPLY_S))
        self._longest_ms = self._silence.longest_ms(ended_s)
        self._echo.close()

    def _listen(self, until_s: float) -> None:
        assert self._echo is not None
        while select.select([self._echo], [], [], max(0.0, until_s - time.monotonic()))[0]:
            sequence = self._echo.receive()
            if sequence is not None:
                self._silence.answered(sequence)


class NetworkProber:
    """`ports.Prober`."""

    def watch(self, address: str) -> EchoWatch:
        return EchoWatch(address)

    def has_address(self, address: str, macs: Collection[str], timeout_s: float) -> bool | None:
        return arp.answers(address, macs, timeout_s)

    def answers(self, probe: Probe, timeout_s: float) -> tuple[bool | None, str]:
        deadline = time.monotonic() + timeout_s
        seen: list[tuple[bool | None, str]] = []
        for place, look in ((probe.address, _answers_echo), (probe.url, _answers_page)):
            if place is not None and False not in (ok for ok, _ in seen):
                seen.append(_until(deadline, look, place))
        answers = [ok for ok, _ in seen]
        well = False if False in answers else True if True in answers else None
        return well, "; ".join(what for _, what in seen) or "nothing to ask"


Look = Callable[[str, float], tuple[bool | None, str]]


def _until(deadline: float, look: Look, place: str) -> tuple[bool | None, str]:
    """Look again and again until it is well, cannot be looked at, or the time is up; what was seen last."""
    while True:
        left_s = deadline - time.monotonic()
        ok, what = look(place, max(0.05, min(TRY_S, left_s)))
        if ok is not False or time.monotonic() >= deadline:
            return ok, what
        time.sleep(AGAIN_S)


def _answers_echo(address: str, timeout_s: float) -> tuple[bool | None, str]:
    try:
        echo = Echo(address)
    except (OSError, ValueError) as error:
        return None, f"{address} cannot be pinged from here: {error}"
    try:
        began_s = time.monotonic()
        sequence = 0
        while time.monotonic() - began_s < timeout_s:
            echo.send(sequence)
            sequence += 1
            if select.select([echo], [], [], EVERY_S)[0] and echo.receive() is not None:
                return True, f"{address} answers ping"
        return False, f"{address} does not answer ping"
    finally:
        echo.close()


def _answers_page(url: str, timeout_s: float) -> tuple[bool, str]:
    try:
        code, body = status(url, timeout_s)
    except (OSError, HTTPException, ValueError) as error:
        return False, f"{url} does not answer: {error or type(error).__name__}"
    return code == 200, f"{url} answers {code}" + ("" if code == 200 else f": {' '.join(body.split())[:200]}")
