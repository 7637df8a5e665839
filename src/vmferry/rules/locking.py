"""What keeps a guest's disk from being written by two running copies."""

from __future__ import annotations

from collections.abc import Iterator

from vmferry.facts.host import HostFacts
from vmferry.facts.move import PairFacts
from vmferry.model.finding import Finding, Severity
from vmferry.rules.alike import by_setup, by_systems
from vmferry.rules.effective import LET_IN, NO_SHELL, change, conf, shown_value, value
from vmferry.rules.registry import Voice, host_rule, pair_rule

NONE = "nop"
"""Libvirt's name for having none."""
QEMU_CONF = "/etc/libvirt/qemu.conf"


def _manager(host: HostFacts) -> str | None:
    """None: not known."""
    found = value(conf(host, "qemu"), "lock_manager", NONE)
    return found if isinstance(found, str) else None


@pair_rule(
    "daemon.config.lock_manager",
    "both hosts keep a second copy of a guest from starting, by the same means",
    "libvirt: Source host lock driver ... different from target ...",
    guards_data=True,
    alike=by_systems,
)
def lock_manager(pair: PairFacts, say: Voice) -> Iterator[Finding]:
    source, target = pair.source, pair.target
    here, there = _manager(source), _manager(target)
    required = "the same lock_manager in qemu.conf of both"
    if here is None or there is None:
        blind = source.name if here is None else target.name
        yield say.unknown(target.name, f"that of {blind} is not known: {NO_SHELL}", required, LET_IN)
    elif here != there:
        remedy = change(target, QEMU_CONF, _as_there(source.name, here))
        observed = f"{source.name} has {shown_value(here)}, {target.name} {shown_value(there)}"
        yield say.refuse(target.name, observed, required, remedy)
    elif here == NONE:
        remedy = (
            'set lock_manager = "lockd" in qemu.conf of both; systemctl enable --now virtlockd.socket; restart libvirt'
        )
        observed = "no lock manager: nothing prevents two running copies of a guest"
        yield say.warn(target.name, observed, 'lock_manager = "lockd" or "sanlock"', remedy)
    else:
        yield say.ok(target.name, f"{shown_value(here)} on both", required)


def _as_there(name: str, manager: str) -> str:
    if manager == NONE:
        return f"remove lock_manager, as on {name}"
    return f"set lock_manager = {shown_value(manager)}, as on {name}"


@pair_rule(
    "daemon.config.lock-space",
    "the locks of the two hosts meet",
    "none: each host would hold a lock that the other does not see",
    guards_data=True,
    alike=by_systems,
)
def lock_space(pair: PairFacts, say: Voice) -> Iterator[Finding]:
    """Only where both have one lock manager: lockd's directory is one, sanlock's host ids are two."""
    source, target = pair.source, pair.target
    manager = _manager(target)
    if manager not in ("lockd", "sanlock") or manager != _manager(source):
        return
    key = "file_lockspace_dir" if manager == "lockd" else "host_id"
    here, there = (value(conf(host, f"qemu-{manager}"), key, "") for host in (source, target))
    path = f"/etc/libvirt/qemu-{manager}.conf"
    if here is None or there is None:
        required = f"{key} of both"
        yield say.unknown(target.name, f"{path} is not known: {NO_SHELL}", required, LET_IN)
    elif manager == "lockd" and here != there:
        required = "the same directory of shared storage on both"
        remedy = change(target, path, f"set {key} as on {source.name}")
        observed = f"{source.name} has {shown_value(here)}, {target.name} {shown_value(there)}"
        yield say.refuse(target.name, observed, required, remedy)
    elif manager == "sanlock" and here == there:
        required = "another host_id on every host"
        remedy = change(target, path, "set host_id to a number that no other host has")
        yield say.refuse(target.name, f"both have host_id {shown_value(here)}", required, remedy)
    else:
        yield say.ok(target.name, f"{key}: {shown_value(here)} and {shown_value(there)}", "locks that meet")


@host_rule(
    "daemon.lock-daemon",
    "the lock manager's daemon can be reached",
    "libvirt: Failed to connect socket to '/var/run/libvirt/virtlockd-sock'",
    severity=Severity.REFUSE,
    alike=by_setup,
)
def lock_daemon(host: HostFacts, say: Voice) -> Iterator[Finding]:
    system = host.system
    if system is None or system.init != "systemd" or _manager(host) != "lockd":
        return
    required = "virtlockd's socket or service is active"
    units = [unit for unit in map(system.unit, ("virtlockd.service", "virtlockd.socket")) if unit is not None]
    if any(unit.active == "active" for unit in units):
        yield say.ok(host.name, "it is", required)
    else:
        remedy = f"on {host.name}: systemctl enable --now virtlockd.socket"
        yield say.refuse(host.name, "it is not" if units else "there is no virtlockd", required, remedy)
