"""drain and undrain as they are typed, over in-memory hosts: words, JSON, exit codes, failures, bad input."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from vmferry.fakes import FakeGuest, FakeWorld, MemoryStore
from vmferry.fakes.faults import CopyEffect, CopyFault
from vmferry.model.guest import Disk, GuestState, Nic
from vmferry.model.host import HostState

from .conftest import Ran, Vmferry

GIB = 1 << 30


def guest(world: FakeWorld, name: str, host: str, gib: float = 1) -> FakeGuest:
    disk = Disk("vda", "disk", "file", f"/srv/shared/{name}{len(world.guests)}.img", "raw", "none")
    nic = Nic(f"52:54:00:00:00:{len(world.guests):02x}", "network", "lab")
    return world.add_guest(name, host, memory_bytes=int(gib * GIB), disks=(disk,), nics=(nic,))


@pytest.fixture
def three(world: FakeWorld) -> list[FakeGuest]:
    return [guest(world, name, "alpha") for name in ("db", "mail", "web")]


def where(world: FakeWorld, guests: list[FakeGuest]) -> set[str]:
    return {host for each in guests for host in world.running_on(each)}


def document(ran: Ran) -> dict[str, object]:
    found: dict[str, object] = json.loads(ran.out)
    return found


def state_of(vmferry: Vmferry, host: str) -> str:
    hosts = json.loads(vmferry("host", "list", "-o", "json").out)["hosts"]
    return next(str(each["state"]) for each in hosts if each["name"] == host)


def test_a_host_is_emptied(vmferry: Vmferry, world: FakeWorld, store: MemoryStore, three: list[FakeGuest]) -> None:
    ran = vmferry("drain", "alpha", "-o", "json")
    assert ran.code == 0, ran.err
    told = json.loads(ran.out)
    assert told["schema"] == "vmferry/1"
    assert set(told["plan"]) >= {"feasible", "unplaceable", "moves", "makespan_s", "bound_s"}
    assert [set(move) for move in told["plan"]["moves"]] == [{"guest", "from", "to", "start_s", "end_s"}] * 3
    assert [job["outcome"] for job in told["jobs"]] == ["migrated"] * 3
    assert where(world, three) == {"beta", "gamma"}
    assert store.withdrawn()["alpha"].state is HostState.MAINTENANCE
    assert set(store.withdrawn()["alpha"].left) == {each.uuid for each in three}
    assert state_of(vmferry, "alpha") == "maintenance"


def test_in_words(vmferry: Vmferry, three: list[FakeGuest]) -> None:
    ran = vmferry("drain", "alpha")
    assert ran.code == 0
    assert "db: alpha to " in ran.err
    assert "db: on " in ran.out


def test_a_drained_host_is_no_target_until_it_is_let_in(
    vmferry: Vmferry, world: FakeWorld, three: list[FakeGuest]
) -> None:
    other = guest(world, "other", "beta")
    vmferry("drain", "alpha", "-q")
    refused = vmferry("migrate", "other", "--to", "alpha")
    assert refused.code == 3
    assert "host.open" in refused.err
    assert vmferry("undrain", "alpha").code == 0
    assert vmferry("migrate", "other", "--to", "alpha").code == 0
    assert world.running_on(other) == ("alpha",)


def test_they_come_back(vmferry: Vmferry, world: FakeWorld, store: MemoryStore, three: list[FakeGuest]) -> None:
    stays = guest(world, "stays", "beta")
    vmferry("drain", "alpha", "-q")
    ran = vmferry("undrain", "alpha", "--return", "-o", "json")
    assert ran.code == 0, ran.err
    assert len(json.loads(ran.out)["jobs"]) == 3
    assert where(world, three) == {"alpha"}
    assert world.running_on(stays) == ("beta",)
    assert dict(store.withdrawn()) == {}


def test_dry_runs_change_nothing(
    vmferry: Vmferry, world: FakeWorld, store: MemoryStore, three: list[FakeGuest]
) -> None:
    ran = vmferry("drain", "alpha", "--dry-run")
    assert ran.code == 0
    assert "3 guests in" in ran.out
    assert where(world, three) == {"alpha"}
    assert dict(store.withdrawn()) == {}
    vmferry("drain", "alpha", "-q")
    back = vmferry("undrain", "alpha", "--return", "--dry-run", "-o", "json")
    assert [move["to"] for move in json.loads(back.out)["plan"]["moves"]] == ["alpha"] * 3
    assert "alpha" in store.withdrawn()
    assert "alpha" not in where(world, three)


def test_nothing_moves_where_one_has_no_place(
    vmferry: Vmferry, world: FakeWorld, store: MemoryStore, three: list[FakeGuest]
) -> None:
    huge = guest(world, "huge", "alpha", gib=1000)
    ran = vmferry("drain", "alpha", "-o", "json")
    assert ran.code == 3
    told = json.loads(ran.out)
    assert told["plan"]["feasible"] is False
    assert [each["guest"] for each in told["plan"]["unplaceable"]] == ["huge"]
    assert any("memory.free" in reason for reason in told["plan"]["unplaceable"][0]["reasons"])
    assert "nothing was moved: huge has no place" in ran.err
    assert where(world, [*three, huge]) == {"alpha"}
    assert dict(store.withdrawn()) == {}


def test_the_others_move_with_partial(
    vmferry: Vmferry, world: FakeWorld, store: MemoryStore, three: list[FakeGuest]
) -> None:
    huge = guest(world, "huge", "alpha", gib=1000)
    ran = vmferry("drain", "alpha", "--partial")
    assert ran.code == 5
    assert "alpha" not in where(world, three)
    assert world.running_on(huge) == ("alpha",)
    assert store.withdrawn()["alpha"].state is HostState.DRAINING


def test_a_set_without_room_says_how_much_is_missing(vmferry: Vmferry, world: FakeWorld) -> None:
    for name in ("beta", "gamma"):
        world.host(name).memory_bytes = 5 * GIB
    for number in range(4):
        guest(world, f"big{number}", "alpha", gib=2.6)
    ran = vmferry("drain", "alpha")
    assert ran.code == 3
    assert "no room is left on beta, gamma" in ran.err
    assert "more on" in ran.err


def test_one_that_fails_goes_to_another_host(vmferry: Vmferry, world: FakeWorld, three: list[FakeGuest]) -> None:
    world.plan_fault(three[0], CopyFault(CopyEffect.FAILS, at_percent=40))
    ran = vmferry("drain", "alpha")
    assert ran.code == 0, ran.err
    assert "db: rolled back" in ran.err
    assert "(attempt 2)" in ran.err
    assert "alpha" not in where(world, three)
    world.check()


def test_one_that_always_fails_does_not_stop_the_others(
    vmferry: Vmferry, world: FakeWorld, store: MemoryStore, three: list[FakeGuest]
) -> None:
    world.plan_fault(three[0], CopyFault(CopyEffect.FAILS, at_percent=40), times=3)
    ran = vmferry("drain", "alpha", "-o", "json")
    assert ran.code == 5
    outcomes = {job["guest"]: job["outcome"] for job in json.loads(ran.out)["jobs"]}
    assert outcomes == {"db": "rolled_back", "mail": "migrated", "web": "migrated"}
    assert world.running_on(three[0]) == ("alpha",)
    withdrawal = store.withdrawn()["alpha"]
    assert withdrawal.state is HostState.DRAINING
    assert three[0].uuid not in withdrawal.left


def test_a_second_drain_takes_up_the_rest(
    vmferry: Vmferry, world: FakeWorld, store: MemoryStore, three: list[FakeGuest]
) -> None:
    world.plan_fault(three[0], CopyFault(CopyEffect.FAILS, at_percent=40), times=3)
    vmferry("drain", "alpha", "-q")
    assert vmferry("drain", "alpha", "-q").code == 0
    assert set(store.withdrawn()["alpha"].left) == {each.uuid for each in three}
    assert store.withdrawn()["alpha"].state is HostState.MAINTENANCE


def test_two_hosts_at_once_do_not_send_to_each_other(
    vmferry: Vmferry, world: FakeWorld, three: list[FakeGuest]
) -> None:
    there = guest(world, "there", "beta")
    assert vmferry("drain", "alpha", "beta").code == 0
    assert where(world, [*three, there]) == {"gamma"}


def test_guests_that_are_off_stay_and_are_named(vmferry: Vmferry, world: FakeWorld, three: list[FakeGuest]) -> None:
    disk = Disk("vda", "disk", "file", "/srv/shared/off.img", "raw", "none")
    world.add_guest("resting", "alpha", disks=(disk,), state=GuestState.SHUT_OFF)
    ran = vmferry("drain", "alpha")
    assert ran.code == 0
    assert "off, and left where they are: resting" in ran.out


def test_an_empty_host(vmferry: Vmferry, store: MemoryStore) -> None:
    ran = vmferry("drain", "gamma")
    assert (ran.code, ran.out) == (0, "no guest has to be moved\n")
    assert store.withdrawn()["gamma"].state is HostState.MAINTENANCE


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("drain",), 2, "Missing argument"),
        (("drain", "delta"), 2, "no host 'delta'"),
        (("drain", "alpha", "--parallel", "0"), 2, "parallel"),
        (("drain", "alpha", "beta", "gamma"), 3, "nothing was moved"),
        (("undrain", "delta"), 2, "no host 'delta'"),
        (("undrain", "alpha"), 2, "takes guests already"),
    ],
)
def test_bad_input(
    vmferry: Vmferry,
    store: MemoryStore,
    three: list[FakeGuest],
    arguments: tuple[str, ...],
    code: int,
    words: str,
) -> None:
    ran = vmferry(*arguments)
    assert (ran.code, words in ran.err) == (code, True), ran.err
    assert dict(store.withdrawn()) == {}


def test_a_host_that_does_not_answer(vmferry: Vmferry, world: FakeWorld, store: MemoryStore) -> None:
    world.host("alpha").faults.unreachable = "no route to host"
    ran = vmferry("drain", "alpha")
    assert ran.code == 7
    assert "its guests cannot be moved" in ran.err
    assert dict(store.withdrawn()) == {}


def test_n_plus_one_is_told(vmferry: Vmferry, world: FakeWorld) -> None:
    for name in ("beta", "gamma"):
        world.host(name).memory_bytes = 6 * GIB
    for number in range(4):
        guest(world, f"g{number}", "alpha", gib=2)
    ran = vmferry("drain", "alpha", "--dry-run")
    assert ran.code == 0
    assert "(N+1)" in ran.out


def test_one_at_a_time(vmferry: Vmferry, three: list[FakeGuest]) -> None:
    moves = json.loads(vmferry("drain", "alpha", "--dry-run", "--parallel", "1", "-o", "json").out)["plan"]["moves"]
    assert [move["start_s"] for move in moves[1:]] == [move["end_s"] for move in moves[:-1]]


def test_a_host_of_the_configuration_file_can_be_drained(
    vmferry: Vmferry, world: FakeWorld, store: MemoryStore, three: list[FakeGuest]
) -> None:
    assert vmferry("drain", "alpha", "-q").code == 0
    entry = replace(store.hosts()[0])
    assert entry.state is HostState.READY, "what is said of a host is no part of its entry in the store"


def test_host_by_host_with_a_command_between(
    vmferry: Vmferry, world: FakeWorld, store: MemoryStore, three: list[FakeGuest], tmp_path: Path
) -> None:
    there, seen = guest(world, "there", "beta"), tmp_path / "seen"
    ran = vmferry("drain", "alpha", "beta", "--reboot-command", f'echo "$VMFERRY_HOST" >>{seen}', "-o", "json")
    assert ran.code == 0, ran.err
    assert seen.read_text().split() == ["alpha", "beta"]
    assert where(world, three) == {"alpha"}
    assert world.running_on(there) == ("beta",)
    assert dict(store.withdrawn()) == {}


def test_a_command_that_fails_ends_it(
    vmferry: Vmferry, world: FakeWorld, store: MemoryStore, three: list[FakeGuest]
) -> None:
    there = guest(world, "there", "beta")
    ran = vmferry("drain", "alpha", "beta", "--reboot-command", "exit 9")
    assert ran.code == 1
    assert "ended with 9" in ran.err
    assert "vmferry undrain alpha --return" in ran.err
    assert "alpha" not in where(world, three)
    assert world.running_on(there) == ("beta",)
    assert {name: each.state for name, each in store.withdrawn().items()} == {"alpha": HostState.MAINTENANCE}


def test_a_rolling_drain_ends_where_a_guest_stays(
    vmferry: Vmferry, world: FakeWorld, three: list[FakeGuest], tmp_path: Path
) -> None:
    seen = tmp_path / "seen"
    world.plan_fault(three[0], CopyFault(CopyEffect.FAILS, at_percent=40), times=3)
    ran = vmferry("drain", "alpha", "beta", "--reboot-command", f"touch {seen}")
    assert ran.code == 5
    assert not seen.exists()


def test_in_a_window(vmferry: Vmferry, world: FakeWorld, three: list[FakeGuest]) -> None:
    assert vmferry("drain", "alpha", "--window", "Saturday").code == 2
    assert where(world, three) == {"alpha"}
    assert vmferry("drain", "alpha", "--window", "00:00-00:00").code == 0
    assert "alpha" not in where(world, three)


def test_keep_spare(vmferry: Vmferry, world: FakeWorld, store: MemoryStore) -> None:
    for name in ("beta", "gamma"):
        world.host(name).memory_bytes = 6 * GIB
    guests = [guest(world, f"g{number}", "alpha", gib=2) for number in range(4)]
    ran = vmferry("drain", "alpha", "--keep-spare")
    assert ran.code == 3
    assert "would have no room elsewhere if that host failed" in ran.err
    assert where(world, guests) == {"alpha"}
    assert dict(store.withdrawn()) == {}


def test_one_that_fails_to_come_back_goes_nowhere_else(
    vmferry: Vmferry, world: FakeWorld, three: list[FakeGuest]
) -> None:
    vmferry("drain", "alpha", "-q")
    there = world.running_on(three[0])
    world.plan_fault(three[0], CopyFault(CopyEffect.FAILS, at_percent=40), times=3)
    ran = vmferry("undrain", "alpha", "--return")
    assert ran.code == 5
    assert world.running_on(three[0]) == there
    assert [
        line for line in ran.err.splitlines() if line.startswith("db: ") and " to " in line and "alpha" not in line
    ] == []


def test_a_plan_sends_nobody_to_a_host_that_is_to_be_emptied_too(vmferry: Vmferry, three: list[FakeGuest]) -> None:
    """Also where that one is empty already, and not marked since it is only looked at."""
    told = json.loads(vmferry("drain", "alpha", "beta", "--dry-run", "-o", "json").out)
    assert {move["to"] for move in told["plan"]["moves"]} == {"gamma"}


def test_two_guests_of_one_name_are_two(vmferry: Vmferry, world: FakeWorld, store: MemoryStore) -> None:
    """One host has room for one of that name only: what became of the one is not said of the other."""
    here, there = guest(world, "same", "alpha"), guest(world, "same", "beta")
    ran = vmferry("drain", "alpha", "beta", "-o", "json")
    assert ran.code == 5
    ends = {(job["source"], job["outcome"]) for job in json.loads(ran.out)["jobs"]}
    assert {outcome for _, outcome in ends} == {"migrated", "refused"}
    gone, stays = (here, there) if ("alpha", "migrated") in ends else (there, here)
    assert where(world, [gone]) == {"gamma"}
    left = {name: each.left for name, each in store.withdrawn().items()}
    assert sorted(left.values()) == [(), (gone.uuid,)]
    assert stays.uuid not in {uuid for each in left.values() for uuid in each}
