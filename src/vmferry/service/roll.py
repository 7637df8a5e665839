"""What a daemon last saw of the fleet: pages and lists are answered from it at once, and hosts are asked in between."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from vmferry.errors import VmferryError
from vmferry.model.guest import Guest
from vmferry.model.host import Host
from vmferry.ports import Store
from vmferry.service.fleet import Fleet
from vmferry.service.inventory import list_guests, list_hosts
from vmferry.service.steps import stamp

EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at all hosts."""

    at: str
    """RFC 3339, in UTC."""
    hosts: tuple[Host, ...]
    guests: tuple[Guest, ...]
    """Of the hosts that answered, by name."""


class Roll:
    """`run` it in a thread of its own; everything else may be called from any."""

    def __init__(self, fleet: Callable[[], Fleet], store: Store, now: Callable[[], datetime]) -> None:
        self._fleet, self._store, self._now = fleet, store, now
        self._seen: Seen | None = None
        self._number = 0
        self._wanted = threading.Event()
        self._lock = threading.Lock()  # held for a look: who comes meanwhile waits for its end

    @property
    def number(self) -> int:
        """Another one whenever a look has shown something else than the one before."""
        return self._number

    def seen(self) -> Seen:
        """The last look; the first who asks waits for it. Raises Failed where the store cannot be read."""
        found = self._seen
        if found is None:
            with self._lock:
                found = self._seen or self._look()
        return found

    def want(self) -> None:
        """Something has changed: look again soon."""
        self._wanted.set()

    def run(self, stop: threading.Event, note: Callable[[str], None]) -> None:
        trouble = ""
        while not stop.is_set():
            self._wanted.clear()
            try:
                with self._lock:
                    self._look()
                trouble = ""
            except Exception as error:  # the store was away, or a fault of ours: what was seen goes old, and it is said
                said = error.message if isinstance(error, VmferryError) else f"internal error: {error!r}"
                if said != trouble:
                    note(f"the hosts could not be looked at: {said}")
                trouble = said
            self._wanted.wait(EVERY_S)

    def _look(self) -> Seen:
        at = stamp(self._now())
        with self._fleet() as fleet:
            hosts = list_hosts(fleet)
            guests = list_guests(fleet, self._store).guests
        before, self._seen = self._seen, Seen(at, hosts, guests)
        if before is None or (before.hosts, before.guests) != (hosts, guests):
            self._number += 1
        return self._seen
