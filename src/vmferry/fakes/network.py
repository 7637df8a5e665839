"""`ports.Prober` on a fake world."""

from __future__ import annotations

from collections.abc import Collection

from vmferry.fakes.guest import FakeGuest
from vmferry.fakes.world import FakeWorld
from vmferry.model.guest import Probe


class FakeWatch:
    def __init__(self, silence_ms: int | None) -> None:
        self._silence_ms = silence_ms

    def stop(self) -> int | None:
        return self._silence_ms


class FakeProber:
    """Sees every guest that runs somewhere and is not among the world's silent ones."""

    def __init__(self, world: FakeWorld, silence_ms: int | None = 40) -> None:
        self._world, self._silence_ms = world, silence_ms

    def watch(self, address: str) -> FakeWatch:
        return FakeWatch(self._silence_ms if self._at(Probe(address)) else None)

    def has_address(self, address: str, macs: Collection[str], timeout_s: float) -> bool | None:
        guest = self._at(Probe(address))
        return guest is not None and guest.uuid in self._world.firewalled_guests and bool(self._world.running_on(guest))

    def answers(self, probe: Probe, timeout_s: float) -> tuple[bool, str]:
        place = probe.url or probe.address
        guest = self._at(probe)
        silent = self._world.silent_guests | self._world.firewalled_guests | self._world.unannounced_guests
        if guest is None or not self._world.running_on(guest) or guest.uuid in silent:
            self._world.time.sleep(timeout_s)
            return False, f"{place} does not answer"
        return True, f"{place} answers"

    def _at(self, probe: Probe) -> FakeGuest | None:
        """The guest that has the address or the page."""
        for guest in self._world.guests.values():
            own = guest.probe
            if own is not None and (
                (probe.address is not None and own.address == probe.address)
                or (probe.url is not None and own.url == probe.url)
            ):
                return guest
        return None
