"""Guests (libvirt: domains), their disks and their network cards."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class GuestState(enum.StrEnum):
    """Libvirt's domain states, by libvirt's words."""

    RUNNING = "running"
    BLOCKED = "blocked"
    PAUSED = "paused"
    SHUTTING_DOWN = "shutting-down"
    SHUT_OFF = "shut-off"
    CRASHED = "crashed"
    SUSPENDED = "suspended"
    UNKNOWN = "unknown"

    @property
    def active(self) -> bool:
        """True where a QEMU process may exist: of a crashed guest it is kept, and an unknown state may be any."""
        return self is not GuestState.SHUT_OFF


@dataclass(frozen=True, slots=True)
class ImageEncryption:
    """Of what is in an image, by QEMU."""

    format: str
    """As `luks`."""
    secret: str | None = None
    """The UUID of the libvirt secret that opens it."""
    usage: str | None = None
    """What the secret is for, where the definition names it so."""


@dataclass(frozen=True, slots=True)
class Disk:
    """One disk of a guest, from its live XML."""

    target: str
    """The name in the guest's definition, as `vda`."""
    device: str
    """`disk`, `cdrom`, `floppy` or `lun`."""
    kind: str
    """Libvirt's source type: `file`, `block`, `network`, `volume`, ...; `empty` without a source."""
    source: str | None
    """A path, or for a network disk `protocol://host[:port]/name`; None for an empty drive."""
    format: str | None = None
    cache: str | None = None
    read_only: bool = False
    needs_secret: bool = False
    """Its source asks for credentials that only libvirt holds."""
    backing: tuple[str, ...] = ()
    """The sources that its image rests on, nearest first, written as `source`."""
    backing_formats: tuple[str, ...] = ()
    """Of these images, one each; empty words where libvirt does not say."""
    shareable: bool = False
    """Several guests may write to it at once, which they themselves see to."""
    encryption: ImageEncryption | None = None


@dataclass(frozen=True, slots=True)
class Nic:
    """One network card of a guest."""

    mac: str
    kind: str
    """Libvirt's interface type: `network`, `bridge`, `direct`, `user`, ..."""
    source: str | None
    """The name of the network, bridge or device it is attached to."""
    model: str | None = None
    mtu: int | None = None
    """What its definition asks for; None: what the network has."""
    vlans: tuple[int, ...] = ()
    virtualport: str | None = None
    """Its type, as `openvswitch`."""
    portgroup: str | None = None
    mode: str | None = None
    """Of a direct attachment: `vepa`, `bridge`, `private` or `passthrough`."""


@dataclass(frozen=True, slots=True)
class Guest:
    """One guest as one host knows it."""

    name: str
    uuid: str
    host: str
    state: GuestState
    memory_bytes: int
    vcpus: int
    persistent: bool = True
    disks: tuple[Disk, ...] = ()
    nics: tuple[Nic, ...] = ()
    problem: str | None = None
    """Why nothing more can be told of it than its name, UUID and state; None: it can."""


@dataclass(frozen=True, slots=True)
class Probe:
    """How a guest is seen from outside: its own address, and a page that answers 200 while it is well."""

    address: str | None = None
    url: str | None = None
