"""Cases of the rules of guest."""

from __future__ import annotations

from dataclasses import replace

from vmferry.facts.guest import BlockJob, GuestSnapshot, Reason
from vmferry.facts.move import MoveFacts
from vmferry.model.guest import GuestState

from ..cases import (
    FACTS,
    GIB,
    GUEST,
    KNOWN_RUNNING,
    KNOWN_STALE,
    OK,
    PASSING,
    REFUSE,
    UNKNOWN,
    UUID,
    WARN,
    Cases,
    with_facts,
    with_guest,
    with_target,
)

STATES = {
    "suspended by itself": (GuestState.SUSPENDED, "its state is suspended"),
    "shutting down": (GuestState.SHUTTING_DOWN, "its state is shutting-down"),
    "crashed": (GuestState.CRASHED, "its state is crashed"),
    "shut off": (GuestState.SHUT_OFF, "shut-off"),
    "libvirt does not know": (GuestState.UNKNOWN, "unknown"),
}


def stopped(reason: Reason, job: str | None = None, state: GuestState = GuestState.PAUSED) -> MoveFacts:
    return replace(PASSING, guest=replace(FACTS, guest=replace(GUEST, state=state), reason=reason, job=job))


OTHER_MEMORY = replace(KNOWN_STALE, memory_bytes=2 * GIB)
OTHER_DISKS = replace(KNOWN_STALE, disks=("/srv/old.img",))
ALIKE = replace(KNOWN_STALE, name="web", memory_bytes=GIB, disks=("/srv/shared/web.img", GUEST.disks[1].source or ""))

CASES: Cases = {
    "guest.running": [
        ("running", PASSING, OK, "it runs"),
        ("waiting for a resource", with_guest(state=GuestState.BLOCKED), OK, "it runs"),
        ("paused", with_guest(state=GuestState.PAUSED), WARN, "paused"),
        *((name, with_guest(state=state), REFUSE, words) for name, (state, words) in STATES.items()),
        ("an I/O error", stopped(Reason.IO_ERROR), REFUSE, "paused by an I/O error"),
        ("its watchdog", stopped(Reason.WATCHDOG), REFUSE, "paused by its watchdog"),
        ("being saved", stopped(Reason.SAVE, "save"), REFUSE, "paused by its save"),
        ("being migrated", stopped(Reason.MIGRATION, "outgoing migration"), REFUSE, "paused by a migration"),
        ("left by a migration", stopped(Reason.MIGRATION), REFUSE, "one that ended badly left it so"),
        ("in post-copy", stopped(Reason.POST_COPY, state=GuestState.RUNNING), REFUSE, "running by post-copy"),
        ("after a failed one", stopped(Reason.POST_COPY_FAILED), REFUSE, "a failed post-copy"),
    ],
    "guest.no-job": [
        ("none", PASSING, OK, "no job runs"),
        ("it is being saved", with_facts(job="save"), REFUSE, "its save runs"),
        ("it is under way", with_facts(job="outgoing migration"), REFUSE, "its outgoing migration runs"),
    ],
    "guest.block-job": [
        ("none", PASSING, OK, "none runs"),
        ("a copy", with_facts(block_jobs=(BlockJob("vda", "copy", 40),)), REFUSE, "a copy job runs, 40 % done"),
        ("a copy that waits", with_facts(block_jobs=(BlockJob("vda", "copy", 100),)), REFUSE, "100 % done"),
        (
            "a backup, just begun",
            with_facts(block_jobs=(BlockJob("vda", "backup", None),)),
            REFUSE,
            "a backup job runs",
        ),
        ("not told", with_facts(block_jobs=None), UNKNOWN, "not known"),
    ],
    "guest.snapshots": [
        ("none", PASSING, OK, "none is kept"),
        ("inside", with_facts(snapshots=(GuestSnapshot("a b", internal=True),)), REFUSE, "'a b' (internal)"),
        ("outside", with_facts(snapshots=(GuestSnapshot("s1", internal=False),)), REFUSE, "'s1' (external)"),
        ("not told", with_facts(snapshots=None), UNKNOWN, "not known"),
    ],
    "guest.checkpoints": [
        ("none", PASSING, OK, "there are none"),
        ("two", with_facts(checkpoints=("c1", "c2")), WARN, "'c1', 'c2'"),
    ],
    "guest.identity": [
        ("both free", PASSING, OK, "both are free"),
        ("the name is taken", with_target(guests=(KNOWN_RUNNING,)), REFUSE, "running guest web"),
        ("the UUID is taken", with_target(guests=(KNOWN_STALE,)), REFUSE, "shut off guest web-old"),
        ("with another name", with_target(guests=(KNOWN_STALE,)), REFUSE, "(the name is not web)"),
        ("with another UUID", with_target(guests=(KNOWN_RUNNING,)), REFUSE, f"(the UUID is not {UUID})"),
        ("with other memory", with_target(guests=(OTHER_MEMORY,)), REFUSE, "2048 MiB of memory, not 1024"),
        ("with other disks", with_target(guests=(OTHER_DISKS,)), REFUSE, "disks /srv/old.img, not /srv/shared/web.img"),
        ("a copy of it", with_target(guests=(ALIKE,)), REFUSE, f"shut off guest web with UUID {UUID}"),
    ],
}
