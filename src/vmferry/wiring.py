"""The one place that puts adapters and use cases together. Each is imported when it is first needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vmferry.ports import Chest, Clock, Connector, Dispatcher, Jobs, Menders, Prober, Register, Store
    from vmferry.store.postgres import PostgresDatabase


def _chest(path: Path) -> Chest:
    from vmferry.store.chest import FileChest

    return FileChest(path.parent / "tls")


def _register(place: Path | str) -> Register:
    from vmferry.store.access import SqlRegister

    if isinstance(place, str):
        return SqlRegister(_database(place))
    from vmferry.store.place import Place
    from vmferry.store.sqlite import FileDatabase

    return SqlRegister(FileDatabase(Place(place)))


def _libvirt() -> str:
    from vmferry.hosts.client import client_version

    return client_version()


def _dispatcher(place: Path | str, worker: str, at_once: int) -> Dispatcher:
    from vmferry.engine import DurableDispatcher

    return DurableDispatcher(place, worker, at_once)


@dataclass(frozen=True, slots=True)
class Wiring:
    """Makers of the adapters; a test or a trial hands in those of `vmferry.fakes`."""

    connector: Callable[[], Connector]
    store: Callable[[Path | str], Store]
    """Of the store's file, which need not exist yet; or of the URL of a database."""
    prober: Callable[[], Prober]
    menders: Callable[[], Menders]
    jobs: Callable[[Path | str], Jobs]
    """Of the same file or database as the store's."""
    clock: Callable[[], Clock]
    worker: Callable[[], str]
    """The name of this process among those that may hold a job."""
    chest: Callable[[Path], Chest] = _chest
    """Of the same file as the store's: the authority is kept beside it."""
    register: Callable[[Path | str], Register] = _register
    """Of the same file or database as the store's."""
    libvirt: Callable[[], str] = _libvirt
    """The version of its client here. Raises ImportError where it does not load."""
    dispatcher: Callable[[Path | str, str, int], Dispatcher] = _dispatcher
    """Of a worker: the same file or database as the store's, its name, and how many jobs it takes at the same time."""


def real() -> Wiring:
    return Wiring(_connector, _store, _prober, _menders, _jobs, _clock, _worker)


def _connector() -> Connector:
    from vmferry.hosts import LibvirtConnector

    return LibvirtConnector()


def _store(place: Path | str) -> Store:
    if isinstance(place, str):
        from vmferry.store.postgres import PostgresStore

        return PostgresStore(_database(place))
    from vmferry.store import EmbeddedStore, Place

    return EmbeddedStore(Place(place))


def _jobs(place: Path | str) -> Jobs:
    if isinstance(place, str):
        from vmferry.store.postgres import PostgresJobs

        return PostgresJobs(_database(place))
    from vmferry.store import EmbeddedJobs, Place

    return EmbeddedJobs(Place(place))


@cache
def _database(url: str) -> PostgresDatabase:
    """SQLAlchemy, psycopg: 0.5 s."""
    from vmferry.store.postgres import PostgresDatabase

    return PostgresDatabase(url)


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
