"""A host that is changed by `host fix` and `tls`, and where the fleet's certificate authority is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from vmferry.facts.system import SystemFacts, Unit
from vmferry.model.host import HostEntry
from vmferry.model.secret import Secret
from vmferry.repair.change import Change, Definition, Edited, Kind, Place, Pool, Record, Wanted


class Mender(Protocol):
    """One host to be changed by its shell, as root, and by its libvirt. Opening it changes nothing and asks nothing."""

    @property
    def entry(self) -> HostEntry: ...

    def need_root(self) -> None:
        """Raises UserError where the shell is not root's."""

    def system(self) -> SystemFacts:
        """Told by the shell, whether libvirt answers or not."""

    def units(self) -> Mapping[str, Unit]:
        """Those of libvirt's daemons, by name."""

    def edited(self, wanted: Wanted) -> Edited:
        """A configuration file as it would be with these keys; the file itself is left as it is."""

    def pools(self) -> tuple[Pool, ...]:
        """Those that are kept."""

    def definitions(self) -> tuple[Definition, ...]:
        """Of every guest that is kept."""

    def jobs(self) -> tuple[tuple[str, str], ...]:
        """(guest, kind of job) of every job of libvirt's that runs on a guest now."""

    def place(self, path: str) -> Place:
        """Of a directory, there or not."""

    def observe(self, kind: Kind, name: str) -> str | None:
        """The text of that thing as it is now; None where it is not there."""

    def put(self, change: Change, backup: str = "", secret: Secret | None = None) -> None:
        """Bring it from `before` to `after`. Raises Refused where it is not as `before` any more.

        `backup` is what is appended to the name of a file's old copy, which stays beside it; empty: none is kept.
        `secret` is what goes into a key.
        """

    def restore(self, change: Change, backup: str) -> None:
        """The same back to what it was: a key from its old copy, which `put` has kept. Of files, none stays."""

    def restart(self, services: Sequence[str], limit_s: float) -> None: ...

    def answers(self, limit_s: float) -> bool:
        """Whether libvirt answers on a new connection within that many seconds."""

    def records(self) -> tuple[Record, ...]:
        """What the host keeps of fixes made on it, by whichever controller, oldest first."""

    def keep(self, record: Record) -> None:
        """On the host, in place of the one with the same id."""

    def close(self) -> None: ...


class Menders(Protocol):
    """Opens hosts for changes."""

    def open(self, entry: HostEntry, timeout_s: float) -> Mender:
        """Raises UserError where the host has no shell, HostUnreachable where there is no way to it."""


class Chest(Protocol):
    """Where the fleet's certificate authority is kept. Nothing of its key is ever shown."""

    def certificates(self) -> str | None:
        """As PEM, the newest first; None: there is no authority yet."""

    def key(self) -> Secret:
        """Raises Failed where it is not there, or others than its owner may read it."""

    def make(self, certificates: str, key: Secret) -> None:
        """Raises Refused where there is an authority already."""

    def renew(self, certificates: str) -> None:
        """Of the same key."""
