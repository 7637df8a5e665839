"""The one place that puts adapters and use cases together. Each is imported when it is first needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vmferry.ports import Clock, Connector, Jobs, Menders, Prober, Store


@dataclass(frozen=True, slots=True)
class Wiring:
    """Makers of the adapters; a test or a trial hands in those of `vmferry.fakes`."""

    connector: Callable[[], Connector]
    store: Callable[[Path], Store]
    """Of the store's file, which need not exist yet."""
    prober: Callable[[], Prober]
    menders: Callable[[], Menders]
    jobs: Callable[[Path], Jobs]
    """Of the same file as the store's."""
    clock: Callable[[], Clock]
    worker: Callable[[], str]
    """The name of this process among those that may hold a job."""


def real() -> Wiring:
    return Wiring(_connector, _store, _prober, _menders, _jobs, _clock, _worker)


def _connector() -> Connector:
    from vmferry.hosts import LibvirtConnector

    return LibvirtConnector()


def _store(path: Path) -> Store:
    from vmferry.store import EmbeddedStore, Place

    return EmbeddedStore(Place(path))


def _jobs(path: Path) -> Jobs:
    from vmferry.store import EmbeddedJobs, Place

    return EmbeddedJobs(Place(path))


def _clock() -> Clock:
    from vmferry.service.tools import RealClock

    return RealClock()


def _worker() -> str:
    from vmferry.store.worker import this_worker

    return this_worker()


def _prober() -> Prober:
    from vmferry.hosts.network import NetworkProber

    return NetworkProber()


def _menders() -> Menders:
    from vmferry.hosts.mending import HostMenders

    return HostMenders()
