"""What is tried between two hosts, made of what is known of both."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vmferry.facts.conf import ConfFile, Setting
from vmferry.facts.host import HostFacts, Network
from vmferry.facts.network import Address, Link, NetworkFacts
from vmferry.facts.path import NeighbourPlan, Port, PortPlan
from vmferry.facts.system import SystemFacts
from vmferry.model.guest import Nic
from vmferry.service.path_plan import plan_path

LAB = Network("lab", True, True, "bridge", "br0")
NAT = Network("default", True, True, "nat", "virbr0")
NIC = Nic("52:54:00:00:00:01", "network", "lab")


def host(number: int, *more: Address) -> HostFacts:
    links = (
        Link("br0", "bridge", 1500, f"02:00:00:00:00:0{number}"),
        Link("virbr0", "bridge", 1500, "52:54:00:00:00:ff"),
    )
    addresses = (Address("br0", f"10.0.0.{number}", 24), Address("virbr0", "192.168.122.1", 24), *more)
    return HostFacts(
        name=f"h{number}",
        peer_uri=f"qemu+ssh://root@h{number}/system",
        hostname=f"h{number}.example.org",
        networks=(LAB, NAT),
        network=NetworkFacts(links, addresses),
    )


SOURCE, TARGET = host(1), host(2)


def test_libvirt_and_the_data_each_by_its_name() -> None:
    plan = plan_path(SOURCE, TARGET)
    assert plan.target == "h2"
    assert plan.names == ("h2", "h2.example.org")
    assert plan.ports == (
        PortPlan(Port.LIBVIRT, "h2", 22),
        PortPlan(Port.MIGRATION, "h2.example.org", 49215),
        PortPlan(Port.MIGRATION, "h2.example.org", 49183),
    )
    assert plan.last_resort == PortPlan(Port.MIGRATION, "h2.example.org", 49152), "where a QEMU may wait for its guest"
    assert plan.peer_uri == "qemu+ssh://root@h2/system"


def test_an_address_is_not_looked_up() -> None:
    plan = plan_path(SOURCE, replace(TARGET, migration_address="10.1.0.2"))
    assert plan.names == ("h2",)
    assert {port.host for port in plan.ports} == {"h2", "10.1.0.2"}


def test_the_settings_of_the_target_count() -> None:
    settings = (Setting("migration_host", "far", 1), Setting("migration_port_min", 50000, 2))
    conf = ConfFile("/etc/libvirt/qemu.conf", (*settings, Setting("migration_port_max", 50000, 3)))
    plan = plan_path(SOURCE, replace(TARGET, system=SystemFacts(confs=(conf,))))
    assert plan.names == ("h2", "far")
    assert [port for port in plan.ports if port.use is Port.MIGRATION] == [PortPlan(Port.MIGRATION, "far", 50000)]


@pytest.mark.parametrize(
    ("uri", "port"),
    [
        ("qemu+ssh://h2:2222/system", 2222),
        ("qemu+tls://h2/system", 16514),
        ("qemu://h2/system", 16514),
        ("qemu+tcp://h2/system", 16509),
    ],
)
def test_the_port_of_a_transport(uri: str, port: int) -> None:
    assert plan_path(SOURCE, replace(TARGET, peer_uri=uri)).ports[0] == PortPlan(Port.LIBVIRT, "h2", port)


@pytest.mark.parametrize("uri", [None, "qemu:///system", "qemu+unix:///system?socket=/run/x"])
def test_a_uri_that_names_no_host_is_not_tried(uri: str | None) -> None:
    plan = plan_path(SOURCE, replace(TARGET, peer_uri=uri))
    assert plan.peer_uri is None
    assert Port.LIBVIRT not in {port.use for port in plan.ports}


@pytest.mark.parametrize("name", ["-n", "$(reboot)", "a b", "h2\nunmark", "h2;reboot", "x" * 300])
def test_what_no_shell_should_be_given_is_left_out(name: str) -> None:
    plan = plan_path(SOURCE, replace(TARGET, hostname=name, peer_uri=f"qemu+ssh://root@{name}/system"))
    assert plan.names == ()
    assert plan.ports == ()
    assert plan.peer_uri is None


def test_a_neighbour_on_the_guests_own_segment() -> None:
    plan = plan_path(SOURCE, TARGET, [NIC, NIC])
    assert plan.neighbours == (NeighbourPlan("br0", "10.0.0.2", "br0", "02:00:00:00:00:02"),)


def test_one_address_of_each_family() -> None:
    here, there = host(1, Address("br0", "fe80::1", 64)), host(2, Address("br0", "fe80::2", 64))
    assert [each.address for each in plan_path(here, there, [NIC]).neighbours] == ["10.0.0.2", "fe80::2"]


@pytest.mark.parametrize(
    ("nic", "target"),
    [
        (Nic("", "network", "default"), TARGET),
        (Nic("", "network", "lab"), replace(TARGET, networks=())),
        (Nic("", "network", "lab"), replace(TARGET, network=None)),
        (Nic("", "bridge", "virbr0"), TARGET),
        (Nic("", "bridge", "br9"), TARGET),
        (Nic("", "user", None), TARGET),
    ],
    ids=[
        "behind NAT",
        "no network there",
        "no shell there",
        "the same address on both",
        "no bridge",
        "no network at all",
    ],
)
def test_no_frame_where_none_could_prove_anything(nic: Nic, target: HostFacts) -> None:
    assert plan_path(SOURCE, target, [nic]).neighbours == ()


def test_addresses_that_cannot_meet_are_not_tried() -> None:
    network = TARGET.network
    assert network is not None
    moved = replace(network, addresses=(Address("br0", "10.9.9.9", 24),))
    assert plan_path(SOURCE, replace(TARGET, network=moved), [NIC]).neighbours == ()


def test_a_link_of_a_hostile_name_is_not_asked_about() -> None:
    assert plan_path(SOURCE, TARGET, [Nic("", "bridge", "br0 ;x")]).neighbours == ()
