"""ICMP echoes: their packets, and a socket for them that the kernel allows."""

from __future__ import annotations

import ipaddress
import os
import socket
import struct

_HEADER = struct.Struct("!BBHHH")
_REQUEST = {4: 8, 6: 128}
_REPLY = {4: 0, 6: 129}


class Echo:
    """Echo requests to one address and the replies to them. Not to be shared between threads."""

    def __init__(self, address: str) -> None:
        """Raises ValueError where `address` is no IP address, OSError where echoes are not allowed."""
        ip = ipaddress.ip_address(address)
        self._address, self._version = str(ip), ip.version
        family = socket.AF_INET if ip.version == 4 else socket.AF_INET6
        protocol = socket.IPPROTO_ICMP if ip.version == 4 else socket.IPPROTO_ICMPV6
        try:
            self._socket, self._raw = socket.socket(family, socket.SOCK_DGRAM, protocol), False
        except PermissionError:
            self._socket, self._raw = socket.socket(family, socket.SOCK_RAW, protocol), True
        self._socket.setblocking(False)
        self._id = int.from_bytes(os.urandom(2), "big")

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self, sequence: int) -> bool:
        """False where it could not even be sent: no route, no neighbour."""
        try:
            self._socket.sendto(self._request(sequence & 0xFFFF), (self._address, 0))
        except OSError:
            return False
        return True

    def receive(self) -> int | None:
        """The sequence number (16 bits) of one reply to us; None where what came, if anything, is none."""
        try:
            data, (sender, *_) = self._socket.recvfrom(2048)
        except OSError:
            return None
        if self._raw and self._version == 4:
            data = data[(data[0] & 0x0F) * 4 :]
        if len(data) < _HEADER.size or sender.partition("%")[0] != self._address:
            return None
        kind, _, _, identity, sequence = _HEADER.unpack_from(data)
        ours = identity == self._id or not self._raw  # the kernel gives its own number to a datagram socket
        return sequence if ours and kind == _REPLY[self._version] else None

    def close(self) -> None:
        self._socket.close()

    def _request(self, sequence: int) -> bytes:
        kind = _REQUEST[self._version]
        bare = _HEADER.pack(kind, 0, 0, self._id, sequence)
        return bare if self._version == 6 else _HEADER.pack(kind, 0, checksum(bare), self._id, sequence)


def checksum(data: bytes) -> int:
    """The internet checksum (RFC 1071); IPv6's is made by the kernel."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
