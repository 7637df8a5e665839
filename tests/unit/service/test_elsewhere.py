"""A share that the target mounts elsewhere: found, proved, and where the guest then is."""

from __future__ import annotations

import itertools
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from vmferry.facts.wish import MoveWish
from vmferry.fakes import FakeConnector, FakeGuest, FakeProber, FakeWorld, MemoryJobs, MemoryStore
from vmferry.model.edits import Edit, Naming
from vmferry.model.finding import Finding, Severity, Verdict
from vmferry.model.guest import Disk
from vmferry.model.migration import MigrationResult, Outcome
from vmferry.ports import HostPort
from vmferry.service.check import CheckReport, check, check_one
from vmferry.service.definition import target_diff
from vmferry.service.elsewhere import look_elsewhere
from vmferry.service.migrate import Migration, Tools
from vmferry.service.parallel import all_at_once
from vmferry.service.request import Request
from vmferry.service.survey import survey

from .test_migrate import Seen

DISK = Disk("vda", "disk", "file", "/srv/shared/web.img", "raw", "none")
LOCAL = Disk("vdb", "disk", "file", "/var/lib/own.img", "raw", "none")
MOVED = Edit(Naming.PATH, "/srv/shared/web.img", "/mnt/nas/web.img")
ELSEWHERE = "/mnt/nas/"


class Ground:
    """`web` on alpha; beta has the share elsewhere."""

    def __init__(self, *disks: Disk) -> None:
        self.world = FakeWorld()
        self.world.add_host("alpha")
        self.world.add_host("beta", shared_at=ELSEWHERE)
        self.guest: FakeGuest = self.world.add_guest("web", "alpha", disks=disks or (DISK,))
        connector = FakeConnector(self.world)
        self.ports: dict[str, HostPort] = {
            name: connector.connect(host.entry, 5) for name, host in self.world.hosts.items()
        }

    def check(self, wish: MoveWish | None = None) -> CheckReport:
        source = self.ports["alpha"]
        return check(source, source.guests()[0], [self.ports["beta"]], wish=wish or MoveWish())

    def migrate(self, source: str, target: str, definition: str | None = None) -> MigrationResult:
        here = self.ports[source]
        request = Request(here.guests()[0], here, [self.ports[target]], definition=definition)
        ticks = itertools.count()
        tools = Tools(
            store=MemoryStore(),
            jobs=MemoryJobs(self.world.time),
            clock=self.world.time,
            together=all_at_once,
            worker="worker-1",
            prober=FakeProber(self.world),
            now=lambda: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=next(ticks)),
            new_job=lambda: "job-1",
        )
        return Migration(replace(request, accept_unknown=True), tools, Seen(), threading.Event()).run()

    def sources(self, host: str) -> list[str | None]:
        return [disk.source for disk in self.ports[host].guests()[0].disks]


def of(report: CheckReport, rule: str) -> list[Finding]:
    return [finding for finding in report.candidates[0].findings if finding.rule == rule]


def test_it_is_found_and_proved() -> None:
    report = Ground().check()
    (move,) = report.moves
    assert move.target.edits == (MOVED,)
    assert [sight.seen for sight in move.target.disks] == [True]
    (said,) = of(report, "storage.same-path")
    assert (said.severity, said.subject) == (Severity.WARN, "vda")
    assert {finding.severity for finding in of(report, "storage.shared")} == {Severity.INFO}
    assert report.candidates[0].verdict is Verdict.WARN


def test_marks_are_gone_afterwards() -> None:
    ground = Ground()
    ground.check()
    assert [host.marks for host in ground.world.hosts.values()] == [set(), set()]


def test_a_file_that_is_not_there_is_no_candidate() -> None:
    ground = Ground()
    ground.world.host("beta").missing.add("/mnt/nas/web.img")
    report = ground.check()
    assert report.moves[0].target.edits == ()
    assert of(report, "storage.same-path") == []
    assert report.candidates[0].verdict is Verdict.REFUSE


def test_what_is_on_no_share_has_no_other_place() -> None:
    report = Ground(DISK, LOCAL).check()
    assert report.moves[0].target.edits == (MOVED,)
    assert report.candidates[0].verdict is Verdict.REFUSE


def test_a_second_look_that_fails_proves_nothing() -> None:
    ground = Ground()
    beta = ground.world.host("beta")
    snapshot = survey(ground.ports["alpha"], ground.ports["alpha"].guests()[0], [ground.ports["beta"]])
    uuid = ground.guest.uuid
    first = replace(snapshot, views={uuid: {**snapshot.views[uuid], "beta": replace(snapshot.views[uuid]["beta"])}})
    blind = replace(first.views[uuid]["beta"], edits=(), disks=())
    first = replace(first, views={uuid: {**first.views[uuid], "beta": blind}})
    beta.faults.refuses["see_disks"] = "busy"
    again = look_elsewhere(first, list(ground.ports.values()), None, 5.0)
    assert again.views[uuid]["beta"] == blind


def test_there_and_back_again() -> None:
    ground = Ground()
    there = ground.migrate("alpha", "beta")
    assert (there.outcome, there.error) == (Outcome.MIGRATED, None)
    assert ground.sources("beta") == ["/mnt/nas/web.img"]
    back = ground.migrate("beta", "alpha")
    assert (back.outcome, back.error) == (Outcome.MIGRATED, None)
    assert ground.sources("alpha") == ["/srv/shared/web.img"]


def definition(guest: FakeGuest, source: str) -> str:
    return (
        f"<domain type='kvm'><name>web</name><uuid>{guest.uuid}</uuid><devices><disk type='file' device='disk'>"
        f"<source file='{source}'/><target dev='vda' bus='virtio'/></disk></devices></domain>"
    )


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Ground:
    """A guest whose host tells a definition with its disk in it."""
    ground = Ground()
    told_of = FakeGuest.facts

    def facts(self: FakeGuest, *arguments: object) -> object:
        source = self.disks[0].source or ""
        return replace(told_of(self, *arguments), live_xml=definition(self, source))  # type: ignore[arg-type]

    monkeypatch.setattr(FakeGuest, "facts", facts)
    return ground


def test_the_users_own_definition_is_looked_at(told: Ground) -> None:
    report = told.check(MoveWish(definition=definition(told.guest, "/mnt/nas/web.img")))
    assert report.moves[0].target.edits == (MOVED,)
    assert report.candidates[0].verdict is Verdict.WARN
    wrong = told.check(MoveWish(definition=definition(told.guest, "/mnt/nas/other.img")))
    assert of(wrong, "storage.shared")[0].severity is Severity.REFUSE


def test_and_used(told: Ground) -> None:
    done = told.migrate("alpha", "beta", definition(told.guest, "/mnt/nas/web.img"))
    assert (done.outcome, done.error) == (Outcome.MIGRATED, None)
    assert told.sources("beta") == ["/mnt/nas/web.img"]


def test_nobody_is_asked_about_saved_facts(told: Ground) -> None:
    source = told.ports["alpha"]
    saved = survey(source, source.guests()[0], [told.ports["beta"]])
    given = definition(told.guest, "/mnt/nas/elsewhere.img")
    report = check_one(look_elsewhere(saved, (), given, 0.0), saved.guests[0], None, wish=MoveWish(definition=given))
    (said,) = of(report, "storage.shared")
    assert said.severity is Severity.UNKNOWN
    assert "no host was asked" in said.observed


def test_the_change_is_shown(told: Ground) -> None:
    (move,) = told.check().moves
    lines = target_diff(move).splitlines()
    assert '-      <source file="/srv/shared/web.img"/>' in lines
    assert '+      <source file="/mnt/nas/web.img"/>' in lines
    assert target_diff(replace(move, target=replace(move.target, edits=()))) == ""


def test_no_change_is_shown_of_what_cannot_be_read(told: Ground) -> None:
    (move,) = told.check().moves
    assert target_diff(replace(move, wish=MoveWish(definition="<domain>"))) == ""
