"""Post-copy in a fake world: both halves are needed until its end, and libvirt's own refusals."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vmferry.errors import HostError
from vmferry.facts.guest import Reason
from vmferry.fakes import CopyEffect, CopyFault, FakeConnector, FakeGuest, FakeTime, FakeWorld
from vmferry.flow.sights import Sight, sight
from vmferry.model.guest import GuestState
from vmferry.model.migration import MigrationOrder, Mode
from vmferry.ports import HostPort


@pytest.fixture
def world() -> FakeWorld:
    world = FakeWorld(time=FakeTime())
    for name in ("alpha", "beta"):
        world.add_host(name)
    return world


@pytest.fixture
def web(world: FakeWorld) -> FakeGuest:
    return world.add_guest("web", "alpha", memory_bytes=1_000_000_000, dirty_rate_bytes_s=200_000_000)


@pytest.fixture
def alpha(world: FakeWorld) -> HostPort:
    return FakeConnector(world).connect(world.host("alpha").entry, 5.0)


@pytest.fixture
def beta(world: FakeWorld) -> HostPort:
    return FakeConnector(world).connect(world.host("beta").entry, 5.0)


@pytest.fixture
def order(world: FakeWorld, web: FakeGuest) -> MigrationOrder:
    return MigrationOrder(web.uuid, world.host("beta").entry.uri, None, persistent=True, post_copy=True)


def test_the_guest_runs_on_the_target_and_its_rest_follows(
    world: FakeWorld, web: FakeGuest, alpha: HostPort, beta: HostPort, order: MigrationOrder
) -> None:
    copy = alpha.begin(order)
    copy.wait(3.0)
    alpha.start_post_copy(web.uuid)
    stats = alpha.job_stats(web.uuid)
    assert stats is not None
    assert stats.mode is Mode.POST_COPY
    assert (sight(alpha.look(web.uuid)), sight(beta.look(web.uuid))) == (Sight.POST_COPY, Sight.POST_COPY)
    assert world.running_on(web) == ("beta",)
    with pytest.raises(HostError, match="cannot abort migration in post-copy mode"):
        alpha.abort(web.uuid)
    assert copy.wait(60.0)
    assert copy.problem is None
    assert world.active_on(web) == world.defined_on(web) == ("beta",)
    assert sight(beta.look(web.uuid)) is Sight.RUNS


def test_it_has_to_be_allowed_at_the_start(web: FakeGuest, alpha: HostPort, order: MigrationOrder) -> None:
    alpha.begin(replace(order, post_copy=False)).wait(1.0)
    with pytest.raises(HostError, match="VIR_MIGRATE_POSTCOPY"):
        alpha.start_post_copy(web.uuid)


def test_a_lost_way_breaks_it_and_it_is_resumed_once_the_way_is_back(
    world: FakeWorld, web: FakeGuest, alpha: HostPort, beta: HostPort, order: MigrationOrder
) -> None:
    world.plan_fault(web, CopyFault(CopyEffect.LOSES_WAY, for_s=40.0))
    copy = alpha.begin(order)
    copy.wait(3.0)
    alpha.start_post_copy(web.uuid)
    assert copy.wait(60.0)
    assert copy.problem is not None
    broken = (Sight.POST_COPY_BROKEN, Sight.POST_COPY_BROKEN)
    assert (sight(alpha.look(web.uuid)), sight(beta.look(web.uuid))) == broken
    early = alpha.begin(replace(order, resume=True))
    assert "migration is still running" in str(early.problem)
    world.time.sleep(40.0)
    again = alpha.begin(replace(order, resume=True))
    twice = alpha.begin(replace(order, resume=True))
    assert "actively monitored by another thread" in str(twice.problem)
    assert again.wait(60.0)
    assert again.problem is None
    assert world.active_on(web) == world.defined_on(web) == ("beta",)


def test_what_is_not_being_migrated_is_not_resumed(alpha: HostPort, order: MigrationOrder) -> None:
    assert "is not being migrated" in str(alpha.begin(replace(order, resume=True)).problem)


def test_a_suspended_guest_dirties_nothing_and_runs_again_on_the_target(
    world: FakeWorld, web: FakeGuest, alpha: HostPort, order: MigrationOrder
) -> None:
    copy = alpha.begin(order)
    copy.wait(3.0)
    alpha.suspend_moving(web.uuid)
    assert world.running_on(web) == ()
    assert copy.wait(60.0)
    assert copy.problem is None
    assert world.running_on(web) == ("beta",)


def test_a_suspended_guest_whose_copy_fails_runs_again_where_it_is(
    world: FakeWorld, web: FakeGuest, alpha: HostPort, order: MigrationOrder
) -> None:
    alpha.begin(order).wait(3.0)
    alpha.suspend_moving(web.uuid)
    alpha.abort(web.uuid)
    assert world.running_on(web) == ("alpha",)


def test_only_a_guest_that_is_being_copied_is_suspended(web: FakeGuest, alpha: HostPort) -> None:
    for step in (alpha.suspend_moving, alpha.start_post_copy):
        with pytest.raises(HostError, match="no job is active"):
            step(web.uuid)
    assert alpha.guest_state(web.uuid) is GuestState.RUNNING


def test_a_source_in_post_copy_says_so(
    world: FakeWorld, web: FakeGuest, alpha: HostPort, order: MigrationOrder
) -> None:
    alpha.begin(order).wait(3.0)
    alpha.start_post_copy(web.uuid)
    assert world.host("alpha").reasons[web.uuid] is Reason.POST_COPY
