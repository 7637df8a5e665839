"""`ports.Mender` and `ports.Menders` on a fake world: what a host holds that a fix may change, as texts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from vmferry.errors import HostError, HostUnreachable, Refused, UserError
from vmferry.facts.system import SystemFacts, Unit
from vmferry.fakes.state import FakeHost
from vmferry.fakes.world import FakeWorld
from vmferry.model.host import HostEntry
from vmferry.model.secret import Secret
from vmferry.repair.change import Change, Definition, Edited, Item, Kind, Place, Pool, Record, Wanted, key_text
from vmferry.repair.daemons import describe, read_description, units_of
from vmferry.repair.pools import read_pool_text

DAEMON = "libvirtd"

T = TypeVar("T")


def _units() -> dict[str, Unit]:
    return {name: Unit(name, "loaded", "active", "enabled") for name in units_of(DAEMON)}


@dataclass(slots=True)
class FakeDisk:
    """What a fix may change on one host, and what can go wrong there. Freely changed by whoever holds it."""

    root: bool = True
    shell: bool = True
    files: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    """As texts of changes have them."""
    units: dict[str, Unit] = field(default_factory=_units)
    directories: dict[str, str] = field(default_factory=dict)
    """Path to mode."""
    mounts: dict[str, str] = field(default_factory=dict)
    """Path to the share that it is on."""
    pools: dict[str, Pool] = field(default_factory=dict)
    definitions: dict[str, Definition] = field(default_factory=dict)
    """By UUID."""
    records: dict[str, Record] = field(default_factory=dict)
    jobs: tuple[tuple[str, str], ...] = ()
    system: SystemFacts = field(default_factory=SystemFacts)
    broken: dict[str, str] = field(default_factory=dict)
    """Path to a text with which the daemon does not come back."""
    fails: set[str] = field(default_factory=set)
    """Names of things that cannot be changed."""
    restarted: list[str] = field(default_factory=list)
    backups: dict[str, str] = field(default_factory=dict)
    interrupts: str | None = None
    """Ctrl-C comes when this one is changed."""


class FakeMenders:
    """The disks of the world's hosts, by name."""

    def __init__(self, world: FakeWorld) -> None:
        self._world = world
        self.disks: dict[str, FakeDisk] = {name: FakeDisk() for name in world.hosts}

    def open(self, entry: HostEntry, timeout_s: float) -> FakeMender:
        host = self._world.hosts.get(entry.name)
        if host is None:
            raise HostUnreachable(entry.name, f"host {entry.name} cannot be reached: its name does not resolve")
        disk = self.disks.setdefault(entry.name, FakeDisk())
        if not disk.shell:
            raise UserError(f"host {entry.name} has no shell; declare ssh for it")
        return FakeMender(self._world, host, disk, entry)


class FakeMender:
    def __init__(self, world: FakeWorld, host: FakeHost, disk: FakeDisk, entry: HostEntry) -> None:
        self._world, self._host, self._disk, self._entry = world, host, disk, entry

    @property
    def entry(self) -> HostEntry:
        return self._entry

    def need_root(self) -> None:
        if not self._disk.root:
            raise UserError(f"ssh to host {self._entry.name} logs in as somebody, who may not change it")

    def system(self) -> SystemFacts:
        return self._disk.system

    def units(self) -> dict[str, Unit]:
        return dict(self._disk.units)

    def edited(self, wanted: Wanted) -> Edited:
        """Of files of `key = "value"` lines; one with a line of another kind is none that can be edited."""
        before = self._disk.files.get(wanted.path)
        after, items = before or "", []
        for number, line in enumerate(after.splitlines(), 1):
            if not re.fullmatch(r'(#.*|\w+ = ("[^"]*"|\d+)|)', line):
                return Edited(before, None, problem=f"line {number} is nothing that libvirt's own lens reads")
        for key, value in wanted.values:
            found = re.search(rf'^{key} = "?([^"\n]*)"?$', after, re.MULTILINE)
            line = f"{key} = {value}" if value.isdigit() else f'{key} = "{value}"'
            after = re.sub(rf"^{key} = .*$", line, after, flags=re.MULTILINE) if found else f"{after}{line}\n"
            items.append(Item(key, found[1] if found else "not set", value))
        return Edited(before, after, tuple(items))

    def pools(self) -> tuple[Pool, ...]:
        self._libvirt()
        return tuple(self._disk.pools.values())

    def definitions(self) -> tuple[Definition, ...]:
        self._libvirt()
        return tuple(self._disk.definitions.values())

    def jobs(self) -> tuple[tuple[str, str], ...]:
        self._libvirt()
        return self._disk.jobs

    def place(self, path: str) -> Place:
        return Place(path, self._disk.directories.get(path), (), self._disk.mounts.get(path, ""))

    def observe(self, kind: Kind, name: str) -> str | None:
        disk = self._disk
        match kind:
            case Kind.FILE:
                return disk.files.get(name)
            case Kind.KEY:
                return disk.keys.get(name)
            case Kind.DAEMON:
                return describe(disk.units, name)
            case Kind.DIRECTORY:
                return disk.directories.get(name)
            case Kind.POOL:
                self._libvirt()
                return disk.pools[name].text if name in disk.pools else None
            case Kind.GUEST:
                self._libvirt()
                return disk.definitions[name].xml if name in disk.definitions else None

    def put(self, change: Change, backup: str = "", secret: Secret | None = None) -> None:
        if self._disk.interrupts == change.name:
            self._disk.interrupts = None
            raise KeyboardInterrupt
        if self.observe(change.kind, change.name) != change.before:
            raise Refused(f"{change.name} changed meanwhile")
        if change.name in self._disk.fails:
            raise HostError(self._entry.name, f"host {self._entry.name} could not change {change.name}: no space left")
        if change.kind is Kind.KEY and secret is not None:
            owner, mode = (change.after or "").split()[1:]
            assert change.after == key_text(secret, owner, mode)
        self._put(change, backup)

    def restore(self, change: Change, backup: str) -> None:
        self.put(change)
        self._disk.backups.pop(f"{change.name}.{backup}", None)

    def _put(self, change: Change, backup: str) -> None:
        disk, name = self._disk, change.name
        match change.kind:
            case Kind.FILE | Kind.KEY:
                _set(disk.files if change.kind is Kind.FILE else disk.keys, name, change.after)
                if backup and change.before is not None:
                    disk.backups[f"{name}.{backup}"] = change.before
            case Kind.DAEMON:
                running, states = read_description(change.after or "")
                active = "active" if running else "inactive"
                disk.units |= {unit: Unit(unit, "loaded", active, state) for unit, state in states.items()}
                self._start_or_fail()
            case Kind.DIRECTORY:
                _set(disk.directories, name, change.after)
            case Kind.POOL:
                pool = None if change.after is None else _pool(name, change.after)
                _set(disk.pools, name, pool)
            case Kind.GUEST:
                old = disk.definitions[name]
                disk.definitions[name] = Definition(old.uuid, old.name, change.after or "", old.active)

    def restart(self, services: Sequence[str], limit_s: float) -> None:
        self._disk.restarted += services
        self._start_or_fail()

    def answers(self, limit_s: float) -> bool:
        try:
            self._libvirt()
        except HostUnreachable:
            self._world.time.sleep(limit_s)
            return False
        return True

    def records(self) -> tuple[Record, ...]:
        return tuple(self._disk.records.values())

    def keep(self, record: Record) -> None:
        self._disk.records[record.id] = record

    def close(self) -> None:
        pass

    def _start_or_fail(self) -> None:
        disk = self._disk
        if disk.units[f"{DAEMON}.service"].active != "inactive":
            bad = any(disk.files.get(path) == text for path, text in disk.broken.items())
            disk.units[f"{DAEMON}.service"] = Unit(
                f"{DAEMON}.service", "loaded", "failed" if bad else "active", disk.units[f"{DAEMON}.service"].enabled
            )

    def _libvirt(self) -> None:
        if self._host.faults.unreachable is not None:
            raise HostUnreachable(self._entry.name, f"host {self._entry.name} cannot be reached")
        if self._disk.units[f"{DAEMON}.service"].active != "active":
            raise HostUnreachable(self._entry.name, f"libvirt of host {self._entry.name} does not answer")


def _set(things: dict[str, T], name: str, thing: T | None) -> None:
    if thing is None:
        things.pop(name, None)
    else:
        things[name] = thing


def _pool(name: str, text: str) -> Pool:
    active, autostart, xml = read_pool_text(text)
    return Pool(name, xml, active, autostart)
