"""Cases of the rules of daemon."""

from __future__ import annotations

from vmferry.facts.system import Daemon, Unit

from ..cases import (
    OK,
    PASSING,
    REFUSE,
    UNKNOWN,
    WARN,
    Cases,
    with_source,
    with_target,
)
from ..passing_system import with_setting, with_system

VIRTQEMUD = Daemon("virtqemud", ())


def unit(name: str, active: str, enabled: str) -> Unit:
    return Unit(name, "loaded", active, enabled)


MODULAR = (unit("virtqemud.socket", "active", "enabled"), unit("virtqemud.service", "inactive", "disabled"))
NO_NETWORK = (*MODULAR, unit("virtnetworkd.socket", "inactive", "disabled"))
SYSV = (unit("libvirtd.service", "active", "disabled"),)

CASES: Cases = {
    "daemon.running": [
        ("both answer", PASSING, OK, "libvirt 11.3.0 answers"),
        ("the target is silent", with_target(problem="no answer within 5 s"), REFUSE, "no answer within 5 s"),
        ("the source is silent", with_source(problem="connection refused"), REFUSE, "connection refused"),
    ],
    "daemon.config.host_uuid": [
        ("they differ", PASSING, OK, "they differ"),
        ("cloned hosts", with_target(host_uuid=PASSING.source.host_uuid), REFUSE, "both have"),
        ("none given", with_target(host_uuid=None), UNKNOWN, "no host UUID"),
    ],
    "daemon.peer-uri": [
        ("another machine", PASSING, OK, "qemu+ssh://root@h2/system"),
        ("local", with_target(peer_uri="qemu:///system"), REFUSE, "is h1 itself"),
        ("a local socket", with_target(peer_uri="qemu+unix:///system?socket=/run/x"), REFUSE, "is h1 itself"),
        ("this machine by ssh", with_target(peer_uri="qemu+ssh://root@localhost/system"), REFUSE, "is h1 itself"),
        ("a wrapper of this machine", with_target(peer_uri="qemu+ssh://h2/system?command=/x"), WARN, "command="),
        ("a key of this machine", with_target(peer_uri="qemu+ssh://h2/system?keyfile=/k"), WARN, "looked for on h1"),
        ("other parameters", with_target(peer_uri="qemu+ssh://h2/system?no_verify=1"), OK, "no_verify=1"),
        ("not known", with_target(peer_uri=None), UNKNOWN, "not known"),
    ],
    "daemon.enabled": [
        ("it is", PASSING, OK, "libvirtd.service enabled"),
        (
            "it is not",
            with_system(PASSING, units=(unit("libvirtd.service", "active", "disabled"),)),
            WARN,
            "is disabled",
        ),
        ("by its socket", with_system(PASSING, daemons=(VIRTQEMUD,), units=MODULAR), OK, "virtqemud.socket enabled"),
        ("modular, not", with_system(PASSING, daemons=(VIRTQEMUD,), units=()), WARN, "there is no virtqemud"),
        ("an older init", with_system(PASSING, units=SYSV, init="sysv"), WARN, "is disabled"),
        ("no systemd", with_system(PASSING, units=None), UNKNOWN, "neither systemd"),
        ("no shell", with_target(system=None), UNKNOWN, "did not tell"),
    ],
    "daemon.helpers": [
        ("all there", PASSING, OK, "none is missing"),
        ("no virtlogd", with_system(PASSING, units=(unit("virtlogd.socket", "inactive", ""),)), REFUSE, "virtlogd"),
        ("no networks", with_system(PASSING, daemons=(VIRTQEMUD,), units=NO_NETWORK), WARN, "virtnetworkd is there"),
    ],
    "daemon.config.host_uuid_source": [
        ("known", PASSING, OK, "smbios"),
        ("not known", with_setting(PASSING, host_uuid_source="x"), WARN, "takes it for smbios"),
    ],
}
