"""Cases of the rules of host."""

from __future__ import annotations

from dataclasses import replace

from vmferry.facts.move import MoveFacts
from vmferry.facts.system import Hook
from vmferry.facts.wish import MoveWish
from vmferry.model.host import HostState

from ..cases import OK, PASSING, REFUSE, UNKNOWN, WARN, Cases, with_source, with_target
from ..passing_system import HOOK, with_setting, with_system

NETWORK_HOOK = Hook("/etc/libvirt/hooks/network", "cd" * 32)


def post_copy(move: MoveFacts) -> MoveFacts:
    return replace(move, wish=MoveWish(post_copy=True))


HOOKED = with_system(PASSING, "both", hooks=(HOOK,))
OTHER_HOOK = replace(HOOK, sha256="0" * 64)
FORBIDDEN = with_system(PASSING, userfaultfd=0)
OLD = with_system(PASSING, kernel="2.6.32-696.el6.x86_64")

CASES: Cases = {
    "host.open": [
        ("open", PASSING, OK, "ready"),
        ("being emptied", with_target(state=HostState.DRAINING), REFUSE, "draining"),
        ("empty", with_target(state=HostState.MAINTENANCE), REFUSE, "maintenance"),
        ("the source may be", with_source(state=HostState.DRAINING), OK, "ready"),
    ],
    "host.clock": [
        ("together", PASSING, OK, "0.0 s behind h1"),
        ("near", with_target(clock_offset_s=-0.4, clock_error_s=0.1), OK, "0.4 s behind h1, give or take 0.1 s"),
        ("apart", with_target(clock_offset_s=1.2, clock_error_s=0.1), WARN, "1.2 s ahead of h1"),
        ("perhaps apart", with_target(clock_offset_s=1.2, clock_error_s=0.5), OK, "give or take 0.5 s"),
        ("far apart", with_source(clock_offset_s=3600.0), WARN, "3600.0 s behind h1"),
        ("not told", with_target(clock_offset_s=None), UNKNOWN, "the clock of h2"),
    ],
    "host.hooks": [
        ("none", PASSING, OK, "none on either"),
        ("the same", HOOKED, OK, "1 scripts, the same"),
        ("another", with_system(HOOKED, hooks=(OTHER_HOOK,)), WARN, "differs: abababababab and 000000000000"),
        ("only here", with_system(HOOKED, hooks=()), WARN, "only on h1"),
        ("only there", with_system(HOOKED, hooks=(HOOK, NETWORK_HOOK)), WARN, "network is only on h2"),
        ("a strange name", with_system(PASSING, hooks=(Hook("/x\x1b[2J", "0" * 64),)), WARN, r"/x\x1b[2J is only"),
        ("not told", with_system(PASSING, hooks=None), UNKNOWN, "those of h2"),
    ],
    "host.userfaultfd": [
        ("allowed", PASSING, OK, "may use it"),
        ("forbidden, not wanted", FORBIDDEN, OK, "userfaultfd is 0"),
        ("forbidden and wanted", post_copy(FORBIDDEN), REFUSE, "userfaultfd is 0"),
        ("forbidden, but to root", post_copy(with_setting(FORBIDDEN, file="qemu", user="root")), OK, "may use it"),
        ("by the device", post_copy(with_system(FORBIDDEN, userfaultfd_device=True)), OK, "may use it"),
        ("an old kernel", post_copy(OLD), REFUSE, "too old"),
        ("an old number", post_copy(with_system(PASSING, kernel="3.10.0-1160.el7.x86_64")), OK, "may use it"),
        ("wanted, no shell", post_copy(with_target(system=None)), UNKNOWN, "did not tell"),
    ],
    "host.ssh-sessions": [
        ("as by default", PASSING, OK, "10:30:100"),
        ("few", with_system(PASSING, max_startups=(2, 100, 2)), WARN, "from 2 on"),
    ],
}
