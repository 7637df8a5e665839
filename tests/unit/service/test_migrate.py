"""The main job on hosts in memory: what it says, and where the guest is afterwards."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from vmferry.errors import Failed, VmferryError
from vmferry.fakes import FakeConnector, FakeGuest, FakeProber, FakeWorld, MemoryJobs, MemoryStore
from vmferry.fakes.faults import CopyEffect, CopyFault, Leftover
from vmferry.forecast.progress import Progress
from vmferry.model.guest import Disk, GuestState, Nic, Probe
from vmferry.model.migration import Forecast, JobStats, MigrationResult, Outcome, Verified
from vmferry.service.check import CheckReport
from vmferry.service.migrate import Migration, Tools
from vmferry.service.orders import data_uri
from vmferry.service.parallel import all_at_once
from vmferry.service.request import Request

ADDRESS = "10.0.0.101"
SHARED = Disk("vda", "disk", "file", "/srv/shared/web.img", "raw", "none")
NIC = Nic("52:54:00:00:00:01", "network", "lab", "virtio")


@dataclass
class Seen:
    """A listener that remembers the order of what it was told."""

    told: list[str] = field(default_factory=list)
    progresses: list[Progress] = field(default_factory=list)

    def checked(self, report: CheckReport) -> None:
        self.told.append("checked")

    def chosen(self, target: str, forecast: Forecast | None) -> None:
        self.told.append(f"chosen {target}")

    def progress(self, progress: Progress) -> None:
        self.progresses.append(progress)

    def settling(self, problem: VmferryError | None) -> None:
        self.told.append("settling")

    def verified(self, checks: Sequence[Verified]) -> None:
        self.told.append("verified")

    def note(self, message: str) -> None:
        self.told.append(f"note {message}")


class Ground:
    """A world of three hosts with the guest `web` on the first."""

    def __init__(self) -> None:
        self.world = FakeWorld()
        for name in ("alpha", "beta", "gamma"):
            self.world.add_host(name)
        self.guest: FakeGuest = self.world.add_guest("web", "alpha", disks=(SHARED,), nics=(NIC,), probe=Probe(ADDRESS))
        self.store = MemoryStore()
        self.jobs = MemoryJobs(self.world.time)
        self.number = itertools.count(1)
        self.seen = Seen()
        self.cancel = threading.Event()

    def run(self, *targets: str, **changes: Any) -> MigrationResult:  # noqa: ANN401 - fields of Request
        connector = FakeConnector(self.world)
        ports = {name: connector.connect(host.entry, 5) for name, host in self.world.hosts.items()}
        found = next(guest for guest in ports["alpha"].guests() if guest.uuid == self.guest.uuid)
        chosen = targets or ("beta", "gamma")
        request = Request(
            guest=found,
            source=ports["alpha"],
            targets=[ports[name] for name in chosen],
            others=[ports[name] for name in ("beta", "gamma") if name not in chosen],
        )
        ticks = itertools.count()
        tools = Tools(
            store=self.store,
            jobs=self.jobs,
            clock=self.world.time,
            together=all_at_once,
            worker="worker-1",
            prober=FakeProber(self.world),
            now=lambda: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=next(ticks)),
            new_job=lambda: f"job-{next(self.number)}",
        )
        return Migration(replace(request, **changes), tools, self.seen, self.cancel).run()

    def fault(self, effect: CopyEffect, **settings: Any) -> None:  # noqa: ANN401 - fields of CopyFault
        self.world.plan_fault(self.guest, CopyFault(effect, **settings))

    @property
    def running_on(self) -> tuple[str, ...]:
        return self.world.running_on(self.guest)


@pytest.fixture
def ground() -> Ground:
    return Ground()


def test_a_migration_that_goes_well(ground: Ground) -> None:
    result = ground.run("beta")
    assert result.outcome is Outcome.MIGRATED
    assert result.error is None
    assert (result.source, result.target) == ("alpha", "beta")
    assert [check.ok for check in result.verification] == [True] * 4
    assert result.measured is not None
    assert result.measured.transferred_bytes > 0
    assert result.measured.blackout_ms == 40
    assert [step.step for step in result.steps] == ["check", "forecast", "copy", "verify"]
    assert all(step.state == "done" and step.ended for step in result.steps)
    assert ground.seen.told == ["checked", "chosen beta", "verified"]
    assert ground.running_on == ("beta",)
    assert ground.world.defined_on(ground.guest) == ("beta",)
    assert ground.store.results() == (result,)


def test_without_a_target_the_roomiest_is_taken(ground: Ground) -> None:
    ground.world.host("beta").memory_bytes = 1 << 30
    assert ground.run().target == "gamma"


def test_what_no_host_can_take_is_refused_with_each_one_s_reason(ground: Ground) -> None:
    ground.world.host("beta").networks = ()
    ground.world.host("gamma").missing = {"/srv/shared/web.img"}
    result = ground.run()
    assert result.outcome is Outcome.REFUSED
    assert result.error is not None
    assert "beta: network.present" in result.error
    assert "gamma: storage.image" in result.error
    assert ground.running_on == ("alpha",)
    assert result.target is None


def test_a_guest_that_is_shut_off_is_refused(ground: Ground) -> None:
    ground.world.host("alpha").active.clear()
    result = ground.run("beta")
    assert result.outcome is Outcome.REFUSED
    assert "guest.running" in (result.error or "")


def test_a_dry_run_moves_nothing_and_is_not_kept(ground: Ground) -> None:
    result = ground.run("beta", dry_run=True)
    assert result.outcome is None
    assert result.forecast is not None
    assert ground.running_on == ("alpha",)
    assert ground.store.results() == ()


def test_a_transient_guest_stays_transient(ground: Ground) -> None:
    ground.world.host("alpha").defined.clear()
    result = ground.run("beta")
    assert result.outcome is Outcome.MIGRATED
    assert ground.world.defined_on(ground.guest) == ()


def test_a_paused_guest_arrives_paused(ground: Ground) -> None:
    ground.world.host("alpha").active[ground.guest.uuid] = GuestState.PAUSED
    ground.world.silent_guests.add(ground.guest.uuid)
    result = ground.run("beta")
    assert result.outcome is Outcome.MIGRATED
    assert ground.world.host("beta").active[ground.guest.uuid] is GuestState.PAUSED


def test_a_copy_that_fails_leaves_the_guest_where_it_was(ground: Ground) -> None:
    ground.fault(CopyEffect.FAILS)
    result = ground.run("beta")
    assert result.outcome is Outcome.ROLLED_BACK
    assert not result.cancelled
    assert result.steps[2].state == "failed"
    assert result.error_detail == "operation failed: job 'migration out' unexpectedly failed"
    assert "runs on alpha" in (result.error or "")
    assert ground.seen.told == ["checked", "chosen beta", "settling"]
    assert ground.running_on == ("alpha",)
    assert ground.world.defined_on(ground.guest) == ("alpha",)


def test_what_has_changed_since_the_check_is_said(ground: Ground) -> None:
    def vanish(stats: JobStats) -> None:
        ground.world.host("beta").networks = ()

    ground.world.watch_copy = vanish
    ground.fault(CopyEffect.FAILS)
    result = ground.run("beta")
    assert result.outcome is Outcome.ROLLED_BACK
    assert "the check now refuses beta: network.present: " in (result.error or "")


def test_a_lost_reply_is_no_failure(ground: Ground) -> None:
    """The guest arrived although libvirt's call ended in an error: both hosts are asked, and it is verified."""
    ground.fault(CopyEffect.LOSES_REPLY)
    result = ground.run("beta")
    assert result.outcome is Outcome.MIGRATED
    assert all(check.ok for check in result.verification)
    assert ground.running_on == ("beta",)


def test_a_copy_that_goes_on_unheard_is_waited_for(ground: Ground) -> None:
    ground.fault(CopyEffect.LOSES_TOUCH)
    result = ground.run("beta")
    assert result.outcome is Outcome.MIGRATED
    assert all(check.ok for check in result.verification)
    assert ground.running_on == ("beta",)


def test_a_copy_that_goes_on_unheard_is_cancelled_all_the_same(ground: Ground) -> None:
    ground.fault(CopyEffect.LOSES_TOUCH)
    tell = ground.seen.settling

    def settling(problem: VmferryError | None) -> None:
        ground.cancel.set()
        tell(problem)

    ground.seen.settling = settling  # type: ignore[method-assign]
    result = ground.run("beta")
    assert result.outcome is Outcome.ROLLED_BACK
    assert result.cancelled
    assert ground.running_on == ("alpha",)


@pytest.mark.parametrize(
    ("effect", "settings", "outcome", "words"),
    [
        (CopyEffect.FAILS, {"leftover": Leftover.PAUSED}, Outcome.ROLLED_BACK, "nothing of it is on beta"),
        (CopyEffect.FAILS, {"leftover": Leftover.DEFINITION}, Outcome.ROLLED_BACK, "nothing of it is on beta"),
        (CopyEffect.HOLDS, {}, Outcome.ROLLED_BACK, "runs on alpha"),
        (CopyEffect.TARGET_DIES, {}, Outcome.IN_DOUBT, "nothing was touched"),
        (CopyEffect.SOURCE_DIES, {}, Outcome.IN_DOUBT, "nothing was touched"),
        (CopyEffect.FAILS, {"silences": ("beta",)}, Outcome.IN_DOUBT, "nothing was touched"),
        (CopyEffect.LOSES_REPLY, {"silences": ("alpha", "beta")}, Outcome.IN_DOUBT, "nothing was touched"),
        (CopyEffect.GUEST_STOPS, {}, Outcome.FAILED, "stopped"),
    ],
)
def test_what_is_said_after_other_faults(
    ground: Ground, effect: CopyEffect, settings: dict[str, Any], outcome: Outcome, words: str
) -> None:
    ground.fault(effect, **settings)
    result = ground.run("beta")
    assert result.outcome is outcome
    assert words in (result.error or "")
    ground.world.check()


def test_cancel_in_the_middle(ground: Ground) -> None:
    ground.fault(CopyEffect.STALLS)

    def cancel(stats: JobStats) -> None:
        ground.cancel.set()

    ground.world.watch_copy = cancel
    result = ground.run("beta")
    assert result.outcome is Outcome.ROLLED_BACK
    assert result.cancelled
    assert result.steps[2].state == "cancelled"
    assert ground.running_on == ("alpha",)


def test_cancel_before_the_copy(ground: Ground) -> None:
    ground.cancel.set()
    result = ground.run("beta")
    assert result.outcome is Outcome.ROLLED_BACK
    assert result.cancelled
    assert "nothing was changed" in (result.error or "")
    assert ground.world.host("alpha").jobs == {}
    assert ground.running_on == ("alpha",)


def test_a_guest_that_does_not_answer_afterwards_is_said(ground: Ground) -> None:
    ground.world.silent_guests.add(ground.guest.uuid)
    result = ground.run("beta")
    assert result.outcome is Outcome.MIGRATED
    assert "answers on the network" in (result.error or "")
    assert ground.running_on == ("beta",)


def test_a_guest_behind_a_firewall_is_found_by_its_card(ground: Ground) -> None:
    ground.world.firewalled_guests.add(ground.guest.uuid)
    result = ground.run("beta")
    assert (result.outcome, result.error) == (Outcome.MIGRATED, None)
    (check,) = (each for each in result.verification if each.what == "answers on the network")
    assert check.detail.endswith("but its card answers ARP")


def test_a_guest_that_is_not_found_is_announced_again(ground: Ground) -> None:
    ground.world.unannounced_guests.add(ground.guest.uuid)
    result = ground.run("beta")
    assert (result.outcome, result.error) == (Outcome.MIGRATED, None)
    assert all(check.ok for check in result.verification)


def test_a_guest_without_an_address_is_not_called_silent(ground: Ground) -> None:
    ground.world.guests[ground.guest.uuid] = replace(ground.guest, probe=None)
    result = ground.run("beta")
    assert result.error is None
    assert [check.ok for check in result.verification] == [True, True, True, None]
    assert result.measured is not None
    assert result.measured.blackout_ms is None


def test_a_disk_with_an_error_on_the_target_is_said(ground: Ground) -> None:
    ground.world.host("beta").disk_problems[ground.guest.uuid] = (("vda", "I/O error"),)
    result = ground.run("beta")
    assert result.outcome is Outcome.MIGRATED
    assert "vda: I/O error" in (result.error or "")


def test_a_second_copy_on_a_third_host_is_in_doubt(ground: Ground) -> None:
    def appear(stats: JobStats) -> None:
        ground.world.put(ground.guest, "gamma", GuestState.PAUSED)

    ground.world.watch_copy = appear
    result = ground.run("beta")
    assert result.outcome is Outcome.IN_DOUBT
    assert "ALSO active on gamma" in (result.error or "")


def test_the_second_forecast_has_learned_from_the_first_run(ground: Ground) -> None:
    first = ground.run("beta", dry_run=True)
    ground.run("beta")
    ground.world.host("beta").active.clear()
    ground.world.host("beta").defined.clear()
    ground.world.put(ground.guest, "alpha", GuestState.RUNNING)
    second = ground.run("beta", dry_run=True)
    assert first.forecast is not None
    assert second.forecast is not None
    assert "nominal" in first.forecast.basis
    assert "last migration" in second.forecast.basis


def test_what_could_not_be_looked_at_is_no_yes(ground: Ground) -> None:
    ground.world.host("beta").faults.refuses["see_disks"] = "no shell"
    refused = ground.run("beta")
    assert refused.outcome is Outcome.REFUSED
    assert "storage.shared" in (refused.error or "")
    assert "--yes" in (refused.error or "")
    assert ground.running_on == ("alpha",)
    assert ground.run("beta", accept_unknown=True).outcome is Outcome.MIGRATED


def test_a_figure_that_cannot_be_had_changes_no_result(ground: Ground) -> None:
    ground.world.host("beta").faults.refuses["completed_stats"] = "cannot acquire state change lock"
    result = ground.run("beta")
    assert result.outcome is Outcome.MIGRATED
    assert result.measured is None


def test_a_store_that_cannot_be_written_changes_no_result(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(result: MigrationResult) -> None:
        raise Failed("the disk is full")

    monkeypatch.setattr(ground.store, "save_result", full)
    result = ground.run("beta")
    assert result.outcome is Outcome.MIGRATED
    assert any("could not be recorded: the disk is full" in told for told in ground.seen.told)


def test_without_a_forecast_it_goes_all_the_same(ground: Ground) -> None:
    ground.world.host("alpha").faults.refuses["dirty_rate"] = "not supported"
    result = ground.run("beta")
    assert result.outcome is Outcome.MIGRATED
    assert result.forecast is None


def test_cancel_during_the_forecast(ground: Ground) -> None:
    def chosen(target: str, forecast: Forecast | None) -> None:
        ground.cancel.set()

    ground.seen.chosen = chosen  # type: ignore[method-assign]
    assert ground.run("beta").cancelled
    assert ground.running_on == ("alpha",)


@pytest.mark.parametrize(
    ("address", "uri"), [(None, None), ("10.1.0.11", "tcp://10.1.0.11"), ("fd00::1", "tcp://[fd00::1]")]
)
def test_where_the_memory_goes(address: str | None, uri: str | None) -> None:
    assert data_uri(address) == uri


@pytest.mark.parametrize(("agent", "error"), [(True, None), (False, "its agent does not answer")])
def test_the_agent_speaks_for_a_guest_without_an_address(ground: Ground, agent: bool, error: str | None) -> None:
    ground.world.guests[ground.guest.uuid] = replace(ground.guest, probe=None)
    ground.world.agents[ground.guest.uuid] = agent
    result = ground.run("beta")
    assert result.outcome is Outcome.MIGRATED
    assert result.error is None if error is None else error in (result.error or "")
    (check,) = (each for each in result.verification if each.what == "answers on the network")
    assert (check.ok, check.detail.split("; ")[-1]) == (agent, error or "its agent answers")


def test_an_agent_that_answers_does_not_excuse_the_network(ground: Ground) -> None:
    ground.world.silent_guests.add(ground.guest.uuid)
    ground.world.agents[ground.guest.uuid] = True
    (check,) = (each for each in ground.run("beta").verification if each.what == "answers on the network")
    assert check.ok is False
    assert "its agent answers" in check.detail


def test_a_paused_guest_s_agent_is_not_asked(ground: Ground) -> None:
    ground.world.guests[ground.guest.uuid] = replace(ground.guest, probe=None)
    ground.world.agents[ground.guest.uuid] = False
    ground.world.host("alpha").active[ground.guest.uuid] = GuestState.PAUSED
    assert ground.run("beta").error is None
