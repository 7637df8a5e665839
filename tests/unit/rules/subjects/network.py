"""Cases of the rules of network."""

from __future__ import annotations

from vmferry.facts.host import Network
from vmferry.facts.move import MoveFacts
from vmferry.model.guest import Nic

from ..cases import (
    OK,
    PASSING,
    REFUSE,
    UNKNOWN,
    Cases,
    with_guest,
    with_target,
)


def nic(kind: str, source: str | None) -> MoveFacts:
    return with_guest(nics=(Nic("52:54:00:00:00:01", kind, source),))


CASES: Cases = {
    "network.present": [
        ("active", PASSING, OK, "lab is active"),
        ("not active", nic("network", "idle"), REFUSE, "not active"),
        ("not there", nic("network", "dmz"), REFUSE, "h2 has idle, lab"),
        ("no network", with_target(networks=(Network("x", True),)), REFUSE, "h2 has x"),
        ("no network driver", with_target(networks=None), UNKNOWN, "has no network driver"),
        ("bridge there", nic("bridge", "br0"), OK, "br0 is there"),
        ("bridge not there", nic("bridge", "br9"), REFUSE, "h2 has br0"),
        ("user networking", nic("user", None), OK, "nothing of the host"),
        ("macvtap", nic("direct", "eth0"), UNKNOWN, "not looked at yet"),
    ],
}
