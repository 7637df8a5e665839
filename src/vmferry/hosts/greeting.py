"""What the shell on a host tells of it before it is asked anything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Greeting:
    release: str | None = None
    speeds: tuple[tuple[str, int], ...] = field(default=())
    """(device, megabits a second) as its driver says."""
    addresses: tuple[tuple[str, str], ...] = field(default=())
    """(device, address)."""

    def rate_bytes_s(self, address: str | None) -> int | None:
        """Of the device that has this address; None where either is not known."""
        speeds = dict(self.speeds)
        devices = (device.partition("@")[0] for device, held in self.addresses if held == address)
        megabits = next((speeds[device] for device in devices if device in speeds), None)
        return megabits * 125_000 if megabits else None


def read_greeting(lines: Iterable[str]) -> Greeting:
    told: dict[str, list[str]] = {"release": [], "speed": [], "address": []}
    for line in lines:
        what, _, rest = line.partition(" ")
        if what in told:
            told[what].append(rest)
    pairs = [rest.split(" ") for rest in told["speed"]]
    return Greeting(
        release=next(iter(told["release"]), None),
        speeds=tuple((device, int(speed)) for device, speed in pairs if speed.isdigit()),
        addresses=tuple((device, address) for device, address in (rest.split(" ") for rest in told["address"])),
    )
