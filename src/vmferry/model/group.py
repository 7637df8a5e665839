"""Groups of guests: kept apart or together, and where they belong. What the administrator says, nothing observed."""

from __future__ import annotations

import enum
import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass


class Keep(enum.StrEnum):
    APART = "apart"
    TOGETHER = "together"


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    guests: tuple[str, ...]
    """Patterns of names, as a shell's."""
    keep: Keep | None = None
    label: str = ""
    """Of APART: no two on hosts for which this label says the same, as `rack`; empty: no two on one host."""
    hosts: tuple[str, ...] = ()
    """Patterns of names of hosts on which they belong; none: anywhere."""
    strict: bool = True
    """It must be so; False: it should."""

    def has(self, guest: str) -> bool:
        return _matches(guest, self.guests)

    def belongs_on(self, host: str) -> bool:
        return not self.hosts or _matches(host, self.hosts)


@dataclass(frozen=True, slots=True)
class Groups:
    """`labels`: (host, label, what it says)."""

    groups: tuple[Group, ...] = ()
    labels: tuple[tuple[str, str, str], ...] = ()

    def of(self, guest: str, keep: Keep | None = None) -> tuple[Group, ...]:
        """Those that have the guest, and are kept so, if that is asked for."""
        return tuple(each for each in self.groups if each.has(guest) and keep in (None, each.keep))

    def domain(self, host: str, label: str) -> str:
        """What fails together with the host: by that label, or where it has none, the host alone."""
        return next((text for name, key, text in self.labels if (name, key) == (host, label)), host)

    def hosts_of(self, label: str, domain: str) -> tuple[str, ...]:
        """Of which it is known that they fail together."""
        return tuple(name for name, key, text in self.labels if (key, text) == (label, domain))


NO_GROUPS = Groups()


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
