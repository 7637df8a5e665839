"""ARP: which card reaches an address, and what is an answer."""

from __future__ import annotations

import ipaddress
import struct

import pytest

from vmferry.hosts.arp import answers, device_of, request, who_replies


def word(address: str) -> str:
    """As the kernel writes it in /proc/net/route."""
    (number,) = struct.unpack("=I", ipaddress.IPv4Address(address).packed)
    return f"{number:08X}"


def routes(*lines: tuple[str, str, str, str]) -> str:
    head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
    return head + "".join(
        f"{device}\t{word(network)}\t{word(gateway)}\t0001\t0\t0\t0\t{word(mask)}\t0\t0\t0\n"
        for device, network, gateway, mask in lines
    )


TABLE = routes(
    ("up0", "0.0.0.0", "10.0.0.1", "0.0.0.0"),
    ("lan0", "10.0.0.0", "0.0.0.0", "255.255.255.0"),
    ("far0", "10.0.0.128", "10.0.0.9", "255.255.255.128"),
    ("one0", "10.0.0.200", "0.0.0.0", "255.255.255.255"),
)


@pytest.mark.parametrize(
    ("address", "device"),
    [("10.0.0.7", "lan0"), ("10.0.0.150", None), ("10.0.0.200", "one0"), ("192.0.2.1", None)],
)
def test_the_card_that_reaches_it_without_a_gateway(address: str, device: str | None) -> None:
    assert device_of(ipaddress.IPv4Address(address), TABLE) == device
    assert device_of(ipaddress.IPv4Address(address), routes()) is None


def test_a_reply_is_one_by_whoever_has_the_address() -> None:
    ours, theirs, mac = b"\x0a\0\0\x01", b"\x0a\0\0\x07", b"\x52\x54\0\0\0\x01"
    asked = request(mac, ours, theirs)
    assert len(asked) == 42
    assert who_replies(asked, theirs) is None
    card = b"\x52\x54\0\0\0\x02"
    reply = mac + card + asked[12:21] + b"\x02" + card + theirs + mac + ours
    assert who_replies(reply, theirs) == card
    assert who_replies(reply, ours) is None
    assert who_replies(reply[:30], theirs) is None


@pytest.mark.parametrize("address", ["2001:db8::1", "no address"])
def test_what_cannot_be_asked_is_not_known(address: str) -> None:
    assert answers(address, ["52:54:00:00:00:01"], 0.01) is None
