"""Who may do what by the API, and what was done."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Role(enum.StrEnum):
    """Each may do what those before it may."""

    VIEWER = "viewer"
    """Looks at everything but tokens and the audit."""
    OPERATOR = "operator"
    """Moves guests, and marks hosts."""
    ADMIN = "admin"
    """Changes the inventory, and who may do what."""

    def covers(self, needed: Role) -> bool:
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True)
class Token:
    """A program's way in. Its secret is shown once, when it is made, and kept nowhere."""

    name: str
    role: Role
    created: str
    """RFC 3339, in UTC."""
    expires: str | None = None
    """From then on it opens nothing; None: it lasts."""


@dataclass(frozen=True, slots=True)
class User:
    """A person's way in, by a password."""

    name: str
    role: Role
    created: str
    """RFC 3339, in UTC."""


@dataclass(frozen=True, slots=True)
class Session:
    """Of somebody who signed in with a browser. Its secret is in a cookie, and kept nowhere else."""

    user: str
    created: str
    """RFC 3339, in UTC."""
    expires: str
    mark: str
    """What the pages send with everything that changes anything; other sites cannot know it."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks."""

    name: str
    """`token NAME`; `user NAME` of one on this machine; `NAME` alone of one who signed in."""
    role: Role
    mark: str = ""
    """Of the session, where there is one."""


@dataclass(frozen=True, slots=True)
class Act:
    """One line of the audit: what somebody asked for, and what the answer was."""

    at: str
    """RFC 3339, in UTC."""
    who: str
    what: str
    """As `migrate`, `host add`."""
    subject: str
    """The guest, host, job or token."""
    status: int
    """Of HTTP."""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is given again to whoever sends the same request with the same key."""

    fingerprint: str
    """Of the request: another one with the same key is a mistake."""
    status: int
    document: str
    """As JSON."""
