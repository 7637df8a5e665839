"""The one place that puts adapters and use cases together. Each is imported when it is first needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vmferry.ports import Connector, Menders, Prober, Store


@dataclass(frozen=True, slots=True)
class Wiring:
    """Makers of the adapters; a test or a trial hands in those of `vmferry.fakes`."""

    connector: Callable[[], Connector]
    store: Callable[[Path], Store]
    """Of the store's file, which need not exist yet."""
    prober: Callable[[], Prober]
    menders: Callable[[], Menders]


def real() -> Wiring:
    return Wiring(_connector, _store, _prober, _menders)


def _connector() -> Connector:
    from vmferry.hosts import LibvirtConnector

    return LibvirtConnector()


def _store(path: Path) -> Store:
    from vmferry.store import EmbeddedStore

    return EmbeddedStore(path)


def _prober() -> Prober:
    from vmferry.hosts.network import NetworkProber

    return NetworkProber()


def _menders() -> Menders:
    from vmferry.hosts.mending import HostMenders

    return HostMenders()
