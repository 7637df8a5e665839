"""Who is where, over hosts of which some do not answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from vmferry.errors import HostUnreachable, InDoubt, Refused, Unknown, UserError, VmferryError
from vmferry.fakes import FakeConnector, FakeWorld, MemoryStore
from vmferry.fakes.host import FakeConnection
from vmferry.fakes.state import FakeHost
from vmferry.model.guest import GuestState
from vmferry.model.host import HostEntry, HostState
from vmferry.model.migration import JobStats
from vmferry.service.fleet import Fleet
from vmferry.service.inventory import add_host, find_guest, known_hosts, list_guests, list_hosts, remove_host

NAMES = ("alpha", "beta", "gamma")


@pytest.fixture
def world() -> FakeWorld:
    world = FakeWorld()
    for name in NAMES:
        world.add_host(name)
    return world


@pytest.fixture
def store(world: FakeWorld) -> MemoryStore:
    return MemoryStore([host.entry for host in world.hosts.values()])


@pytest.fixture
def hanging(world: FakeWorld) -> Iterator[threading.Event]:
    """gamma does not answer before this is set."""
    world.host("gamma").faults.hangs = event = threading.Event()
    yield event
    event.set()


def fleet(world: FakeWorld, store: MemoryStore, timeout_s: float = 5.0) -> Fleet:
    return Fleet(FakeConnector(world), store.hosts(), timeout_s)


def find(world: FakeWorld, store: MemoryStore, wanted: str) -> tuple[str, str]:
    with fleet(world, store) as hosts:
        found = find_guest(hosts, store, wanted)
    assert found.host.entry.name == found.guest.host
    return found.guest.uuid, found.guest.host


def failure(kind: type[VmferryError], world: FakeWorld, store: MemoryStore, wanted: str) -> str:
    with pytest.raises(kind) as error:
        find(world, store, wanted)
    assert type(error.value) is kind
    return error.value.message


def test_a_host_without_an_answer_is_shown_in_its_place(world: FakeWorld, store: MemoryStore) -> None:
    world.host("beta").faults.unreachable = "no route to host"
    with fleet(world, store) as hosts:
        alpha, beta, gamma = list_hosts(hosts)
    assert [each.state for each in (alpha, beta, gamma)] == [HostState.READY, HostState.UNREACHABLE, HostState.READY]
    assert beta.problem == "host beta cannot be reached: no route to host"
    assert alpha.problem is None
    assert alpha.cpus == 16


def test_a_host_that_hangs_holds_nobody_up(world: FakeWorld, store: MemoryStore, hanging: threading.Event) -> None:
    world.add_guest("web", "alpha")
    with fleet(world, store, timeout_s=0.2) as hosts:
        seen = list_guests(hosts, store)
    assert [guest.name for guest in seen.guests] == ["web"]
    assert list(seen.unreached) == ["gamma"]
    assert "within 0.2 s" in seen.unreached["gamma"].message


def test_a_connection_that_comes_too_late_is_closed(world: FakeWorld, hanging: threading.Event) -> None:
    connector = FakeConnector(world)
    hosts = Fleet(connector, [world.host("gamma").entry])
    hosts.close()
    hanging.set()
    late = hosts.host("gamma")
    assert isinstance(late, FakeConnection)
    assert late.closed


def test_all_connections_are_closed_at_the_end(world: FakeWorld, store: MemoryStore) -> None:
    connector = FakeConnector(world)
    with Fleet(connector, store.hosts()) as hosts:
        list_hosts(hosts)
    assert [each.closed for each in connector.made] == [True] * len(NAMES)


def test_a_bug_in_an_adapter_is_not_taken_for_a_silent_host(world: FakeWorld, store: MemoryStore) -> None:
    with fleet(world, store) as hosts, pytest.raises(ZeroDivisionError):
        hosts.ask(lambda host: 1 // 0)


def test_a_guest_is_found_by_name_and_by_uuid(world: FakeWorld, store: MemoryStore) -> None:
    web = world.add_guest("web", "beta")
    world.add_guest("db", "alpha")
    assert find(world, store, "web") == find(world, store, web.uuid) == (web.uuid, "beta")


def test_what_was_seen_is_remembered(world: FakeWorld, store: MemoryStore) -> None:
    world.add_guest("web", "beta")
    find(world, store, "web")
    assert store.remembered_guests() == {"web": "beta"}


def test_an_unknown_guest(world: FakeWorld, store: MemoryStore) -> None:
    world.add_guest("web1", "alpha")
    assert failure(Unknown, world, store, "web") == (
        "there is no guest 'web' on any host (did you mean web1?); see vmferry guest list"
    )


def test_no_hosts_at_all(world: FakeWorld) -> None:
    assert "no hosts are known yet" in failure(UserError, world, MemoryStore(), "web")


def test_a_guest_that_may_be_on_a_silent_host(world: FakeWorld, store: MemoryStore) -> None:
    world.host("gamma").faults.unreachable = "no route to host"
    message = failure(HostUnreachable, world, store, "web")
    assert "may be on one that did not: gamma" in message


def test_a_guest_is_found_while_another_host_is_silent(world: FakeWorld, store: MemoryStore) -> None:
    web = world.add_guest("web", "alpha")
    world.host("gamma").faults.unreachable = "no route to host"
    assert find(world, store, "web") == (web.uuid, "alpha")


def test_two_guests_of_one_name_need_the_uuid(world: FakeWorld, store: MemoryStore) -> None:
    first, second = world.add_guest("web", "alpha"), world.add_guest("web", "beta", GuestState.SHUT_OFF)
    message = failure(UserError, world, store, "web")
    assert f"{first.uuid} on alpha (running), {second.uuid} on beta (shut-off)" in message
    assert "give the UUID" in message
    assert find(world, store, second.uuid) == (second.uuid, "beta")


def test_a_leftover_definition_does_not_count(world: FakeWorld, store: MemoryStore) -> None:
    web = world.add_guest("web", "alpha")
    world.put(web, "beta", GuestState.SHUT_OFF)
    assert find(world, store, "web") == (web.uuid, "alpha")


def test_a_guest_that_runs_twice_is_in_doubt(world: FakeWorld, store: MemoryStore) -> None:
    web = world.add_guest("web", "alpha")
    world.put(web, "beta", GuestState.RUNNING)
    assert "active on more than one host" in failure(InDoubt, world, store, "web")


def test_a_guest_that_is_being_migrated_is_no_guest_that_runs_twice(world: FakeWorld, store: MemoryStore) -> None:
    web = world.add_guest("web", "alpha")
    world.put(web, "beta", GuestState.PAUSED, persistent=False)
    world.host("alpha").jobs[web.uuid] = JobStats(1, 2, 1, 1)
    assert failure(Refused, world, store, "web") == ("guest web is being migrated from alpha to beta; wait for its end")


def test_nobody_is_told_to_stop_a_copy_while_a_job_is_not_ruled_out(world: FakeWorld, store: MemoryStore) -> None:
    web = world.add_guest("web", "alpha")
    world.put(web, "beta", GuestState.PAUSED, persistent=False)
    world.host("alpha").faults.refuses["job_stats"] = "cannot acquire state change lock"
    message = failure(InDoubt, world, store, "web")
    assert "alpha does not say whether it is being migrated" in message
    assert "stop one" not in message


def test_a_migration_that_ended_while_it_was_looked_for(
    world: FakeWorld, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = world.add_guest("web", "alpha")
    world.put(web, "beta", GuestState.RUNNING)
    here = FakeConnection.job_stats

    def arrive(self: FakeConnection, uuid: str) -> JobStats | None:
        world.host("alpha").active.pop(uuid, None)
        return here(self, uuid)

    monkeypatch.setattr(FakeConnection, "job_stats", arrive)
    assert find(world, store, "web") == (web.uuid, "beta")


@pytest.mark.parametrize("state", [GuestState.RUNNING, GuestState.SHUT_OFF])
def test_one_host_under_two_names_is_no_second_copy(
    world: FakeWorld, store: MemoryStore, monkeypatch: pytest.MonkeyPatch, state: GuestState
) -> None:
    web = world.add_guest("web", "alpha", state)
    world.put(web, "beta", state)
    facts = FakeHost.facts
    monkeypatch.setattr(FakeHost, "facts", lambda host, known: replace(facts(host, known), host_uuid="u"))
    message = failure(UserError, world, store, "web")
    assert "hosts alpha and beta are one host (UUID u)" in message
    assert "stop" not in message
    assert "undefine" not in message


def test_a_shut_off_guest_defined_twice(world: FakeWorld, store: MemoryStore) -> None:
    web = world.add_guest("web", "alpha", GuestState.SHUT_OFF)
    world.put(web, "beta", GuestState.SHUT_OFF)
    assert "defined on more than one host" in failure(UserError, world, store, "web")


def test_the_file_has_the_last_word_on_a_host(world: FakeWorld, store: MemoryStore) -> None:
    declared = HostEntry("beta", "qemu+tls://elsewhere/system")
    entries = known_hosts([declared], store)
    assert [entry.name for entry in entries] == ["beta", "alpha", "gamma"]
    assert entries[0] is declared


def test_a_host_of_the_file_is_not_in_the_fleet_twice(world: FakeWorld, store: MemoryStore) -> None:
    declared = HostEntry("b", world.host("beta").entry.uri)
    assert [entry.name for entry in known_hosts([declared], store)] == ["b", "alpha", "gamma"]


BAD_ENTRIES = [
    HostEntry("a;reboot", "qemu:///system"),
    HostEntry("$(reboot)", "qemu:///system"),
    HostEntry("-o", "qemu:///system"),
    HostEntry("..", "qemu:///system"),
    HostEntry("a/b", "qemu:///system"),
    HostEntry("a\nb", "qemu:///system"),
    HostEntry("", "qemu:///system"),
    HostEntry("a" * 64, "qemu:///system"),
    HostEntry("delta", "qemu+ssh://root@h/system?command=`reboot`"),
    HostEntry("delta", "qemu+ssh://h;reboot/system"),
    HostEntry("delta", "qemu+ssh://-oProxyCommand=x/system"),
    HostEntry("delta", "qemu+ssh:///system"),
    HostEntry("delta", "qemu+ssh://h:99999/system"),
    HostEntry("delta", "qemu+ext://h/system"),
    HostEntry("delta", "http://h/system"),
    HostEntry("delta", "h"),
    HostEntry("delta", "qemu+ssh://h/system\n"),
    HostEntry("delta", "qemu:///system", peer_uri="qemu+ssh://$HOME/system"),
    HostEntry("delta", "qemu:///system", migration_address="10.0.0.1;reboot"),
    HostEntry("delta", "qemu:///system", migration_address="-h"),
]


@pytest.mark.parametrize("entry", BAD_ENTRIES, ids=lambda entry: ascii(entry.name + " " + entry.uri))
def test_what_no_entry_may_be(store: MemoryStore, entry: HostEntry) -> None:
    before = store.hosts()
    with pytest.raises(UserError, match="cannot be used") as error:
        add_host(entry, (), store)
    assert "\n" not in error.value.message
    assert store.hosts() == before


GOOD_ENTRIES = [
    HostEntry(
        "delta.example-1_x", "qemu+ssh://root@delta:2222/system?command=/run/x/ssh&no_tty=1", "qemu+tls://d/system"
    ),
    HostEntry("d", "qemu+ssh://[fe80::1%25eth0]/system", migration_address="fd00::1"),
    HostEntry("d", "qemu:///system", migration_address="d-mig.example"),
    HostEntry("d", "qemu+unix:///system?socket=/run/libvirt/libvirt-sock"),
]


@pytest.mark.parametrize("entry", GOOD_ENTRIES, ids=lambda entry: entry.uri)
def test_what_an_entry_may_be(store: MemoryStore, entry: HostEntry) -> None:
    add_host(entry, (), store)
    assert entry in store.hosts()


def test_a_host_has_one_name(store: MemoryStore) -> None:
    with pytest.raises(UserError, match="already known as host alpha"):
        add_host(HostEntry("delta", "qemu+ssh://root@alpha/system"), (), store)


def test_a_name_in_the_file_is_taken(store: MemoryStore) -> None:
    with pytest.raises(UserError, match="there is a host delta already"):
        add_host(HostEntry("delta", "qemu:///system"), [HostEntry("delta", "test:///default")], store)


def test_a_declared_host_is_removed_in_the_file(store: MemoryStore) -> None:
    with pytest.raises(UserError, match="declared in the configuration file"):
        remove_host("alpha", [HostEntry("alpha", "qemu:///system")], store)
    assert len(store.hosts()) == len(NAMES)
