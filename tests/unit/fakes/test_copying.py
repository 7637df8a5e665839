"""A copy in a fake world ends as the real one would, and the world holds to its invariant."""

from __future__ import annotations

import threading

import pytest

from vmferry.errors import HostError, HostUnreachable
from vmferry.fakes import CopyEffect, CopyFault, FakeConnector, FakeGuest, FakeTime, FakeWorld, Leftover
from vmferry.model.guest import GuestState
from vmferry.model.migration import JobStats, MigrationOrder
from vmferry.ports import HostPort


@pytest.fixture
def world() -> FakeWorld:
    world = FakeWorld(time=FakeTime())
    for name in ("alpha", "beta"):
        world.add_host(name)
    return world


@pytest.fixture
def web(world: FakeWorld) -> FakeGuest:
    return world.add_guest("web", "alpha", memory_bytes=100_000_000, dirty_rate_bytes_s=50_000_000)


def connect(world: FakeWorld, name: str) -> HostPort:
    return FakeConnector(world).connect(world.host(name).entry, 5.0)


def order(world: FakeWorld, guest: FakeGuest, target: str = "beta") -> MigrationOrder:
    return MigrationOrder(guest.uuid, world.host(target).entry.uri, None, persistent=True)


def test_the_guest_and_its_definition_move(world: FakeWorld, web: FakeGuest) -> None:
    connect(world, "alpha").migrate(order(world, web))
    assert (world.running_on(web), world.defined_on(web)) == (("beta",), ("beta",))
    stats = connect(world, "beta").completed_stats(web.uuid)
    assert stats is not None
    assert stats.round == 2
    assert stats.processed_bytes == pytest.approx(175_000_000)
    assert world.time.now_s() == pytest.approx(1.5)


def test_a_paused_guest_arrives_paused(world: FakeWorld) -> None:
    guest = world.add_guest("idle", "alpha", GuestState.PAUSED)
    connect(world, "alpha").migrate(order(world, guest))
    assert connect(world, "beta").guest_state(guest.uuid) is GuestState.PAUSED
    assert connect(world, "alpha").guest_state(guest.uuid) is None


def test_the_readings_grow(world: FakeWorld, web: FakeGuest) -> None:
    seen: list[JobStats] = []
    world.watch_copy = seen.append
    connect(world, "alpha").migrate(order(world, web))
    assert [each.processed_bytes for each in seen] == sorted(each.processed_bytes for each in seen)
    assert [each.elapsed_ms for each in seen] == sorted(each.elapsed_ms for each in seen)
    assert {each.round for each in seen} == {1, 2}


FAILURES = [(CopyFault(CopyEffect.FAILS, at_percent), ("alpha",), ()) for at_percent in (0, 1, 50, 99, 100)] + [
    (CopyFault(CopyEffect.FAILS, leftover=Leftover.PAUSED), ("alpha",), ("beta",)),
    (CopyFault(CopyEffect.TARGET_DIES), ("alpha",), ()),
    (CopyFault(CopyEffect.GUEST_STOPS), (), ()),
    (CopyFault(CopyEffect.HOLDS), (), ("alpha",)),
    (CopyFault(CopyEffect.SOURCE_DIES), (), ()),
]


@pytest.mark.parametrize(("fault", "running", "paused"), FAILURES)
def test_a_planned_fault_strikes_once(
    world: FakeWorld, web: FakeGuest, fault: CopyFault, running: tuple[str, ...], paused: tuple[str, ...]
) -> None:
    world.plan_fault(web, fault)
    with pytest.raises(HostError):
        connect(world, "alpha").migrate(order(world, web))
    assert world.running_on(web) == running
    assert set(world.active_on(web)) - set(running) == set(paused)
    assert web.uuid not in world.faults


def test_a_definition_can_be_left_over(world: FakeWorld, web: FakeGuest) -> None:
    world.plan_fault(web, CopyFault(CopyEffect.FAILS, leftover=Leftover.DEFINITION))
    with pytest.raises(HostError):
        connect(world, "alpha").migrate(order(world, web))
    assert connect(world, "beta").guest_state(web.uuid) is GuestState.SHUT_OFF


def test_a_lost_reply_is_no_lost_guest(world: FakeWorld, web: FakeGuest) -> None:
    world.plan_fault(web, CopyFault(CopyEffect.LOSES_REPLY, silences=("alpha",)))
    with pytest.raises(HostUnreachable):
        connect(world, "alpha").migrate(order(world, web))
    assert world.running_on(web) == ("beta",)
    with pytest.raises(HostUnreachable):
        connect(world, "alpha")


def test_a_stalled_copy_ends_by_an_abort_from_another_thread(world: FakeWorld, web: FakeGuest) -> None:
    world.plan_fault(web, CopyFault(CopyEffect.STALLS))
    source = connect(world, "alpha")
    abort = threading.Thread(target=source.abort, args=(web.uuid,))

    def once(stats: JobStats) -> None:
        world.watch_copy = None
        abort.start()

    world.watch_copy = once
    with pytest.raises(HostError, match="canceled by client"):
        source.migrate(order(world, web))
    assert world.running_on(web) == ("alpha",)
    with pytest.raises(HostError, match="no job"):
        source.abort(web.uuid)


def test_one_copy_of_a_guest_at_a_time(world: FakeWorld, web: FakeGuest) -> None:
    source = connect(world, "alpha")
    refusals: list[str] = []

    def again(stats: JobStats) -> None:
        with pytest.raises(HostError) as refusal:
            source.migrate(order(world, web))
        refusals.append(refusal.value.detail)

    world.watch_copy = again
    source.migrate(order(world, web))
    assert set(refusals) == {"another migration job is already running for domain 'web'"}


@pytest.mark.parametrize("target", ["alpha", "beta"])
def test_libvirts_own_refusals(world: FakeWorld, web: FakeGuest, target: str) -> None:
    world.add_guest("web", "beta")
    with pytest.raises(HostError, match=r"same host|already exists with uuid"):
        connect(world, "alpha").migrate(order(world, web, target))
    assert world.running_on(web) == ("alpha",)


def test_a_guest_that_runs_twice_is_noticed(world: FakeWorld, web: FakeGuest) -> None:
    world.put(web, "beta", GuestState.RUNNING)
    with pytest.raises(AssertionError, match="web runs on alpha and beta"):
        world.check()
