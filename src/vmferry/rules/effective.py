"""Which of libvirt's files, daemons and sockets count on a host, and what they set."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from vmferry.facts.conf import ConfFile, ConfValue, Setting
from vmferry.facts.host import HostFacts
from vmferry.facts.system import CONF_DIRECTORY, SystemFacts

LOOPBACK = ("localhost", "127.0.0.1", "::1")
NO_SHELL = "its shell did not tell"
LET_IN = "let vmferry log in there by ssh as root"

PORTS = {"tls": "16514", "tcp": "16509"}
"""Transport to libvirt's own port of it."""


def driver(system: SystemFacts) -> str:
    """The daemon that serves QEMU's guests."""
    return "virtqemud" if system.is_modular else "libvirtd"


def listener(system: SystemFacts) -> str:
    """The daemon that listens on the network."""
    return "virtproxyd" if system.is_modular else "libvirtd"


def conf(host: HostFacts, name: str) -> ConfFile | None:
    """The file, where it was told and is whole: what a broken one sets is not known."""
    found = host.system.conf(f"{name}.conf") if host.system is not None else None
    return found if found is not None and found.readable and found.error is None else None


def listener_conf(host: HostFacts) -> ConfFile | None:
    return conf(host, listener(host.system)) if host.system is not None else None


def driver_conf(host: HostFacts) -> ConfFile | None:
    return conf(host, driver(host.system)) if host.system is not None else None


def value(file: ConfFile | None, key: str, default: ConfValue) -> ConfValue | None:
    """What holds; None: not known."""
    return None if file is None else value_in(file, key, default)


def value_in(file: ConfFile, key: str, default: ConfValue) -> ConfValue:
    setting = file.setting(key)
    return default if setting is None else setting.value


def shown(setting: Setting) -> str:
    """As it would stand in the file, on one line and without control characters."""
    return f"{setting.key} = {shown_value(setting.value)}"


def shown_value(value: ConfValue) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(json.dumps(item) for item in value)}]"
    return json.dumps(value)


def change(host: HostFacts, path: str, what: str) -> str:
    """The remedy for a setting: `what` says what to write."""
    return f"on {host.name}: in {path} {what}; then: {restart(host, path)}"


def restart(host: HostFacts, path: str) -> str:
    """The command that makes the file take effect."""
    if host.system is None:
        return "systemctl restart libvirtd"
    name = path.removeprefix(f"{CONF_DIRECTORY}/").removesuffix(".conf")
    daemon = name if name in ("libvirtd", "virtqemud", "virtproxyd") else driver(host.system)
    return f"service {daemon} restart" if host.system.init == "sysv" else f"systemctl restart {daemon}"


def transport(host: HostFacts) -> str | None:
    """`tls` or `tcp` where the other hosts are told to reach its libvirt so; None: by another way."""
    scheme, plus, way = urlsplit(host.peer_uri or "").scheme.partition("+")
    if not plus:
        return "tls" if scheme and urlsplit(host.peer_uri or "").hostname else None
    return way if way in PORTS else None


def listens(host: HostFacts, way: str) -> bool | None:
    """Whether its libvirt listens for `tls` or `tcp`; None: not known."""
    system = host.system
    if system is None or (system.units is None and system.daemons is None):
        return None
    if by_socket(host, way):
        return True
    if system.is_modular:
        return False
    set_to = value(listener_conf(host), f"listen_{way}", 1 if way == "tls" else 0)
    if set_to is None or system.daemons is None:
        return None
    return given_listen(system) and set_to == 1


def by_socket(host: HostFacts, way: str) -> bool:
    """Systemd listens for it, and the settings of its own file do not count."""
    unit = host.system.unit(f"{listener(host.system)}-{way}.socket") if host.system is not None else None
    return unit is not None and unit.active == "active"


def given_listen(system: SystemFacts) -> bool:
    """Libvirtd was started with --listen."""
    words = [word for daemon in system.daemons or () if daemon.name == "libvirtd" for word in daemon.arguments]
    return any(word == "--listen" or (word.startswith("-") and word[1:2] != "-" and "l" in word) for word in words)
