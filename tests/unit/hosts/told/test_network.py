"""Links and addresses as `ip` prints them, of old and new releases; odd lines are passed over."""

from __future__ import annotations

import pytest

from vmferry.facts.network import Address, Link, NetworkFacts
from vmferry.hosts.told.network import read_network

TAIL = "promiscuity 0 minmtu 68 maxmtu 65535 addrgenmode eui64 numtxqueues 1 numrxqueues 1 \\"
LINKS = (
    "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN mode DEFAULT group default qlen 1000\\"
    "    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00 promiscuity 0 ",
    "2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 9000 qdisc mq master br0 state UP mode DEFAULT group default\\"
    "    link/ether 52:54:00:AA:BB:01 brd ff:ff:ff:ff:ff:ff promiscuity 1 \\    bridge_slave state forwarding id 5",
    "3: bond0: <NO-CARRIER,BROADCAST,MULTICAST,MASTER,UP> mtu 1500 qdisc noqueue state DOWN\\"
    f"    link/ether 52:54:00:aa:bb:02 brd ff:ff:ff:ff:ff:ff {TAIL}    bond mode 802.3ad miimon 100 ",
    "4: bond0.100@bond0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master br100 state UP\\"
    f"    link/ether 52:54:00:aa:bb:02 brd ff:ff:ff:ff:ff:ff {TAIL}    vlan protocol 802.1Q id 100 <REORDER_HDR> \\"
    "    bridge_slave state forwarding",
    "5: br100: <BROADCAST,MULTICAST> mtu 1500 qdisc noop state DOWN\\"
    f"    link/ether 52:54:00:aa:bb:03 brd ff:ff:ff:ff:ff:ff {TAIL}    bridge forward_delay 1500 vlan_filtering 1 x 0",
    "6: veth1@if7: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP\\"
    "    link/ether 52:54:00:aa:bb:04 brd ff:ff:ff:ff:ff:ff link-netnsid 0 promiscuity 0 \\    veth ",
    "7: macvtap0@eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc fq_codel state UP\\"
    f"    link/ether 52:54:00:aa:bb:05 brd ff:ff:ff:ff:ff:ff {TAIL}    macvtap mode bridge ",
    "8: ovs-system: <BROADCAST,MULTICAST> mtu 1500 qdisc noop state DOWN\\"
    f"    link/ether 52:54:00:aa:bb:06 brd ff:ff:ff:ff:ff:ff {TAIL}    openvswitch ",
)
ADDRESSES = (
    "1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever",
    "2: eth0    inet 10.0.0.1 peer 10.0.0.2/32 scope global eth0\\       valid_lft forever",
    "4: bond0.100    inet6 fe80::1/64 scope link \\       valid_lft forever preferred_lft forever",
    "5: br100@x    inet6 2001:db8::7/48 scope global \\       valid_lft forever preferred_lft forever",
)


def told() -> NetworkFacts:
    return read_network({"links": LINKS, "addresses": ADDRESSES, "ovs": ("br-int", "")})


def test_links() -> None:
    assert told().links == (
        Link("lo", mtu=65536),
        Link("eth0", mtu=9000, mac="52:54:00:aa:bb:01", master="br0"),
        Link("bond0", "bond", 1500, "52:54:00:aa:bb:02", carrier=False),
        Link("bond0.100", "vlan", 1500, "52:54:00:aa:bb:02", master="br100", below="bond0", vlan=100),
        Link("br100", "bridge", 1500, "52:54:00:aa:bb:03", up=False, carrier=False, vlan_filtering=True),
        Link("veth1", "veth", 1500, "52:54:00:aa:bb:04"),
        Link("macvtap0", "macvtap", 1500, "52:54:00:aa:bb:05", below="eth0"),
        Link("ovs-system", "openvswitch", 1500, "52:54:00:aa:bb:06", up=False, carrier=False),
    )


def test_addresses() -> None:
    found = told().addresses
    assert found == (
        Address("lo", "127.0.0.1", 8),
        Address("eth0", "10.0.0.1", 32),
        Address("bond0.100", "fe80::1", 64),
        Address("br100", "2001:db8::7", 48),
    )
    assert [each.link_local for each in found] == [False, False, True, False]


def test_what_follows_from_them() -> None:
    network = told()
    assert network.bridges == {"br100", "br-int"}
    assert network.vlan_of("br100") == {100}
    assert [port.name for port in network.ports("br0")] == ["eth0"]
    assert network.link("nobody") is None


@pytest.mark.parametrize(
    "line",
    [
        "",
        "3:",
        "2: eth0",
        "x: eth0: <UP> mtu 1500",
        "9: eth0: <UP> mtu",
        "9: eth0: <UP> mtu 99999999999999999999 master",
        "9: eth0: <> mtu -1\\\\  \\ \\ vlan id",
        "9: eth0: <UP> mtu 1500\\    link/ether",
        "\x00\xff\x1b[31m",
    ],
)
def test_odd_lines_raise_nothing(line: str) -> None:
    read_network({"links": [line], "addresses": [line, "1: eth0 inet 300.1.1.1/99 x"], "ovs": [line]})


def test_what_was_not_told_is_not_known() -> None:
    assert read_network({}) == NetworkFacts()
    assert read_network({"links": (), "addresses": ()}).links is None
