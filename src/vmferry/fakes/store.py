"""A store in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

from vmferry.errors import Unknown, UserError
from vmferry.model.host import HostEntry, Withdrawal
from vmferry.model.migration import MigrationResult


class MemoryStore:
    """`ports.Store`; what it holds is gone with it."""

    def __init__(self, hosts: Sequence[HostEntry] = ()) -> None:
        self._hosts = {entry.name: entry for entry in hosts}
        self._guests: dict[str, tuple[tuple[str, str], ...]] = {}
        self._results: list[MigrationResult] = []
        self._withdrawn: dict[str, Withdrawal] = {}

    def hosts(self) -> tuple[HostEntry, ...]:
        return tuple(self._hosts[name] for name in sorted(self._hosts))

    def add_host(self, entry: HostEntry) -> None:
        if entry.name in self._hosts or entry.uri in {each.uri for each in self._hosts.values()}:
            raise UserError(f"there is a host {entry.name} or one at {entry.uri} already; see vmferry host list")
        self._hosts[entry.name] = entry

    def remove_host(self, name: str) -> None:
        if name not in self._hosts:
            raise Unknown(f"there is no host {name!a} in the store; see vmferry host list")
        del self._hosts[name]
        self._guests.pop(name, None)
        self._withdrawn.pop(name, None)

    def withdrawn(self) -> Mapping[str, Withdrawal]:
        return dict(self._withdrawn)

    def withdraw(self, host: str, withdrawal: Withdrawal) -> None:
        self._withdrawn[host] = withdrawal

    def readmit(self, host: str) -> None:
        self._withdrawn.pop(host, None)

    def remember_guests(self, host: str, names: Sequence[tuple[str, str]]) -> None:
        self._guests[host] = tuple(names)

    def remembered_guests(self) -> Mapping[str, str]:
        return {name: host for host, names in sorted(self._guests.items()) for name, _ in names}

    def save_result(self, result: MigrationResult) -> None:
        self._results = [each for each in self._results if each.job != result.job] + [result]

    def results(
        self, *, guest: str | None = None, source: str | None = None, target: str | None = None, most: int = 100
    ) -> tuple[MigrationResult, ...]:
        found = (
            result
            for result in reversed(self._results)
            if guest in (None, result.guest) and source in (None, result.source) and target in (None, result.target)
        )
        return tuple(islice(found, most))
