"""Cases of the rules of daemon."""

from __future__ import annotations

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
}
