"""Which card has an address on our own network, asked by ARP (RFC 826): a firewall in a guest does not hide it."""

from __future__ import annotations

import ipaddress
import select
import socket
import struct
import time
from collections.abc import Collection
from pathlib import Path

ROUTES = Path("/proc/net/route")
AGAIN_S = 0.2
_PROTOCOL = 0x0806
_ETHERNET, _IPV4, _REQUEST, _REPLY = 1, 0x0800, 1, 2
_PACKET = struct.Struct("!HHBBH6s4s6s4s")
_BROADCAST, _NOBODY = b"\xff" * 6, b"\0" * 6
_ETHERNET_HEADER = 14


def answers(address: str, macs: Collection[str], timeout_s: float) -> bool | None:
    """Whether one of these cards says that it has it. Routers may answer for others, by their own card.

    None where it cannot be asked: it is not on a network of ours, no IPv4 address, or we are not allowed to.
    """
    try:
        wanted = ipaddress.IPv4Address(address)
        device = device_of(wanted, ROUTES.read_text())
        if device is None:
            return None
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_PROTOCOL)) as wire:
            wire.bind((device, _PROTOCOL))
            return _asked(wire, wanted, {bytes.fromhex(mac.replace(":", "")) for mac in macs}, timeout_s)
    except (OSError, ValueError):
        return None


def device_of(address: ipaddress.IPv4Address, routes: str) -> str | None:
    """The network card that reaches it without a gateway; `routes` as /proc/net/route has them."""
    found: list[tuple[int, str]] = []
    for line in routes.splitlines()[1:]:
        device, network, gateway, *rest = line.split()
        mask = rest[4]
        number, bits = _number(network), _number(mask)
        if int(address) & bits == number:
            found.append((bits, "" if _number(gateway) else device))
    return max(found, default=(0, ""))[1] or None


def _number(word: str) -> int:
    """Of eight hexadecimal digits, in the byte order of this machine, as the kernel writes them."""
    return int.from_bytes(struct.pack("=I", int(word, 16)), "big")


def _asked(wire: socket.socket, wanted: ipaddress.IPv4Address, cards: Collection[bytes], timeout_s: float) -> bool:
    mac: bytes = wire.getsockname()[4]
    deadline = time.monotonic() + timeout_s
    while (left_s := deadline - time.monotonic()) > 0:
        wire.send(request(mac, _our_address(wanted), wanted.packed))
        until_s = time.monotonic() + min(AGAIN_S, left_s)
        while select.select([wire], [], [], max(0.0, until_s - time.monotonic()))[0]:
            if who_replies(wire.recv(2048), wanted.packed) in cards:
                return True
    return False


def _our_address(wanted: ipaddress.IPv4Address) -> bytes:
    """The one that we would use to speak to it; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((str(wanted), 9))
        return socket.inet_aton(probe.getsockname()[0])


def request(mac: bytes, ours: bytes, wanted: bytes) -> bytes:
    header = _BROADCAST + mac + struct.pack("!H", _PROTOCOL)
    return header + _PACKET.pack(_ETHERNET, _IPV4, 6, 4, _REQUEST, mac, ours, _NOBODY, wanted)


def who_replies(frame: bytes, wanted: bytes) -> bytes | None:
    """The card that says it has the address; None: it is no such reply."""
    if len(frame) < _ETHERNET_HEADER + _PACKET.size:
        return None
    _, _, _, _, operation, mac, sender, _, _ = _PACKET.unpack_from(frame, _ETHERNET_HEADER)
    return bytes(mac) if operation == _REPLY and sender == wanted else None
