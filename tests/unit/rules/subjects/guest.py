"""Cases of the rules of guest."""

from __future__ import annotations

from vmferry.model.guest import GuestState

from ..cases import (
    KNOWN_RUNNING,
    KNOWN_STALE,
    OK,
    PASSING,
    REFUSE,
    WARN,
    Cases,
    with_facts,
    with_guest,
    with_target,
)

CASES: Cases = {
    "guest.running": [
        ("running", PASSING, OK, "it runs"),
        ("waiting for a resource", with_guest(state=GuestState.BLOCKED), OK, "it runs"),
        ("paused", with_guest(state=GuestState.PAUSED), WARN, "paused"),
        ("shut off", with_guest(state=GuestState.SHUT_OFF), REFUSE, "shut-off"),
        ("libvirt does not know", with_guest(state=GuestState.UNKNOWN), REFUSE, "unknown"),
    ],
    "guest.no-job": [
        ("none", PASSING, OK, "no job runs"),
        ("it is being saved", with_facts(job="save"), REFUSE, "its save runs"),
        ("it is under way", with_facts(job="outgoing migration"), REFUSE, "its outgoing migration runs"),
    ],
    "guest.identity": [
        ("both free", PASSING, OK, "both are free"),
        ("the name is taken", with_target(guests=(KNOWN_RUNNING,)), REFUSE, "running guest web"),
        ("the UUID is taken", with_target(guests=(KNOWN_STALE,)), REFUSE, "shut off guest web-old"),
    ],
}
