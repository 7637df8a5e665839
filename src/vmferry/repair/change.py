"""A change of one thing on a host, from one observed text to another: undoing it is the same change reversed.

Because a change carries what was there before, it can be made only if that is still so, and undone only if the thing
is still as the change left it.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from vmferry.model.secret import Secret


class Kind(enum.StrEnum):
    """What is changed, and what its text is."""

    FILE = "file"
    """By path; its content."""
    KEY = "key"
    """By path; as `key_text` has it: what is in it is never read, sent back or written down."""
    DAEMON = "daemon"
    """By its service's name without the suffix, as `virtqemud`; lines as `repair.daemons.describe` writes them."""
    DIRECTORY = "directory"
    """By path; its mode in octal."""
    POOL = "pool"
    """By name; `active` or `inactive`, `autostart` or `manual`, and from the second line on its XML."""
    GUEST = "guest"
    """By UUID; its persistent XML."""


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a change as people are told it."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Change:
    kind: Kind
    name: str
    before: str | None
    """None: it is not there."""
    after: str | None
    items: tuple[Item, ...] = ()
    restarts: tuple[str, ...] = ()
    """Services that take it up only when they are restarted."""
    then: str = ""
    """What is left for people to do, as a sentence."""

    @property
    def reversed(self) -> Change:
        items = tuple(Item(item.what, item.after, item.before) for item in self.items)
        return replace(self, before=self.after, after=self.before, items=items, then="")


@dataclass(frozen=True, slots=True)
class Left:
    """What is not mended, and why."""

    what: str
    why: str


def key_text(secret: Secret, owner: str, mode: str) -> str:
    """The text of a change of kind KEY: the key's SHA-256, whose it is as `UID:GID`, and its mode in octal."""
    return f"{hashlib.sha256(secret.reveal().encode()).hexdigest()} {owner} {mode}"


class Purpose(enum.StrEnum):
    """What changes of a host were made for: each is put back by its own command."""

    FIX = "fix"
    TLS = "tls"


@dataclass(frozen=True, slots=True)
class Record:
    """One fix of one host, kept on that host: written before the first change, and again after each."""

    id: str
    """Sorts by time."""
    changes: tuple[Change, ...]
    undone: bool = False
    purpose: Purpose = Purpose.FIX

    @property
    def backup(self) -> str:
        """What is appended to the name of a file's old copy."""
        return f"vmferry-{self.id}"


@dataclass(frozen=True, slots=True)
class Plan:
    changes: tuple[Change, ...] = ()
    """In the order in which they are made; they are undone in reverse."""
    left: tuple[Left, ...] = ()
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    """What goes into the keys, by path. It is in no change, and so in no record."""

    @property
    def restarts(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(unit for change in self.changes for unit in change.restarts))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a text file's keys are to say."""

    path: str
    lens: str
    """Of libvirt's own, by module name."""
    values: tuple[tuple[str, str], ...] = ()
    restarts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Edited:
    """A file with its keys changed and everything else as it was."""

    before: str | None
    """None: there is no such file."""
    after: str | None
    """None: `problem` says why it cannot be edited."""
    items: tuple[Item, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Definition:
    """A guest as its host keeps it."""

    uuid: str
    name: str
    xml: str
    """With its secrets."""
    active: bool


@dataclass(frozen=True, slots=True)
class Pool:
    """One pool as its host has it."""

    name: str
    xml: str
    """Without what is each host's own (`repair.pools.comparable`)."""
    active: bool
    autostart: bool

    @property
    def text(self) -> str:
        """As a change of kind POOL has it."""
        return f"{'active' if self.active else 'inactive'} {'autostart' if self.autostart else 'manual'}\n{self.xml}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a directory is, or would be."""

    path: str
    mode: str | None
    """In octal; None: it is not there."""
    missing: tuple[str, ...] = ()
    """The directories above it that are not there, the uppermost first."""
    mount: str = ""
    """Kind and source of the file system that it is on, as `nfs4 storage:/srv`, where that is a share."""
