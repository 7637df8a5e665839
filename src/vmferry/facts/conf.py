"""One of libvirt's configuration files, as far as it could be read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

ConfValue = str | int | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """One `key = value` of the file."""

    key: str
    value: ConfValue
    line: int


@dataclass(frozen=True)
class ConfFile:
    """A file that is there. Libvirt takes a file that is missing for an empty one."""

    # Without slots, as it keeps its index: every rule of a key asks for that key.

    path: str
    settings: tuple[Setting, ...] = ()
    """In the order of the file, up to the error where there is one."""
    error: str | None = None
    """What libvirt's parser would complain of, with its line; None: nothing."""
    readable: bool = True
    stale: bool = False
    """It was changed after its daemon started: what runs has the settings of before."""

    def setting(self, key: str) -> Setting | None:
        """The one that counts: of several with one key, libvirt takes the first."""
        return self._by_key.get(key)

    @cached_property
    def _by_key(self) -> dict[str, Setting]:
        return {each.key: each for each in reversed(self.settings)}
