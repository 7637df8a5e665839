from __future__ import annotations

from ..cases import OK, PASSING, REFUSE, Cases, with_guest, with_target

BOMB = "the capabilities of h2 declares a document type or entities, which libvirt never does; look at it by hand"
CASES: Cases = {
    "host.readable": [
        ("all of it", PASSING, OK, "all of it was read"),
        ("entities", with_target(unreadable=(BOMB,)), REFUSE, "entities"),
        ("two documents", with_target(unreadable=("not well-formed", BOMB)), REFUSE, "not well-formed"),
    ],
    "guest.readable": [
        ("it is", PASSING, OK, "it was read"),
        ("it is not", with_guest(problem="a guest's definition on h1 has 50000000 bytes"), REFUSE, "50000000 bytes"),
    ],
}
