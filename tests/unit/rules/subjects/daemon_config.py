"""Cases of the rules of daemon_config."""

from __future__ import annotations

from vmferry.facts.conf import ConfFile, ConfValue, Setting
from vmferry.facts.move import MoveFacts
from vmferry.facts.system import Daemon, Unit
from vmferry.model.finding import Severity

from ..cases import OK, PASSING, REFUSE, UNKNOWN, WARN, Cases, with_target
from ..passing_system import CONFS, with_setting, with_system

LIBVIRTD_CONF = "/etc/libvirt/libvirtd.conf"
QEMU_CONF = "/etc/libvirt/qemu.conf"
Case = tuple[str, MoveFacts, Severity, str]


def with_file(file: ConfFile) -> MoveFacts:
    return with_system(PASSING, confs=(*(each for each in CONFS if each.path != file.path), file))


def setting(key: str, value: ConfValue | None, **others: ConfValue | None) -> MoveFacts:
    return with_setting(PASSING, **{key: value, **others})


def modular(**settings: ConfValue) -> MoveFacts:
    units = (Unit("virtqemud.socket", "loaded", "active", "enabled"),)
    move = with_system(PASSING, units=units, daemons=(Daemon("virtqemud", ()),), confs=())
    return with_setting(move, file="virtproxyd", **settings)


def limit(key: str, passes: int, warns: int, refuses: int | None = None) -> list[Case]:
    cases: list[Case] = [
        ("as by default", PASSING, OK, f"{key} = "),
        ("the least", setting(key, passes), OK, f"{key} = {passes}"),
        ("less", setting(key, warns), WARN, f"{key} = {warns}"),
        ("in virtproxyd.conf", modular(**{key: warns}), WARN, f"{key} = {warns}"),
    ]
    return cases if refuses is None else [*cases, ("far less", setting(key, refuses), REFUSE, "does not start")]


CASES: Cases = {
    "daemon.config.syntax": [
        ("in order", PASSING, OK, "3 files are in order"),
        ("no file at all", with_system(PASSING, confs=()), OK, "0 files"),
        ("no shell", with_target(system=None), UNKNOWN, "did not tell"),
        ("not to be looked at", with_system(PASSING, confs=None), UNKNOWN, "did not tell"),
        ("not readable", with_file(ConfFile(QEMU_CONF, readable=False)), UNKNOWN, "cannot be read"),
        (
            "broken",
            with_file(ConfFile(QEMU_CONF, error="line 4: expecting a value")),
            REFUSE,
            "qemu.conf: line 4: expect",
        ),
        ("another's broken", with_file(ConfFile("/etc/libvirt/virtqemud.conf", error="line 1: x")), OK, "in order"),
        ("a number in quotes", setting("listen_tcp", "1"), REFUSE, 'listen_tcp = "1" is not 0 or 1'),
        ("a string without", setting("tls_port", 16514), REFUSE, "tls_port = 16514 is not a string"),
        ("a list for a number", setting("max_workers", ("5",)), REFUSE, 'max_workers = ["5"] is not a whole number'),
        ("a number for a list", with_setting(PASSING, file="qemu", security_driver=1), REFUSE, "is not a list"),
        ("control characters", setting("tls_port", ("\x1b[2J",)), REFUSE, r'tls_port = ["\u001b[2J"]'),
        ("keys of others", setting("audit_level", "x"), OK, "in order"),
    ],
    "daemon.config.in-force": [
        ("read", PASSING, OK, "in force"),
        ("changed since", with_file(ConfFile(QEMU_CONF, stale=True)), WARN, "qemu.conf was changed after"),
    ],
    "daemon.config.max_queued_clients": limit("max_queued_clients", 20, 19),
    "daemon.config.max_anonymous_clients": limit("max_anonymous_clients", 20, 5),
    "daemon.config.min_workers": limit("min_workers", 1, 0),
    "daemon.config.max_workers": limit("max_workers", 5, 2, 0),
    "daemon.config.prio_workers": limit("prio_workers", 1, 0),
    "daemon.config.max_client_requests": limit("max_client_requests", 5, 4, 0),
    "daemon.config.max_clients": [
        *limit("max_clients", 100, 99),
        ("below those that wait", setting("max_clients", 19), REFUSE, "max_anonymous_clients = 20"),
        (
            "below many that wait",
            setting("max_clients", None, max_anonymous_clients=6000),
            REFUSE,
            "max_clients = 5000",
        ),
    ],
    "daemon.config.keepalive_interval": [
        ("30 s", PASSING, OK, "seen after 30 s"),
        ("off", setting("keepalive_interval", -1), WARN, "never noticed"),
        ("long", setting("keepalive_interval", 60), WARN, "after 360 s"),
        (
            "long, of qemu.conf",
            with_setting(PASSING, file="qemu", keepalive_interval=60),
            WARN,
            "qemu.conf: a dead peer",
        ),
    ],
    "daemon.config.keepalive_count": [
        ("30 s", PASSING, OK, "seen after 30 s"),
        ("none", setting("keepalive_count", 0), WARN, "one lost answer"),
        ("many", setting("keepalive_count", 50), WARN, "after 255 s"),
        ("with no interval", setting("keepalive_count", 5, keepalive_interval=None), OK, "30 s"),
        ("not a number", with_file(ConfFile(LIBVIRTD_CONF, (Setting("keepalive_count", "x", 1),))), OK, "30 s"),
    ],
}
