"""How hosts look at each other's guests' disks, with and without marks."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from vmferry.facts.disk import DiskSight
from vmferry.fakes import FakeConnector, FakeWorld
from vmferry.fakes.host import FakeConnection
from vmferry.model.guest import Disk
from vmferry.service import disks
from vmferry.service.disks import see_everywhere

LIMIT_S = 5.0


def disk(name: str, directory: str = "/srv/shared") -> Disk:
    return Disk("vda", "disk", "file", f"{directory}/{name}.img", "raw", "none")


class Ground:
    """Two hosts; `web` and `own` on alpha, the second on a disk of alpha's own, and `db` on beta."""

    def __init__(self) -> None:
        self.world = FakeWorld()
        entries = [self.world.add_host(name) for name in ("alpha", "beta")]
        self.web = self.world.add_guest("web", "alpha", disks=(disk("web"),))
        self.own = self.world.add_guest("own", "alpha", disks=(disk("own", "/var/lib"),))
        self.db = self.world.add_guest("db", "beta", disks=(disk("db"),))
        self.hosts = [FakeConnector(self.world).connect(entry, 1) for entry in entries]

    def see(self) -> dict[str, dict[str, tuple[DiskSight, ...]] | Exception]:
        alpha, beta = self.hosts
        guests = [alpha.guest_facts(self.web.uuid), alpha.guest_facts(self.own.uuid), beta.guest_facts(self.db.uuid)]
        return see_everywhere(self.hosts, guests, LIMIT_S)

    def marks(self) -> set[str]:
        return {mark for name in ("alpha", "beta") for mark in self.world.host(name).marks}


@pytest.fixture
def ground() -> Ground:
    return Ground()


def marked(seen: dict[str, tuple[DiskSight, ...]] | Exception, uuid: str) -> bool | None:
    assert isinstance(seen, dict)
    return seen[uuid][0].marked


def test_every_host_sees_every_disk_and_the_marks_of_the_others(ground: Ground) -> None:
    seen = ground.see()
    assert {name: set(sights) for name, sights in seen.items() if isinstance(sights, dict)} == {
        "alpha": {ground.web.uuid, ground.own.uuid, ground.db.uuid},
        "beta": {ground.web.uuid, ground.own.uuid, ground.db.uuid},
    }
    assert marked(seen["beta"], ground.web.uuid) is True
    assert marked(seen["alpha"], ground.db.uuid) is True
    assert marked(seen["beta"], ground.own.uuid) is None
    assert ground.marks() == set()


def test_a_host_that_fails_keeps_nothing_from_the_others(ground: Ground) -> None:
    ground.world.host("beta").faults.refuses["see_disks"] = "no"
    seen = ground.see()
    assert isinstance(seen["beta"], Exception)
    alpha = seen["alpha"]
    assert isinstance(alpha, dict)
    assert alpha[ground.db.uuid][0].marked is None
    assert alpha[ground.web.uuid][0].seen is True
    assert ground.marks() == set()


def test_a_source_that_hangs_is_given_up_in_time(ground: Ground) -> None:
    hangs = threading.Event()
    alpha = [ground.hosts[0].guest_facts(ground.web.uuid)]
    ground.world.host("alpha").faults.hangs = hangs
    try:
        seen = see_everywhere(ground.hosts, alpha, 0.5)
    finally:
        hangs.set()
    assert isinstance(seen["alpha"], Exception)
    assert marked(seen["beta"], ground.web.uuid) is None


def test_marks_that_may_be_gone_are_not_looked_for(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disks, "MARKS_HOLD_S", 0.0)
    seen = ground.see()
    assert marked(seen["beta"], ground.web.uuid) is None


def test_many_disks_are_looked_at_in_several_questions(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    see = FakeConnection.see_disks

    def counted(
        self: FakeConnection, looked: Sequence[Disk], marks: Sequence[Sequence[str]] = ()
    ) -> tuple[DiskSight, ...]:
        asked.append(len(looked))
        return see(self, looked, marks)

    monkeypatch.setattr(FakeConnection, "see_disks", counted)
    many = [ground.world.add_guest(f"g{n}", "alpha", disks=(disk(f"g{n}"),)) for n in range(100)]
    seen = see_everywhere(ground.hosts, [ground.hosts[0].guest_facts(each.uuid) for each in many], LIMIT_S)
    assert sorted(asked) == [36, 36, 64, 64]
    assert all(marked(seen["beta"], each.uuid) for each in many)
