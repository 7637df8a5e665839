"""balance as it is typed, over in-memory hosts: words, JSON, exit codes, the question, rest after it, bad input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vmferry.fakes import FakeGuest, FakeWorld, MemoryStore
from vmferry.model.guest import Disk, GuestState, Nic

from .conftest import Vmferry

GIB = 1 << 30


def guest(world: FakeWorld, name: str, host: str, gib: float = 8, cpus_used: float = 1.0) -> FakeGuest:
    disk = Disk("vda", "disk", "file", f"/srv/shared/{name}.img", "raw", "none")
    nic = Nic(f"52:54:00:00:00:{len(world.guests):02x}", "network", "lab")
    memory = int(gib * GIB)
    return world.add_guest(name, host, memory_bytes=memory, cpus_used=cpus_used, disks=(disk,), nics=(nic,), vcpus=2)


@pytest.fixture
def uneven(world: FakeWorld) -> list[FakeGuest]:
    return [guest(world, name, "alpha") for name in ("db", "mail", "web")]


def where(world: FakeWorld, guests: list[FakeGuest]) -> list[str]:
    return sorted(host for each in guests for host in world.running_on(each))


def test_the_plan_alone(vmferry: Vmferry, world: FakeWorld, uneven: list[FakeGuest]) -> None:
    ran = vmferry("balance", "--dry-run", "-o", "json")
    assert ran.code == 0, ran.err
    told = json.loads(ran.out)
    assert set(told["plan"]) >= {"feasible", "unplaceable", "moves", "makespan_s", "bound_s"}
    assert told["plan"]["score_before"] > told["plan"]["score_after"]
    assert told["plan"]["cost_s"] > 0
    assert len(told["plan"]["moves"]) == 2
    assert all(move["reason"] and move["gain"] > 0 for move in told["plan"]["moves"])
    assert told["jobs"] == []
    assert where(world, uneven) == ["alpha"] * 3


def test_it_is_carried_out_and_then_rests(vmferry: Vmferry, world: FakeWorld, uneven: list[FakeGuest]) -> None:
    ran = vmferry("balance", "--yes", "-o", "json")
    assert ran.code == 0, ran.err
    assert [job["outcome"] for job in json.loads(ran.out)["jobs"]] == ["migrated"] * 2
    assert where(world, uneven) == ["alpha", "beta", "gamma"]
    again = vmferry("balance", "--yes")
    assert again.code == 0
    assert "no move is worth its price" in again.out


def test_in_words(vmferry: Vmferry, uneven: list[FakeGuest]) -> None:
    plan = vmferry("balance", "--dry-run")
    assert ": alpha to " in plan.out
    assert "alpha would have " in plan.out
    assert "score " in plan.out
    done = vmferry("balance", "--yes")
    assert ": on " in done.out
    assert "alpha would have " in done.err


def test_without_a_terminal_to_ask_on_nothing_moves(
    vmferry: Vmferry, world: FakeWorld, uneven: list[FakeGuest]
) -> None:
    ran = vmferry("balance")
    assert ran.code == 2
    assert "nothing was changed on the fleet" in ran.err
    assert where(world, uneven) == ["alpha"] * 3


def test_automatic_by_configuration(
    vmferry: Vmferry, world: FakeWorld, uneven: list[FakeGuest], tmp_path: Path
) -> None:
    config = tmp_path / "automatic.toml"
    config.write_text("[balance]\nautomatic = true\nmax_moves = 1\n")
    ran = vmferry("--config", str(config), "balance")
    assert ran.code == 0, ran.err
    assert where(world, uneven)[:2] == ["alpha"] * 2
    assert where(world, uneven)[2] != "alpha"


def test_what_guests_really_use_counts(vmferry: Vmferry, world: FakeWorld) -> None:
    busy = [guest(world, f"busy{number}", "alpha", cpus_used=5.0) for number in range(2)]
    idle = [guest(world, f"idle{number}", host, cpus_used=0.0) for number in range(2) for host in ("beta", "gamma")]
    assert vmferry("balance", "--yes").code == 0
    assert len(set(where(world, busy))) == 2
    assert len(where(world, idle)) == 4


def test_a_guest_that_was_moved_lately_stays(vmferry: Vmferry, world: FakeWorld, uneven: list[FakeGuest]) -> None:
    for name in ("db", "mail"):
        assert vmferry("migrate", name, "--to", "beta").code == 0
        assert vmferry("migrate", name, "--to", "alpha").code == 0
    ran = vmferry("balance", "--dry-run", "-o", "json")
    plan = json.loads(ran.out)["plan"]
    assert [move["guest"] for move in plan["moves"]] == ["web"]
    assert {each["guest"] for each in plan["held"]} == {"db", "mail"}
    assert "stays: db: it was moved within the last" in vmferry("balance", "--dry-run").out


def test_a_drained_host_gets_nothing(vmferry: Vmferry, world: FakeWorld, uneven: list[FakeGuest]) -> None:
    assert vmferry("drain", "gamma").code == 0
    assert vmferry("balance", "--yes").code == 0
    assert set(where(world, uneven)) == {"alpha", "beta"}
    assert "left out: gamma: it is maintenance" in vmferry("balance", "--dry-run").out


def test_a_host_that_does_not_say_how_much_its_guests_use(
    vmferry: Vmferry, world: FakeWorld, uneven: list[FakeGuest]
) -> None:
    world.hosts["alpha"].faults.unknown.add("cpu_seconds")
    ran = vmferry("balance", "--yes")
    assert "alpha did not tell how much CPU it uses" in ran.out
    assert where(world, uneven) == ["alpha"] * 3


def test_consolidate(vmferry: Vmferry, world: FakeWorld) -> None:
    guests = [guest(world, name, host) for name, host in (("db", "alpha"), ("mail", "beta"), ("web", "gamma"))]
    ran = vmferry("balance", "--mode", "consolidate", "--yes", "-o", "json")
    assert ran.code == 0, ran.err
    assert len(set(where(world, guests))) == 1
    plan = json.loads(ran.out)["plan"]
    assert (round(plan["score_before"]), round(plan["score_after"])) == (100, 33)


def test_guests_that_are_off_stay(vmferry: Vmferry, world: FakeWorld) -> None:
    for number in range(4):
        disk = Disk("vda", "disk", "file", f"/srv/shared/off{number}.img", "raw", "none")
        world.add_guest(f"off{number}", "alpha", GuestState.SHUT_OFF, memory_bytes=16 * GIB, disks=(disk,))
    assert "no move is worth its price" in vmferry("balance", "--yes").out


def test_one_host(vmferry: Vmferry, store: MemoryStore, world: FakeWorld) -> None:
    for name in ("beta", "gamma"):
        assert vmferry("host", "remove", name).code == 0
    ran = vmferry("balance", "--yes")
    assert ran.code == 2
    assert "only one host" in ran.err


@pytest.mark.parametrize(
    "arguments",
    [("--eagerness", "0"), ("--max-moves", "0"), ("--sample", "0.1"), ("--mode", "chaos"), ("--parallel", "-1")],
)
def test_what_makes_no_sense(vmferry: Vmferry, arguments: tuple[str, ...]) -> None:
    assert vmferry("balance", *arguments).code == 2


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("eagerness = 9", "balance.eagerness"),
        ("memory = 0\ncpu = 0\nvcpus = 0", "all have no weight"),
        ('mode = "odd"', "balance.mode"),
        ("cpu_ceiling = 1.5", "balance.cpu_ceiling"),
    ],
)
def test_a_configuration_that_makes_no_sense(vmferry: Vmferry, tmp_path: Path, line: str, words: str) -> None:
    config = tmp_path / "wrong.toml"
    config.write_text(f"[balance]\n{line}\n")
    ran = vmferry("--config", str(config), "balance")
    assert ran.code == 2
    assert words in ran.err
