"""`vmferry host` and `vmferry guest` as somebody types them: text, exit code, and what is changed by it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from vmferry.fakes import FakeWorld, MemoryStore
from vmferry.model.guest import Disk, GuestState, Nic

Vmferry = Callable[..., Any]

HOST_KEYS = {"name", "uri", "state", "release", "libvirt", "qemu", "memory_bytes", "cpus", "guests"}
GUEST_KEYS = {"name", "uuid", "host", "state", "memory_bytes", "vcpus", "disks", "nics"}


def document(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    assert found["schema"] == "vmferry/1"
    return found


def test_the_contracts_host_list(vmferry: Vmferry, world: FakeWorld) -> None:
    world.add_guest("web", "alpha")
    ran = vmferry("host", "list", "-o", "json")
    hosts = document(ran.out)["hosts"]
    assert (ran.code, ran.err) == (0, "")
    assert [host["name"] for host in hosts] == ["alpha", "beta", "gamma"]
    assert hosts[0].keys() >= HOST_KEYS
    assert (hosts[0]["state"], hosts[0]["guests"], hosts[0]["memory_bytes"]) == ("ready", 1, 64 << 30)


def test_the_contracts_guest_list(vmferry: Vmferry, world: FakeWorld) -> None:
    disk = Disk("vda", "disk", "file", "/srv/shared/web.img", "raw")
    world.add_guest("web", "beta", disks=(disk,), nics=(Nic("52:54:00:00:00:01", "network", "lab"),))
    world.add_guest("db", "alpha", GuestState.SHUT_OFF)
    guests = document(vmferry("guest", "list", "-o", "json").out)["guests"]
    assert [(guest["name"], guest["host"], guest["state"]) for guest in guests] == [
        ("db", "alpha", "shut-off"),
        ("web", "beta", "running"),
    ]
    assert guests[1].keys() >= GUEST_KEYS
    assert guests[1]["disks"][0]["source"] == "/srv/shared/web.img"


def test_yaml_says_the_same_as_json(vmferry: Vmferry) -> None:
    assert yaml.safe_load(vmferry("host", "list", "-o", "yaml").out) == document(vmferry("host", "list", "-ojson").out)


def test_a_table_for_people(vmferry: Vmferry) -> None:
    lines = vmferry("host", "list").out.splitlines()
    assert lines[0].split() == ["NAME", "STATE", "GUESTS", "CPUS", "MEMORY", "LIBVIRT", "QEMU"]
    assert lines[1].split() == ["alpha", "ready", "0", "16", "64.0", "GiB", "12.0.0", "10.0.2"]
    assert vmferry("host", "list", "-o", "wide").out.splitlines()[0].endswith("URI")


@pytest.mark.parametrize("arguments", [("-o", "json", "host", "list"), ("host", "-o", "json", "list")])
def test_shared_options_stand_anywhere(vmferry: Vmferry, arguments: tuple[str, ...]) -> None:
    assert document(vmferry(*arguments).out)["hosts"]


def test_the_option_nearest_to_the_command_counts(vmferry: Vmferry) -> None:
    assert vmferry("-o", "json", "host", "list", "-o", "table").out.startswith("NAME")


def test_the_environment_gives_options(vmferry: Vmferry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VMFERRY_OUTPUT", "json")
    assert document(vmferry("host", "list").out)["hosts"]


def test_an_unreachable_host_is_listed_with_its_reason(vmferry: Vmferry, world: FakeWorld) -> None:
    world.host("beta").faults.unreachable = "it refuses the ssh key of root"
    ran = vmferry("host", "list", "-o", "json")
    assert ran.code == 0
    assert [host["state"] for host in document(ran.out)["hosts"]] == ["ready", "unreachable", "ready"]
    assert "it refuses the ssh key of root" in ran.err
    assert vmferry("host", "list", "-q").err == ""


def test_host_show_of_one_that_does_not_answer(vmferry: Vmferry, world: FakeWorld) -> None:
    world.host("beta").faults.unreachable = "no route to host"
    ran = vmferry("host", "show", "beta", "-o", "json")
    assert (ran.code, document(ran.out)["hosts"][0]["state"]) == (7, "unreachable")


def test_guest_list_goes_on_without_a_silent_host(vmferry: Vmferry, world: FakeWorld) -> None:
    world.add_guest("web", "alpha")
    world.host("beta").faults.unreachable = "no route to host"
    ran = vmferry("guest", "list", "-o", "json")
    assert (ran.code, [each["host"] for each in document(ran.out)["unreachable"]]) == (0, ["beta"])


def test_guest_list_where_nobody_answers(vmferry: Vmferry, world: FakeWorld) -> None:
    for host in world.hosts.values():
        host.faults.unreachable = "no route to host"
    ran = vmferry("guest", "list")
    assert (ran.code, ran.out) == (7, "")
    assert ran.err.splitlines() == [
        "vmferry: none of the 3 hosts answered; mend one of them",
        *(f"    host {name} cannot be reached: no route to host" for name in world.hosts),
    ]


def test_guest_list_where_the_only_host_refuses(vmferry: Vmferry, world: FakeWorld, store: MemoryStore) -> None:
    for name in ("beta", "gamma"):
        store.remove_host(name)
    world.host("alpha").faults.unreachable = "it refuses the ssh key of root"
    world.host("alpha").faults.detail = "Permission denied (publickey)"
    ran = vmferry("guest", "list")
    assert (ran.code, ran.out) == (7, "")
    assert ran.err == (
        "vmferry: host alpha cannot be reached: it refuses the ssh key of root\n    Permission denied (publickey)\n"
    )


def test_add_show_and_remove_a_host(vmferry: Vmferry, world: FakeWorld, store: MemoryStore) -> None:
    world.add_host("delta")
    address = ("--peer-uri", "qemu+tls://delta.lan/system", "--migration-address", "10.1.0.4")
    added = vmferry("host", "add", "delta", "qemu+ssh://root@delta/system", *address, "-o", "json")
    assert (added.code, document(added.out)["hosts"][0]["state"]) == (0, "ready")
    entry = next(each for each in store.hosts() if each.name == "delta")
    assert (entry.peer_uri, entry.migration_address) == ("qemu+tls://delta.lan/system", "10.1.0.4")
    assert vmferry("host", "show", "delta").code == 0
    removed = vmferry("host", "remove", "delta", "-o", "json")
    assert (removed.code, document(removed.out)["removed"]) == (0, ["delta"])
    assert "delta" not in {each.name for each in store.hosts()}


def test_a_host_that_does_not_answer_yet_can_be_added(vmferry: Vmferry, store: MemoryStore) -> None:
    ran = vmferry("host", "add", "delta", "qemu+ssh://root@delta/system")
    assert ran.code == 0
    assert "host delta is added" in ran.err
    assert "its name does not resolve" in ran.err
    assert "delta" in {each.name for each in store.hosts()}


def test_guest_show_tells_disks_and_cards(vmferry: Vmferry, world: FakeWorld) -> None:
    disk = Disk("vda", "disk", "file", "/srv/shared/web.img", "raw")
    web = world.add_guest("web", "beta", disks=(disk,), nics=(Nic("52:54:00:00:00:01", "network", "lab"),))
    shown = vmferry("guest", "show", web.uuid).out
    assert "/srv/shared/web.img" in shown
    assert "52:54:00:00:00:01" in shown


def test_names_from_hosts_cannot_move_the_cursor(vmferry: Vmferry, world: FakeWorld) -> None:
    world.add_guest("evil\x1b[2J\u202e\n", "alpha")
    shown = vmferry("guest", "list").out
    assert "evil?[2J??" in shown
    assert "\x1b" not in shown


BAD_INPUT = [
    (("guest", "show", "nobody"), 2, "there is no guest 'nobody' on any host; see vmferry guest list"),
    (("host", "show", "alpa"), 2, "there is no host 'alpa' (did you mean alpha?); see vmferry host list"),
    (("host", "remove", "zulu"), 2, "there is no host 'zulu'; see vmferry host list"),
    (("host", "show", "alpha; reboot"), 2, "there is no host 'alpha; reboot'; see vmferry host list"),
    (("host", "add", "a;reboot", "qemu:///system"), 2, "name 'a;reboot' cannot be used"),
    (("host", "add", "delta", "qemu+ssh://$(reboot)/system"), 2, "uri 'qemu+ssh://$(reboot)/system' cannot be used"),
    (("host", "add", "alpha", "qemu:///system"), 2, "there is a host alpha already"),
    (("host", "add", "delta"), 2, "Missing argument 'URI'; see vmferry host add --help"),
    (("host", "list", "--timeout", "0"), 2, "Invalid value for '--timeout'"),
    (("host", "list", "-o", "xml"), 2, "Invalid value for '-o' / '--output'"),
    (("fly",), 2, "No such command 'fly'"),
    (("host", "list", "--config", "/nowhere.toml"), 2, "cannot read /nowhere.toml: No such file or directory"),
]


@pytest.mark.parametrize(("arguments", "code", "text"), BAD_INPUT, ids=lambda value: ascii(value))
def test_bad_input_is_one_clear_line(
    vmferry: Vmferry, store: MemoryStore, arguments: tuple[str, ...], code: int, text: str
) -> None:
    before = store.hosts()
    ran = vmferry(*arguments)
    assert (ran.code, ran.out) == (code, "")
    assert ran.err.startswith(f"vmferry: {text}")
    assert ran.err.count("\n") == 1
    assert store.hosts() == before


def test_a_name_on_two_hosts_asks_for_the_uuid(vmferry: Vmferry, world: FakeWorld) -> None:
    first, second = world.add_guest("web", "alpha"), world.add_guest("web", "beta")
    ran = vmferry("guest", "show", "web")
    assert (ran.code, ran.out) == (2, "")
    assert first.uuid in ran.err
    assert second.uuid in ran.err
    assert vmferry("guest", "show", second.uuid, "-o", "json").code == 0


def test_a_guest_that_may_be_on_a_silent_host(vmferry: Vmferry, world: FakeWorld) -> None:
    world.host("beta").faults.unreachable, world.host("beta").faults.detail = (
        "refused key",
        "Permission denied (publickey)",
    )
    ran = vmferry("guest", "show", "web")
    assert ran.code == 7
    assert ran.err.splitlines()[1] == "    Permission denied (publickey)"
