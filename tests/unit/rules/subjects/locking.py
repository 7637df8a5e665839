"""Cases of the rules of locking."""

from __future__ import annotations

from vmferry.facts.conf import ConfFile
from vmferry.facts.system import Unit

from ..cases import OK, PASSING, REFUSE, UNKNOWN, WARN, Cases, with_source, with_target
from ..passing_system import CONFS, with_setting, with_system

SANLOCK = with_setting(PASSING, "both", "qemu", lock_manager="sanlock")
OTHER_IDS = with_setting(with_setting(SANLOCK, "source", "qemu-sanlock", host_id=1), file="qemu-sanlock", host_id=2)
LOCKD_CONF = "/etc/libvirt/qemu-lockd.conf"
HIDDEN = (*(file for file in CONFS if file.path != LOCKD_CONF), ConfFile(LOCKD_CONF, readable=False))

CASES: Cases = {
    "daemon.config.lock_manager": [
        ("the same", PASSING, OK, '"lockd" on both'),
        ("none there", with_setting(PASSING, file="qemu", lock_manager=None), REFUSE, 'h1 has "lockd", h2 "nop"'),
        ("none here", with_setting(PASSING, "source", "qemu", lock_manager="nop"), REFUSE, 'h1 has "nop", h2 "lockd"'),
        ("none at all", with_setting(PASSING, "both", "qemu", lock_manager=None), WARN, "two running copies"),
        ("no shell there", with_target(system=None), UNKNOWN, "that of h2"),
        ("no shell here", with_source(system=None), UNKNOWN, "that of h1"),
    ],
    "daemon.config.lock-space": [
        ("one directory", PASSING, OK, "/srv/locks"),
        ("another", with_setting(PASSING, file="qemu-lockd", file_lockspace_dir="/x"), REFUSE, 'h2 "/x"'),
        ("two hosts of sanlock", OTHER_IDS, OK, "1 and 2"),
        ("one id", with_setting(SANLOCK, "both", "qemu-sanlock", host_id=1), REFUSE, "both have host_id 1"),
        ("not told", with_system(PASSING, confs=HIDDEN), UNKNOWN, "not known"),
    ],
    "daemon.lock-daemon": [
        ("it runs", PASSING, OK, "it is"),
        (
            "it does not",
            with_system(PASSING, units=(Unit("virtlockd.socket", "loaded", "inactive", "disabled"),)),
            REFUSE,
            "it is not",
        ),
        ("it is not there", with_system(PASSING, units=()), REFUSE, "no virtlockd"),
    ],
}
