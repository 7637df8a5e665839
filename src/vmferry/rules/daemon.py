"""Libvirt's daemons run and come back after a boot, and the two hosts are two hosts."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

from vmferry.facts.host import HostFacts
from vmferry.facts.move import PairFacts
from vmferry.facts.system import SystemFacts
from vmferry.model.finding import Finding, Severity
from vmferry.rules.alike import by_setup
from vmferry.rules.effective import LET_IN, NO_SHELL, change, driver, driver_conf, shown
from vmferry.rules.registry import Voice, host_rule, pair_rule

GUIDE = "guide 15.2: the libvirtd service must be enabled and be running"
MODULES = ("virtnetworkd", "virtstoraged", "virtsecretd", "virtnodedevd")
"""Daemons that virtqemud asks for networks, storage, secrets and devices of guests."""
LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
PATHS = ("command", "keyfile", "known_hosts", "pkipath")
"""Parameters of a URI that name files of whoever opens it."""


@host_rule(
    "daemon.running",
    "libvirt answers",
    GUIDE,
)
def daemon_running(host: HostFacts, say: Voice) -> Iterator[Finding]:
    if host.problem is None:
        yield say.ok(host.name, f"libvirt {host.libvirt or '?'} answers", "libvirt answers")
    else:
        start = f"on {host.name}: systemctl enable --now libvirtd, or virtqemud.socket where there is one"
        remedy = f"{start}; then: vmferry host show {host.name}"
        yield say.refuse(host.name, host.problem, "libvirt answers", remedy)


@host_rule("daemon.enabled", "libvirt is started when the host boots", GUIDE, severity=Severity.WARN, alike=by_setup)
def daemon_enabled(host: HostFacts, say: Voice) -> Iterator[Finding]:
    """By its service or by a socket that starts it when it is asked."""
    required = "libvirt's daemon is enabled"
    system = host.system
    if system is None or system.units is None:
        what = NO_SHELL if system is None else "neither systemd nor an older init was seen there"
        yield say.unknown(host.name, f"not known: {what}", required, LET_IN if system is None else "look at its start")
        return
    name = driver(system)
    units = [unit for unit in map(system.unit, (f"{name}.service", f"{name}.socket")) if unit is not None]
    enabled = [unit.name for unit in units if unit.enabled in ("enabled", "enabled-runtime", "linked")]
    if enabled:
        yield say.ok(host.name, f"{' and '.join(enabled)} enabled", required)
    else:
        states = ", ".join(f"{unit.name} is {unit.enabled or unit.load}" for unit in units) or f"there is no {name}"
        yield say.warn(host.name, states, required, f"on {host.name}: {_enable(system, name)}")


def _enable(system: SystemFacts, name: str) -> str:
    if system.init == "sysv":
        return f"chkconfig {name} on; service {name} start"
    return f"systemctl enable --now {name}.socket" if system.is_modular else f"systemctl enable --now {name}"


@host_rule(
    "daemon.helpers",
    "the daemons that libvirt's QEMU driver needs can be reached",
    "libvirt: Failed to connect socket to '/var/run/libvirt/virtlogd-sock': No such file or directory",
    alike=by_setup,
)
def daemon_helpers(host: HostFacts, say: Voice) -> Iterator[Finding]:
    """Virtlogd, without which no guest starts, and the others that guests with networks or storage need."""
    system = host.system
    if system is None or not system.units or system.init == "sysv":
        return
    required = "their sockets or services are active"
    helpers = ("virtlogd", *(MODULES if system.is_modular else ()))
    down = [name for name in helpers if _is_down(system, name)]
    for name in down:
        remedy = f"on {host.name}: systemctl enable --now {name}.socket"
        say_it = say.refuse if name == "virtlogd" else say.warn
        yield say_it(host.name, f"{name} is there and not active", required, remedy)
    if not down:
        yield say.ok(host.name, "none is missing", required)


def _is_down(system: SystemFacts, name: str) -> bool:
    units = [unit for unit in map(system.unit, (f"{name}.service", f"{name}.socket")) if unit is not None]
    return bool(units) and all(unit.active not in ("active", "activating") for unit in units)


@host_rule(
    "daemon.config.host_uuid_source",
    "libvirt's host UUID comes from a source that it knows",
    "libvirt: Attempt to migrate guest to the same host",
    severity=Severity.WARN,
    alike=by_setup,
)
def host_uuid_source(host: HostFacts, say: Voice) -> Iterator[Finding]:
    file = driver_conf(host)
    setting = file.setting("host_uuid_source") if file is not None else None
    if file is None or setting is None:
        return
    required = "smbios or machine-id"
    if setting.value in ("smbios", "machine-id"):
        yield say.ok(host.name, shown(setting), required)
    else:
        remedy = change(host, file.path, 'set host_uuid_source = "machine-id"')
        yield say.warn(host.name, f"{shown(setting)}: libvirt takes it for smbios", required, remedy)


@pair_rule(
    "daemon.config.host_uuid",
    "the hosts have different host UUIDs",
    "libvirt: Attempt to migrate guest to the same host",
)
def host_uuids_differ(pair: PairFacts, say: Voice) -> Iterator[Finding]:
    source, target = pair.source, pair.target
    required = "two different host UUIDs"
    if source.host_uuid is None or target.host_uuid is None:
        yield say.unknown(target.name, "no host UUID given", required, "virsh capabilities, on both hosts")
    elif source.host_uuid == target.host_uuid:
        name = driver(target.system) if target.system is not None else "libvirtd"
        remedy = change(target, f"/etc/libvirt/{name}.conf", "set host_uuid to the output of uuidgen")
        yield say.refuse(target.name, f"both have {source.host_uuid}", required, remedy)
    else:
        yield say.ok(target.name, "they differ", required)


@pair_rule(
    "daemon.peer-uri",
    "the source can reach the target's libvirt by the URI it is told",
    "libvirt: Attempt to migrate guest to the same host; Failed to connect to remote libvirt URI ...",
)
def peer_uri(pair: PairFacts, say: Voice) -> Iterator[Finding]:
    source, target = pair.source.name, pair.target
    required = f"a URI by which {source} reaches {target.name}"
    remedy = f"set peer_uri of {target.name}, as qemu+ssh://root@{target.name}/system"
    if target.peer_uri is None:
        yield say.unknown(target.name, "its URI is not known", required, remedy)
        return
    parts = urlsplit(target.peer_uri)
    paths = [f"{name}=" for name, _ in parse_qsl(parts.query, keep_blank_values=True) if name in PATHS]
    if not parts.hostname or parts.hostname in LOCAL_NAMES:
        yield say.refuse(target.name, f"{target.peer_uri} is {source} itself, opened there", required, remedy)
    elif paths:
        observed = f"{', '.join(paths)} in its URI names a file of this machine, and is looked for on {source}"
        yield say.warn(target.name, observed, required, remedy)
    else:
        yield say.ok(target.name, target.peer_uri, required)
