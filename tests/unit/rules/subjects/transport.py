"""Cases of the rules of transport."""

from __future__ import annotations

from dataclasses import replace

from vmferry.facts.conf import ConfFile, ConfValue, Setting
from vmferry.facts.move import MoveFacts
from vmferry.facts.path import PathFacts, Port, Reach, Resolved, TriedPeer, TriedPort
from vmferry.facts.system import CONF_DIRECTORY, SystemFacts

from ..cases import OK, PASSING, REFUSE, UNKNOWN, WARN, Cases, with_target
from ..passing_network import PATH

NO_SHELL = replace(PASSING, path=PathFacts(problem="there is no shell on this host"))
SILENT_PEER = TriedPeer("qemu+ssh://root@h2/system", problem="Connection timed out")


def tried(*ports: TriedPort, peer: TriedPeer | None = SILENT_PEER) -> MoveFacts:
    """The passing move with these tries, where libvirt's own did not come through."""
    return replace(PASSING, path=replace(PATH, ports=ports, peer=peer))


def libvirt(reach: Reach, said: str = "") -> MoveFacts:
    return tried(TriedPort(Port.LIBVIRT, "h2", 22, reach, said))


def data(*reaches: Reach, said: str = "") -> MoveFacts:
    """Of the last, the middle and the first port, as far as they are given."""
    ends = zip((49215, 49183, 49152), reaches, strict=False)
    return tried(*(TriedPort(Port.MIGRATION, "10.1.0.2", port, reach, said) for port, reach in ends))


def peer(problem: str | None = None, hostname: str | None = None, tried: bool = True) -> MoveFacts:
    found = TriedPeer("qemu+ssh://root@h2/system", hostname, problem, tried)
    return replace(PASSING, path=replace(PATH, peer=found))


def named(*addresses: str, looked: bool = True, **target: object) -> MoveFacts:
    """Data go to the name `far`, which the source resolves so; and libvirt did not come through."""
    move = with_target(migration_address="far", **target)
    names = (Resolved("far", addresses if looked else None), Resolved("h2", ("10.0.0.2",)))
    return replace(move, path=replace(PATH, names=names, peer=SILENT_PEER))


def qemu_conf(key: str, value: ConfValue, **changes: object) -> MoveFacts:
    """The passing move with one key of the target's qemu.conf."""
    conf = ConfFile(f"{CONF_DIRECTORY}/qemu.conf", (Setting(key, value, 1),))
    return with_target(system=SystemFacts(confs=(conf,)), **changes)


CASES: Cases = {
    "transport.resolve": [
        ("to the target", PASSING, OK, "10.0.0.2"),
        ("a name for the data", named("10.1.0.2"), OK, "10.1.0.2"),
        ("nowhere", named(), REFUSE, "does not resolve on h1"),
        ("to localhost", named("127.0.1.1"), REFUSE, "itself"),
        ("to localhost, by IPv6", named("::1"), REFUSE, "itself"),
        ("to the source", named("10.0.0.1"), REFUSE, "h1's own"),
        ("to somebody else", named("192.0.2.7"), WARN, "which h2 does not have"),
        ("the target's addresses are not known", named("192.0.2.7", network=None), OK, "192.0.2.7"),
        ("not looked up", named(looked=False), UNKNOWN, "could not look it up"),
        ("no shell", NO_SHELL, UNKNOWN, "no shell"),
        (
            "an address that it does not have",
            with_target(migration_address="192.0.2.7"),
            WARN,
            "itself has no 192.0.2.7",
        ),
        (
            "it calls itself localhost",
            with_target(migration_address=None, hostname="localhost.localdomain", system=None),
            REFUSE,
            "calls itself localhost",
        ),
        ("by the name of qemu.conf", qemu_conf("migration_host", "h2", migration_address=None), OK, "10.0.0.2"),
        (
            "no name at all",
            with_target(migration_address=None, hostname=None, system=None),
            UNKNOWN,
            "its name is not known",
        ),
        (
            "known to ssh only",
            replace(PASSING, path=replace(PATH, names=(Resolved("h2", ()),))),
            OK,
            "known to ssh only",
        ),
    ],
    "transport.libvirt-port": [
        ("libvirt answers", PASSING, OK, "h2 answers by ssh"),
        ("open", libvirt(Reach.OPEN), OK, "it is open"),
        ("nobody listens", libvirt(Reach.REFUSED), REFUSE, "nobody listens"),
        ("dropped", libvirt(Reach.SILENT), REFUSE, "a firewall drops it"),
        ("prohibited", libvirt(Reach.BARRED, "No route to host"), REFUSE, "No route to host"),
        ("not tried", libvirt(Reach.UNKNOWN, "bash is not installed"), UNKNOWN, "bash is not installed"),
        ("no shell", NO_SHELL, UNKNOWN, "no shell"),
    ],
    "transport.migration-ports": [
        ("reached", PASSING, OK, "ports 49215 and 49183 answer"),
        ("somebody listens there", data(Reach.OPEN, Reach.REFUSED), OK, "answer"),
        ("dropped", data(Reach.SILENT, Reach.SILENT, Reach.SILENT), REFUSE, "port 49215: a firewall drops it"),
        ("prohibited", data(Reach.BARRED, Reach.BARRED, said="No route to host"), REFUSE, "No route to host"),
        ("only the first are let in", data(Reach.SILENT, Reach.REFUSED), WARN, "port 49183 answers, but"),
        ("only the first is let in", data(Reach.SILENT, Reach.SILENT, Reach.REFUSED), WARN, "port 49152 answers, but"),
        ("not tried", data(Reach.UNKNOWN, Reach.UNKNOWN, said="bash is not there"), UNKNOWN, "bash is not there"),
        ("no shell", NO_SHELL, UNKNOWN, "no shell"),
    ],
    "transport.peer": [
        ("it answers", PASSING, OK, "h2 answers"),
        ("key refused", peer("Permission denied (publickey)"), REFUSE, "Permission denied"),
        ("unknown host key", peer("Host key verification failed."), REFUSE, "Host key"),
        ("something else", peer("End of file while reading data"), REFUSE, "End of file"),
        ("another host", peer(hostname="h9"), REFUSE, "h9 answers; h2 calls itself h2"),
        ("slow", peer("no answer within 4 s"), UNKNOWN, "no answer within 4 s"),
        ("no virsh", peer("virsh is not installed", tried=False), UNKNOWN, "virsh is not installed"),
        ("no shell", NO_SHELL, UNKNOWN, "no shell"),
    ],
    "transport.listen-address": [
        ("everywhere", qemu_conf("migration_address", "0.0.0.0"), OK, "listens at 0.0.0.0"),
        ("where data go", qemu_conf("migration_address", "10.1.0.2"), OK, "listens at 10.1.0.2"),
        ("not its own", qemu_conf("migration_address", "192.0.2.7"), REFUSE, "h2 does not have"),
        ("elsewhere", qemu_conf("migration_address", "10.0.0.2"), REFUSE, "data are sent to 10.1.0.2"),
    ],
}
