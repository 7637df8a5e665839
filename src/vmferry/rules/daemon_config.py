"""Libvirt's configuration files can be read, are in force, and let the daemon do its work while guests migrate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vmferry.facts.conf import ConfFile
from vmferry.facts.host import HostFacts
from vmferry.model.finding import Finding, Severity
from vmferry.rules.alike import by_setup
from vmferry.rules.conf_types import wrong_type
from vmferry.rules.effective import (
    LET_IN,
    NO_SHELL,
    change,
    conf,
    driver,
    driver_conf,
    listener,
    restart,
    shown,
)
from vmferry.rules.registry import HostCheck, Voice, host_rule

GUIDE = "guide 15.2: migration depends on parameters in /etc/libvirt/libvirtd.conf"
TOO_LONG_S = 120
"""After so long without an answer a migration's other side is best given up."""


def _files(host: HostFacts) -> list[ConfFile] | None:
    """Those that count on this host and are there; None: not told."""
    if host.system is None or host.system.confs is None:
        return None
    names = {driver(host.system), listener(host.system), "qemu", "qemu-lockd", "qemu-sanlock"}
    paths = {f"/etc/libvirt/{name}.conf" for name in names}
    return [file for file in host.system.confs if file.path in paths]


@host_rule(
    "daemon.config.syntax",
    "libvirt can read its configuration files",
    "libvirt: configuration file syntax error: ...; the daemon does not start with it",
    alike=by_setup,
)
def syntax(host: HostFacts, say: Voice) -> Iterator[Finding]:
    """A daemon that runs has the settings from before; the next one does not start."""
    required = "files that libvirt's parser takes"
    files = _files(host)
    if files is None:
        yield say.unknown(host.name, f"its configuration files are not known: {NO_SHELL}", required, LET_IN)
        return
    wrong = [(file, what) for file in files for what in _complaints(file)]
    for file, what in wrong:
        yield say.refuse(host.name, f"{file.path}: {what}", required, change(host, file.path, "correct it"))
    for file in files:
        if not file.readable:
            yield say.unknown(host.name, f"{file.path} cannot be read", required, LET_IN)
    if not wrong and all(file.readable for file in files):
        yield say.ok(host.name, f"{len(files)} files are in order", required)


def _complaints(file: ConfFile) -> Iterator[str]:
    if file.error is not None:
        yield file.error
    for setting in file.settings:
        wanted = wrong_type(file.path, setting)
        if wanted is not None:
            yield f"line {setting.line}: {shown(setting)} is not {wanted}"


@host_rule(
    "daemon.config.in-force",
    "libvirt's configuration files were read by the daemon that runs",
    "guide 15.2: edit, save, restart libvirtd",
    severity=Severity.WARN,
    alike=by_setup,
)
def in_force(host: HostFacts, say: Voice) -> Iterator[Finding]:
    required = "no change of a file since the daemon's start"
    files = _files(host) or []
    stale = [file for file in files if file.stale]
    for file in stale:
        remedy = f"on {host.name}: {restart(host, file.path)}"
        yield say.warn(host.name, f"{file.path} was changed after the daemon started", required, remedy)
    if files and not stale:
        yield say.ok(host.name, "what they set is in force", required)


@dataclass(frozen=True, slots=True)
class Limit:
    """A number of libvirtd.conf that migrations need to be no smaller."""

    key: str
    least: int
    """Less works, and gets in the way of migrations."""
    why: str
    default: int
    starts_from: int | None = None
    """With less, the daemon does not start."""


MAX_CLIENTS = Limit("max_clients", 100, "every command and every migration is a client", 5000)
LIMITS = (
    Limit("max_queued_clients", 20, "a burst of migrations comes in as clients that wait", 1000),
    Limit("max_anonymous_clients", 20, "a burst of migrations begins as clients that have not signed in yet", 20),
    Limit("min_workers", 1, "a request waits until a worker is started for it", 5),
    Limit("max_workers", 5, "a migration holds a worker for its whole length", 20, starts_from=1),
    Limit("prio_workers", 1, "with all workers held, nobody is left to abort a migration", 5),
    Limit("max_client_requests", 5, "questions wait behind a migration, and keepalive times out", 5, starts_from=1),
)


def _limit(limit: Limit) -> HostCheck:
    def check(host: HostFacts, say: Voice) -> Iterator[Finding]:
        for file in _both(host):
            setting = file.setting(limit.key)
            if setting is not None and isinstance(setting.value, int):
                yield _judge_limit(limit, host, file, setting.value, say)

    check.__doc__ = f"Of {limit.key}, where the file sets it: {limit.why}."
    return check


def _both(host: HostFacts) -> list[ConfFile]:
    """Clients come to the daemon that serves guests, and to the one that listens."""
    if host.system is None:
        return []
    found = [conf(host, name) for name in dict.fromkeys((driver(host.system), listener(host.system)))]
    return [file for file in found if file is not None]


def _judge_limit(limit: Limit, host: HostFacts, file: ConfFile, number: int, say: Voice) -> Finding:
    required = f"at least {limit.least}: {limit.why}"
    observed = f"{limit.key} = {number}"
    remedy = change(host, file.path, f"set {limit.key} = {limit.default}")
    if number < (limit.starts_from or 0):
        return say.refuse(host.name, f"{observed}: libvirt does not start with it", required, remedy)
    if number < limit.least:
        return say.warn(host.name, observed, required, remedy)
    return say.ok(host.name, observed, required)


for _each in LIMITS:
    host_rule(
        f"daemon.config.{_each.key}",
        f"libvirt's {_each.key} leaves room for migrations",
        GUIDE,
        severity=Severity.WARN if _each.starts_from is None else Severity.REFUSE,
        alike=by_setup,
    )(_limit(_each))


@host_rule(
    "daemon.config.max_clients",
    "libvirt's max_clients leaves room for migrations",
    "libvirt: The overall maximum number of clients must not be less than the number of clients waiting for "
    "authentication",
    alike=by_setup,
)
def max_clients(host: HostFacts, say: Voice) -> Iterator[Finding]:
    limit = MAX_CLIENTS
    for file in _both(host):
        setting = file.setting("max_clients")
        most, queued = _number(file, "max_clients", limit.default), _number(file, "max_anonymous_clients", 20)
        if most < queued:
            observed = f"max_clients = {most} and max_anonymous_clients = {queued}: libvirt does not start with them"
            remedy = change(host, file.path, f"set max_clients = {max(limit.default, queued)}")
            yield say.refuse(host.name, observed, "max_clients not below max_anonymous_clients", remedy)
        elif setting is not None:
            yield _judge_limit(limit, host, file, most, say)


@host_rule(
    "daemon.config.keepalive_interval",
    "libvirt notices a peer that is gone",
    "libvirt: Lost connection to destination host",
    severity=Severity.WARN,
    alike=by_setup,
)
def keepalive_interval(host: HostFacts, say: Voice) -> Iterator[Finding]:
    yield from _keepalive(host, say, "keepalive_interval")


@host_rule(
    "daemon.config.keepalive_count",
    "libvirt gives a silent peer more than one chance, and an end",
    "libvirt: Lost connection to destination host",
    severity=Severity.WARN,
    alike=by_setup,
)
def keepalive_count(host: HostFacts, say: Voice) -> Iterator[Finding]:
    yield from _keepalive(host, say, "keepalive_count")


def _keepalive(host: HostFacts, say: Voice, key: str) -> Iterator[Finding]:
    """Libvirtd's own file is for its clients, qemu.conf for the peers that it migrates to."""
    for file in (driver_conf(host), conf(host, "qemu")):
        setting = file.setting(key) if file is not None else None
        if file is None or setting is None or not isinstance(setting.value, int):
            continue
        interval, count = (_number(file, name, 5) for name in ("keepalive_interval", "keepalive_count"))
        required = f"a dead peer is seen within {TOO_LONG_S} s, a slow one is not given up at once"
        remedy = change(host, file.path, f"set {key} = 5")
        seen_s = interval * (count + 1)
        if key == "keepalive_interval" and interval <= 0:
            observed = f"{shown(setting)}: a dead peer is never noticed"
            yield say.warn(host.name, observed, required, remedy)
        elif key == "keepalive_count" and count < 1:
            yield say.warn(host.name, f"{shown(setting)}: one lost answer ends the connection", required, remedy)
        elif seen_s > TOO_LONG_S:
            yield say.warn(host.name, f"{file.path}: a dead peer is seen after {seen_s} s", required, remedy)
        else:
            yield say.ok(host.name, f"{file.path}: a dead peer is seen after {seen_s} s", required)


def _number(file: ConfFile, key: str, default: int) -> int:
    setting = file.setting(key)
    return setting.value if setting is not None and isinstance(setting.value, int) else default
