"""Connections that are kept between uses: a daemon's next question does not wait for a handshake.

Whoever opens a host gets a connection of its own, as ever; what it lets go waits for the next one who asks. It is not
kept for long: a connection remembers what its host can do, and hosts are upgraded.
"""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from vmferry.errors import VmferryError
from vmferry.model.host import HostEntry
from vmferry.ports import Clock, Connector, HostPort

if TYPE_CHECKING:
    from collections.abc import Iterable

LASTS_S = 120.0
"""From its opening."""
MOST_IDLE = 4
"""Of one host: a drain opens several at the same time."""


@dataclass(slots=True)
class _Kept:
    port: HostPort
    opened_s: float


class _Lent:
    """A host that goes back where it came from when it is closed."""

    def __init__(self, kept: _Kept, home: WarmConnector) -> None:
        self._kept, self._home, self._is_open = kept, home, True

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a host has
        return getattr(self._kept.port, name)

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._home.take_back(self._kept)


class WarmConnector:
    """`ports.Connector` over another one."""

    def __init__(self, connector: Connector, clock: Clock) -> None:
        self._connector, self._clock = connector, clock
        self._idle: dict[HostEntry, list[_Kept]] = {}
        self._lock = threading.Lock()  # held to look at or change the idle ones
        self._closed = False

    def connect(self, entry: HostEntry, timeout_s: float) -> HostPort:
        kept = self._taken(entry)
        if kept is None:
            opened_s = self._clock.now_s()
            kept = _Kept(self._connector.connect(entry, timeout_s), opened_s)
        return cast(HostPort, _Lent(kept, self))

    def _taken(self, entry: HostEntry) -> _Kept | None:
        """The one that was used last. An entry that was changed in any way is another one."""
        with self._lock:
            old = self._without_old()
            found = self._idle.get(entry, [])
            kept = found.pop() if found else None
        _close(old)
        return kept

    def _without_old(self) -> list[HostPort]:
        now_s, old = self._clock.now_s(), []
        for entry, kept in list(self._idle.items()):
            old += [each.port for each in kept if now_s - each.opened_s > LASTS_S]
            self._idle[entry] = [each for each in kept if now_s - each.opened_s <= LASTS_S]
        return old

    def take_back(self, kept: _Kept) -> None:
        with self._lock:
            idle = self._idle.setdefault(kept.port.entry, [])
            fresh = self._clock.now_s() - kept.opened_s <= LASTS_S
            stays = fresh and len(idle) < MOST_IDLE and not self._closed
            if stays:
                idle.append(kept)
        if not stays:
            _close([kept.port])

    def close(self) -> None:
        """All that are idle, and from now on each that is given back."""
        with self._lock:
            self._closed = True
            idle = [each.port for kept in self._idle.values() for each in kept]
            self._idle.clear()
        _close(idle)


def _close(ports: Iterable[HostPort]) -> None:
    for port in ports:
        with contextlib.suppress(VmferryError):  # it is gone already, which is what was wanted
            port.close()
