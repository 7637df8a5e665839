"""Hosts: how one is reached (`HostEntry`) and what it was seen to be (`Host`)."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class HostState(enum.StrEnum):
    READY = "ready"
    DRAINING = "draining"
    MAINTENANCE = "maintenance"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class HostEntry:
    """A host of the inventory: what the user said of it, nothing observed."""

    name: str
    uri: str
    """Libvirt's connection URI, as seen from the machine that vmferry runs on."""
    peer_uri: str | None = None
    """The URI by which the other hosts reach its libvirt; None where `uri` serves for both."""
    migration_address: str | None = None
    """Its address on the migration network; None lets libvirt take the host's name."""
    ssh: tuple[str, ...] | None = None
    """The command line that opens a shell on it; None derives it from a qemu+ssh URI."""
    migration_rate_bytes_s: int | None = None
    """What its link there carries, for forecasts; None asks the network card, which may not know."""
    state: HostState = HostState.READY
    """What was said of it: DRAINING and MAINTENANCE keep guests away."""


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A host that takes no guests, until it is let in again."""

    state: HostState
    """DRAINING, or MAINTENANCE once its guests have left."""
    since: str
    """RFC 3339, UTC."""
    left: tuple[str, ...] = ()
    """UUIDs of the guests that were moved away, in that order; these can be brought back."""


@dataclass(frozen=True, slots=True)
class Host:
    """One host as it was seen at one moment. What was not answered is None."""

    name: str
    uri: str
    state: HostState
    release: str | None = None
    libvirt: str | None = None
    qemu: str | None = None
    memory_bytes: int | None = None
    cpus: int | None = None
    guests: int | None = None
    problem: str | None = None
    """Why it is unreachable, in a line."""
