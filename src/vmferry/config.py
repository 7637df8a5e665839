"""The configuration file: one TOML file, read once, never written.

policy = "/etc/vmferry/policy.toml"             # severities of rules; else policy.toml beside this file

[store]
path = "/var/lib/vmferry/vmferry.db"            # or, for many workers: database = "postgresql://vmferry@db/vmferry"

[limits]                                        # migrations at the same time; 0: as many as come
hosts_in = 2                                    # to one host
hosts_out = 2                                   # from one host
link = 0                                        # from one host to another one
fleet = 0                                       # all together
bandwidth = "1GiB/s"                            # of all from one host to another one together; without it, no limit

[migration]
tls = "auto"                                    # or "require", "off": whether data go encrypted
convergence = "balanced"                        # or "careful", "must-finish": for guests that dirty memory too fast
storage = "auto"                                # or "shared", "copy": which disks are copied with their guest
stall_timeout = 60                              # seconds; a copy that sends nothing for so long is aborted; 0: never

[placement]                                     # weights of what makes one target better than another one
memory = 1.0                                    # how much of its memory stays free
cpu = 0.5                                       # how few virtual CPUs there are for each of its own

[balance]
mode = "even"                                   # or "consolidate": empty hosts that are not needed
eagerness = 3                                   # 1: only moves that gain much, to 5: all that gain anything
memory = 1.0                                    # weights: of memory given to guests,
cpu = 1.0                                       # of CPU that they use,
vcpus = 0.5                                     # and of virtual CPUs that they have
max_moves = 0                                   # at once; 0: as many as are worth it
sample = 10                                     # seconds; for so long the use of CPUs is measured
cool_down = 3600                                # seconds; a guest that was moved stays for so long
memory_ceiling = 0.85                           # to consolidate: how full hosts may become
cpu_ceiling = 0.7
automatic = false                               # true: the plan is carried out without a question

[groups.web]                                    # guests of a group are kept apart, together, or on some hosts
guests = ["web-*"]                              # patterns of names
keep = "apart"                                  # or "together"
label = "rack"                                  # apart: no two where hosts have the same one; else on one host
hosts = ["alpha", "beta"]                       # where they belong; without it, anywhere
strict = true                                   # false: it should be so, but need not

[hosts.alpha]
uri = "qemu+ssh://root@alpha/system"
peer_uri = "qemu+ssh://root@alpha.lan/system"   # how the other hosts reach it
migration_address = "10.1.0.11"                 # on the migration network
migration_rate = "10gbit"                       # what its link there carries, where the card does not know
ssh = ["ssh", "root@alpha"]
labels = { rack = "r1" }                        # for groups

[guests.web]
address = "10.0.0.101"                          # watched while it migrates
url = "http://10.0.0.101/health"
convergence = "careful"                         # for this one

[guests."db-*"]
convergence = "must-finish"                     # for all whose names match and that do not say otherwise themselves
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import msgspec

from vmferry.config_sections import (
    BalanceSection,
    FileSection,
    GroupSection,
    GuestSection,
    HostSection,
    LimitsSection,
    MigrationSection,
    PlacementSection,
    StoreSection,
)
from vmferry.errors import UserError
from vmferry.model.aim import CPU, MEMORY, VCPUS, Aim, Ceilings, Terms
from vmferry.model.group import NO_GROUPS, Group, Groups, Keep
from vmferry.model.guest import Probe
from vmferry.model.host import HostEntry
from vmferry.model.names import entry_problem, probe_problem
from vmferry.model.slots import Slots
from vmferry.model.storage import Storage
from vmferry.model.tuning import STALL_S, Convergence, Encryption
from vmferry.model.units import parse_bit_rate, parse_bytes
from vmferry.model.weights import USUAL_WEIGHTS, Weights

ETC = Path("/etc/vmferry/config.toml")
RUN = Path("/run/vmferry")


DEFAULT_SLOTS = Slots(hosts_in=2, hosts_out=2)


@dataclass(frozen=True, slots=True)
class Config:
    store_path: Path
    source: Path | None = None
    """The file this was read from; None: there is none."""
    hosts: tuple[HostEntry, ...] = ()
    probes: Mapping[str, Probe] = field(default_factory=dict)
    """Guest name to how it is seen from outside."""
    policy_path: Path | None = None
    """The policy file that it names; None: it names none."""
    convergence: Convergence = Convergence.BALANCED
    convergences: Mapping[str, Convergence] = field(default_factory=dict)
    """By guest's name, of those that have their own."""
    selected: tuple[tuple[str, Convergence], ...] = ()
    """By a pattern of names, in the order of the file: the first that matches holds."""
    database: str | None = None
    """The URL of a PostgreSQL database that is the store; None: the file at `store_path` is."""
    slots: Slots = DEFAULT_SLOTS
    encryption: Encryption = Encryption.AUTO
    storage: Storage = Storage.AUTO
    bandwidth_bytes_s: int | None = None
    """For all migrations of a link together."""
    stall_timeout_s: float | None = STALL_S
    """None: none."""
    balance: Aim = field(default_factory=Aim)
    groups: Groups = NO_GROUPS
    weights: Weights = USUAL_WEIGHTS


def load_config(explicit: Path | None, environment: Mapping[str, str] = os.environ) -> Config:
    """The file named, or the first of the usual places that exists; none is fine. Raises UserError."""
    path = explicit or next((place for place in _places(environment) if _is_file(place)), None)
    if path is None:
        return Config(default_store(environment))
    return parse_config(_read(path), path, environment)


def parse_config(text: str, path: Path, environment: Mapping[str, str] = os.environ) -> Config:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path} is not valid TOML: {error}; correct it, or name another file with --config") from None
    sections = _convert(document, FileSection, path, "")
    store = _convert(sections.store, StoreSection, path, "store")
    named = {name: _convert(value, GuestSection, path, f"guests.{name}") for name, value in sections.guests.items()}
    guests = {name: guest for name, guest in named.items() if not _is_pattern(name)}
    selected = {name: guest for name, guest in named.items() if _is_pattern(name)}
    if seen := next((name for name, guest in selected.items() if (guest.address, guest.url) != (None, None)), None):
        raise UserError(f"{path}: guests.{seen!a}: a pattern has no address or url; name the guest")
    if store.path and store.database:
        raise UserError(f"{path}: store: has both path and database; the store is one of them")
    limits = _convert(sections.limits, LimitsSection, path, "limits")
    hosts = {name: _convert(value, HostSection, path, f"hosts.{name}") for name, value in sections.hosts.items()}
    migration = _convert(sections.migration, MigrationSection, path, "migration")
    placement = _convert(sections.placement, PlacementSection, path, "placement")
    balance = _convert(sections.balance, BalanceSection, path, "balance")
    return Config(
        store_path=_expanded(store.path, path, "store.path") if store.path else default_store(environment),
        source=path,
        hosts=_each_once([_entry(name, host, path) for name, host in hosts.items()], path),
        probes={
            name: _probe(name, guest, path)
            for name, guest in guests.items()
            if (guest.address, guest.url) != (None, None)
        },
        policy_path=None if sections.policy is None else path.parent / _expanded(sections.policy, path, "policy"),
        convergence=migration.convergence,
        encryption=migration.tls,
        storage=migration.storage,
        stall_timeout_s=migration.stall_timeout or None,
        convergences={name: guest.convergence for name, guest in guests.items() if guest.convergence},
        selected=tuple((name, guest.convergence) for name, guest in selected.items() if guest.convergence),
        database=store.database,
        balance=_balance(balance, path),
        groups=_groups(sections.groups, hosts, path),
        weights=Weights(placement.memory, placement.cpu),
        bandwidth_bytes_s=_bandwidth(limits.bandwidth, path),
        slots=Slots(limits.hosts_in or None, limits.hosts_out or None, limits.link or None, limits.fleet or None),
    )


def _groups(sections: Mapping[str, object], hosts: Mapping[str, HostSection], path: Path) -> Groups:
    """Labels of hosts that are in the file; one that was added by a command has none."""
    read = {name: _convert(value, GroupSection, path, f"groups.{name}") for name, value in sections.items()}
    for name, group in read.items():
        if not group.guests or not all(group.guests):
            raise UserError(f"{path}: groups.{name}.guests: has no pattern; name the guests, as ['web-*']")
        if group.keep is None and not group.hosts:
            raise UserError(f"{path}: groups.{name}: says nothing; it takes keep, or hosts, or both")
        if group.label and group.keep is not Keep.APART:
            raise UserError(f'{path}: groups.{name}.label: is only for keep = "apart"')
    made = (Group(name, each.guests, each.keep, each.label, each.hosts, each.strict) for name, each in read.items())
    labels = ((host, key, text) for host, entry in hosts.items() for key, text in entry.labels.items())
    return Groups(tuple(made), tuple(labels))


def _balance(section: BalanceSection, path: Path) -> Aim:
    weights = {MEMORY: section.memory, CPU: section.cpu, VCPUS: section.vcpus}
    if not any(weights.values()):
        raise UserError(f"{path}: balance: memory, cpu and vcpus all have no weight; one at least has to count")
    return Aim(
        mode=section.mode,
        terms=Terms(weights, section.eagerness, section.max_moves or None),
        ceilings=Ceilings(section.memory_ceiling, section.cpu_ceiling),
        sample_s=section.sample,
        cool_down_s=section.cool_down,
        automatic=section.automatic,
    )


def _bandwidth(text: str | None, path: Path) -> int | None:
    if text is None:
        return None
    try:
        size = parse_bytes(text)
    except ValueError as error:
        raise UserError(f"{path}: limits.bandwidth: {error}") from None
    if size < 1 << 20:
        raise UserError(f"{path}: limits.bandwidth: {text!a} is below 1MiB/s, the least that libvirt sets")
    return size


def default_store(environment: Mapping[str, str] = os.environ) -> Path:
    state = environment.get("XDG_STATE_HOME")
    if os.geteuid() == 0 and not state:
        return Path("/var/lib/vmferry/vmferry.db")
    return (Path(state) if state else _home(environment) / ".local/state") / "vmferry/vmferry.db"


def _places(environment: Mapping[str, str]) -> Iterator[Path]:
    lab = RUN / (environment.get("VMFERRY_LAB") or "lab") / "config.toml"
    if _is_ours(lab):
        yield lab
    yield Path(environment.get("XDG_CONFIG_HOME") or _home(environment) / ".config") / "vmferry/config.toml"
    yield ETC


def _is_file(path: Path) -> bool:
    """A place that may not be looked into is none for this user."""
    try:
        return path.is_file()
    except OSError:
        return False


def _is_ours(path: Path) -> bool:
    """Only the user whose lab it is follows it: the file holds command lines."""
    try:
        return path.stat().st_uid == os.geteuid()
    except OSError:
        return False


def _home(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("HOME") or "/")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}; name a readable file with --config") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is not UTF-8 text; correct it, or name another file with --config") from None


def _expanded(text: str, path: Path, key: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise UserError(f"{path}: {key}: {text!a} has no home directory ({error}); write it in full") from None


def _each_once(entries: Sequence[HostEntry], path: Path) -> tuple[HostEntry, ...]:
    """One host under two names would show each of its guests twice."""
    names: dict[str, str] = {}
    for entry in entries:
        other = names.setdefault(entry.uri, entry.name)
        if other != entry.name:
            raise UserError(
                f"{path}: hosts.{entry.name}.uri: {entry.uri} is that of hosts.{other} already; a host has one name"
            )
    return tuple(entries)


def _is_pattern(name: str) -> bool:
    """Of the shell's kind; libvirt allows such characters in names, but nobody's guests have them."""
    return any(character in name for character in "*?[")


def _probe(name: str, guest: GuestSection, path: Path) -> Probe:
    wrong = probe_problem(guest.address, guest.url)
    if wrong:
        key, problem = wrong
        raise UserError(f"{path}: guests.{name}.{key}: {problem}")
    return Probe(guest.address, guest.url)


def _entry(name: str, host: HostSection, path: Path) -> HostEntry:
    wrong = entry_problem(name, host.uri, host.peer_uri, host.migration_address)
    if wrong:
        key, problem = wrong
        where = f"[hosts.{name!a}]" if key == "name" else f"hosts.{name}.{key}"
        raise UserError(f"{path}: {where}: {problem}")
    if host.ssh is not None and (not host.ssh or host.ssh[0].startswith("-")):
        raise UserError(f'{path}: hosts.{name}.ssh: expected a command and its arguments, as ["ssh", "root@{name}"]')
    rate_bytes_s = _rate_bytes_s(host.migration_rate, f"{path}: hosts.{name}.migration_rate")
    return HostEntry(name, host.uri, host.peer_uri, host.migration_address, host.ssh, rate_bytes_s)


def _rate_bytes_s(text: str | None, where: str) -> int | None:
    try:
        return None if text is None else parse_bit_rate(text) // 8
    except ValueError as error:
        raise UserError(f"{where}: {error}") from None


_Section = TypeVar(
    "_Section",
    PlacementSection,
    FileSection,
    StoreSection,
    MigrationSection,
    LimitsSection,
    BalanceSection,
    GroupSection,
    HostSection,
    GuestSection,
)


def _convert(value: object, kind: type[_Section], path: Path, where: str) -> _Section:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise UserError(f"{path}: {_sentence(str(error), kind, where)}") from None


def _sentence(text: str, kind: type[msgspec.Struct], where: str) -> str:
    """msgspec's sentence, ``Expected `str`, got `int` - at `$.uri` ``, with the key that a reader finds in the file."""
    problem, _, place = text.partition(" - at ")
    keys = [part for part in (where, place.strip("`$.").replace("[...]", "")) if part]
    known = ", ".join(kind.__struct_fields__)
    unknown = re.fullmatch(r"Object contains unknown field `(.*)`", problem)
    if unknown:
        return f"{'.'.join([*keys, unknown[1]])}: unknown key; expected one of {known}"
    missing = re.fullmatch(r"Object missing required field `(.*)`", problem)
    if missing:
        return f"{'.'.join([*keys, missing[1]])}: is missing"
    return f"{'.'.join(keys)}: {problem[0].lower()}{problem[1:].replace('`', '').replace('object', 'table')}"
