"""The API over hosts in memory, with a worker that carries out what is asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from fastapi import FastAPI
from starlette.testclient import TestClient

from vmferry.api.app import make_app
from vmferry.api.peer import LOCAL
from vmferry.api.site import Site
from vmferry.fakes import FakeConnector, FakeProber, FakeWorld, MemoryJobs, MemoryRegister, MemoryStore, RealTime
from vmferry.model.access import Role, Token
from vmferry.model.aim import Aim
from vmferry.model.job import Job
from vmferry.service.bulletin import Bulletin
from vmferry.service.fleet import Fleet
from vmferry.service.ground import Standing
from vmferry.service.offers import Offers
from vmferry.service.people import Door
from vmferry.service.roll import Roll
from vmferry.service.tokens import digest_of
from vmferry.service.tools import tools
from vmferry.service.worker import Worker
from vmferry.web.pages import Pages

MIB = 1 << 20
NOW = datetime(2026, 3, 1, tzinfo=UTC)
WORKER = "the worker"


class Threads:
    """`ports.Dispatcher` in this process."""

    def __init__(self) -> None:
        self._carry: Callable[[str], str] | None = None
        self._under_way: set[str] = set()

    def launch(self, carry: Callable[[str], str]) -> None:
        self._carry = carry

    def dispatch(self, job: Job) -> None:
        if job.id not in self._under_way:
            self._under_way.add(job.id)
            threading.Thread(target=self._run, args=(job.id,), daemon=True).start()

    def _run(self, name: str) -> None:
        assert self._carry is not None
        try:
            self._carry(name)
        finally:
            self._under_way.discard(name)

    def resume(self, living: Collection[str]) -> None: ...

    def stop(self) -> None: ...


@dataclass
class Service:
    world: FakeWorld
    site: Site
    worker: Worker
    app: FastAPI
    stop: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)

    def run(self) -> None:
        """From now on the worker takes jobs, and news are told."""
        for work in (lambda: self.worker.run(self.stop), lambda: self.site.bulletin.run(self.stop)):
            self.threads.append(threading.Thread(target=work, daemon=True))
            self.threads[-1].start()

    def end(self) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join(30)

    def client(self, role: Role | None = Role.ADMIN, address: str = "192.0.2.7") -> TestClient:
        """Over TCP, with a token of that role, which is made where there is none yet; None: without one."""
        headers = {}
        if role is not None:
            register, secret = self.site.register, f"secret of {role}"
            if register.token(digest_of(secret)) is None:
                register.add_token(Token(role.value, role, "2026-01-01T00:00:00Z"), digest_of(secret))
            headers = {"Authorization": f"Bearer {secret}"}
        return TestClient(self.app, headers=headers, client=(address, 40000), raise_server_exceptions=False)

    def local(self, uid: int) -> TestClient:
        """Over the unix socket, as that user."""
        return TestClient(self.app, client=(LOCAL, uid))


def made_service() -> Service:
    world = FakeWorld(time=RealTime(), rate_bytes_s=400 * MIB)
    for name in ("alpha", "beta", "gamma"):
        world.add_host(name)
    store, jobs = MemoryStore([host.entry for host in world.hosts.values()]), MemoryJobs(world.time)
    needed = replace(tools(store, jobs, FakeProber(world), world.time, WORKER), now=lambda: NOW)

    def fleet() -> Fleet:
        return Fleet(FakeConnector(world), store.hosts())

    worker = Worker(needed, Threads(), fleet, Standing(), lambda text: None)
    roll = Roll(fleet, store, needed.now)
    register = MemoryRegister()
    site = Site(
        tools=needed,
        register=register,
        declared=(),
        standing=Standing(),
        open_fleet=lambda entries: Fleet(FakeConnector(world), entries),
        door=Door(register, needed.now),
        roll=roll,
        offers=Offers(world.time),
        aim=Aim(sample_s=0.2),
        bulletin=Bulletin(jobs, roll, world.time, "beginning", needed.now),
        hurry=worker.hurry,
    )
    return Service(world, site, worker, make_app(site, Pages()))
