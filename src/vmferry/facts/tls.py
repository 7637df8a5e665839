"""The certificates by which a host's libvirt and QEMU prove who they are: their public part only."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Use(enum.StrEnum):
    """Who uses a set of files."""

    LIBVIRT = "libvirt"
    """For connections to and from other hosts' libvirt."""
    MIGRATION = "migration"
    """QEMU, for the data of a migration."""


class Role(enum.StrEnum):
    CA = "CA"
    SERVER = "server"
    CLIENT = "client"


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate of a file. Times are seconds since the epoch."""

    subject: str
    names: tuple[str, ...]
    """DNS names and addresses; of a certificate without any, its common name."""
    not_before_s: int
    not_after_s: int
    fingerprint: str
    """SHA-256, in hexadecimal."""
    signed_by: str | None = None
    """Fingerprint of that certificate in the set's CA file that signed it; None: none did."""


@dataclass(frozen=True, slots=True)
class TlsFile:
    """One file of certificates, the host's own first."""

    use: Use
    role: Role
    path: str
    certificates: tuple[Certificate, ...] = ()
    problem: str | None = None
    """Why there are none: missing, unreadable, or no certificate."""
    key: str | None = None
    """Path of the private key that belongs to it; None: it needs none."""
    key_problem: str | None = None
    """Missing or unreadable. Nothing of a key is ever looked at but that."""
    key_access: str | None = None
    """Whose the key is and its mode, as `UID:GID MODE` in octal; None: not told."""


@dataclass(frozen=True, slots=True)
class TlsFacts:
    """One host's sets."""

    now_s: int
    """The host's own clock when it told: it is what its daemons go by."""
    files: tuple[TlsFile, ...] = ()

    def file(self, use: Use, role: Role) -> TlsFile | None:
        return next((file for file in self.files if (file.use, file.role) == (use, role)), None)
