"""Which keys of libvirt's configuration files are set to what, where a finding asks for it.

Only values that open nothing and take nothing from security: a way in that is too wide is narrowed, a limit that is too
low goes back to libvirt's own default. What needs a choice (addresses, ports, certificates, locks) is for people.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from vmferry.facts.conf import ConfValue
from vmferry.facts.host import HostFacts
from vmferry.facts.system import CONF_DIRECTORY, SystemFacts
from vmferry.model.finding import Finding, Severity
from vmferry.repair.change import Left, Wanted
from vmferry.rules.daemon_config import LIMITS, MAX_CLIENTS, Limit

DAEMONS = ("libvirtd", "virtqemud", "virtproxyd")
"""Those with files of their own that count for migrations."""
DRIVERS = ("libvirtd", "virtqemud")
"""Those that read qemu.conf, and whose host UUID is the one that counts."""


@dataclass(frozen=True, slots=True)
class KeyRepair:
    """One key that the rule `daemon.config.KEY` may find fault with."""

    key: str
    value: str
    wrong: Callable[[ConfValue], bool]
    """Which values are changed; others may be somebody's choice, whatever the finding is about."""
    files: tuple[str, ...] = DAEMONS
    """Without `.conf`; `qemu` is that of the driver."""

    @property
    def rule(self) -> str:
        return f"daemon.config.{self.key}"


def _raised(limit: Limit) -> KeyRepair:
    return KeyRepair(limit.key, str(limit.default), lambda value: isinstance(value, int) and value < limit.default)


def _keepalive(key: str) -> KeyRepair:
    return KeyRepair(key, "5", lambda value: isinstance(value, int) and value != 5, (*DRIVERS, "qemu"))


REPAIRS = (
    KeyRepair("auth_tcp", "sasl", lambda value: value == "none", ("libvirtd", "virtproxyd")),
    *(_raised(limit) for limit in (MAX_CLIENTS, *LIMITS)),
    _keepalive("keepalive_interval"),
    _keepalive("keepalive_count"),
)


def wanted_keys(system: SystemFacts, findings: Iterable[Finding], daemons: Collection[str]) -> tuple[Wanted, ...]:
    """One for each file of the daemons in use that has a key to be set. Keys that are not set have good defaults."""
    faults = {finding.rule for finding in findings if finding.severity is not Severity.INFO}
    wanted = []
    for name in (*(daemon for daemon in daemons if daemon in DAEMONS), "qemu"):
        asked = [repair for repair in REPAIRS if repair.rule in faults and name in repair.files]
        values = [(repair.key, repair.value) for repair in asked if _is_wrong(system, name, repair)]
        if values:
            wanted.append(of_qemu(daemons, values) if name == "qemu" else of_daemon(name, values))
    return tuple(wanted)


def _is_wrong(system: SystemFacts, name: str, repair: KeyRepair) -> bool:
    conf = system.conf(f"{name}.conf")
    setting = conf.setting(repair.key) if conf is not None else None
    return setting is not None and repair.wrong(setting.value)


def of_qemu(daemons: Collection[str], values: Sequence[tuple[str, str]]) -> Wanted:
    restarts = tuple(f"{daemon}.service" for daemon in DRIVERS if daemon in daemons)
    return Wanted(f"{CONF_DIRECTORY}/qemu.conf", "Libvirtd_qemu", tuple(values), restarts)


def of_daemon(daemon: str, values: Sequence[tuple[str, str]]) -> Wanted:
    return Wanted(f"{CONF_DIRECTORY}/{daemon}.conf", daemon.capitalize(), tuple(values), (f"{daemon}.service",))


def wanted_uuid(
    here: HostFacts, others: Iterable[HostFacts], daemons: Collection[str], fresh: str
) -> tuple[tuple[Wanted, ...], tuple[Left, ...]]:
    """A host UUID of its own for a host that shares one. `fresh`: one that nobody has."""
    twins = [other.name for other in others if here.host_uuid and other.host_uuid == here.host_uuid]
    if not twins:
        return (), ()
    if any(guest.active for guest in here.guests):
        why = f"{' and '.join(twins)} has the same, and guests run here: shut them down, or fix the other host"
        return (), (Left(f"host UUID {here.host_uuid}", why),)
    named = [daemon for daemon in DRIVERS if daemon in daemons]
    return tuple(of_daemon(daemon, [("host_uuid", fresh)]) for daemon in named), ()


def merged(wanted: Iterable[Wanted]) -> tuple[Wanted, ...]:
    """One a file."""
    by_path: dict[str, Wanted] = {}
    for each in wanted:
        known = by_path.get(each.path, Wanted(each.path, each.lens))
        restarts = tuple(dict.fromkeys((*known.restarts, *each.restarts)))
        by_path[each.path] = Wanted(each.path, each.lens, (*known.values, *each.values), restarts)
    return tuple(by_path.values())
