"""The guest, its source and the hosts around it; and what was asked for, with them connected."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from vmferry.errors import UserError, VmferryError
from vmferry.model.group import NO_GROUPS, Groups
from vmferry.model.guest import Guest, Probe
from vmferry.model.slots import UNLIMITED, Slots
from vmferry.model.storage import Storage
from vmferry.model.tuning import STALL_S, Convergence, Encryption
from vmferry.model.weights import USUAL_WEIGHTS, Weights
from vmferry.model.wish import Wish
from vmferry.ports import HostPort, Store
from vmferry.rules.policy import NO_POLICY, Policy
from vmferry.service.fleet import Fleet
from vmferry.service.inventory import find_entry, find_guest
from vmferry.service.request import Request
from vmferry.service.survey import Unreached


@dataclass(frozen=True, slots=True)
class Ground:
    """All connected."""

    guest: Guest
    source: HostPort
    targets: Sequence[HostPort]
    others: Sequence[HostPort]
    """Connected hosts that are neither source nor target."""
    unreached: Sequence[Unreached]


@dataclass(frozen=True, slots=True)
class Standing:
    """What the configuration says of all migrations."""

    probes: Mapping[str, Probe] = field(default_factory=dict)
    convergences: Mapping[str, Convergence] = field(default_factory=dict)
    selected: Sequence[tuple[str, Convergence]] = ()
    """By patterns of names."""
    usual: Convergence = Convergence.BALANCED
    encryption: Encryption = Encryption.AUTO
    policy: Policy = NO_POLICY
    slots: Slots = UNLIMITED
    bandwidth_bytes_s: int | None = None
    """Of a link."""
    stall_timeout_s: float | None = STALL_S
    storage: Storage = Storage.AUTO
    groups: Groups = NO_GROUPS
    weights: Weights = USUAL_WEIGHTS

    def usual_of(self, guest: str) -> Convergence:
        """What holds where neither its name in the configuration nor its own metadata say otherwise."""
        found = (each for pattern, each in self.selected if fnmatch.fnmatchcase(guest, pattern))
        return next(found, self.usual)


def survey_ground(fleet: Fleet, store: Store, wanted: str, to: str | None) -> Ground:
    """Raises UserError for an unknown guest or target and for a target that is the source."""
    if to is not None:
        find_entry(fleet.entries, to)
    found = find_guest(fleet, store, wanted)
    source = found.host
    if to == source.entry.name:
        raise UserError(f"guest {found.guest.name} is on {to} already; name another host with --to")
    reached = [fleet.host(entry.name) for entry in fleet.entries if entry.name not in found.unreached]
    elsewhere = [host for host in reached if host.entry.name != source.entry.name]
    if to is not None and to in found.unreached:
        raise found.unreached[to]
    targets = [host for host in elsewhere if to in (None, host.entry.name)]
    others = [host for host in elsewhere if host not in targets]
    unreached = [] if to is not None else _unreached(found.unreached)
    return Ground(found.guest, source, targets, others, unreached)


def request_of(wish: Wish, ground: Ground, standing: Standing, *, dry_run: bool = False) -> Request:
    how, name, link = wish.copying, ground.guest.name, standing.bandwidth_bytes_s
    post_copy_bytes_s = how.tuning.post_copy_bandwidth_bytes_s
    if post_copy_bytes_s is not None:
        post_copy_bytes_s = _least(post_copy_bytes_s, link)
    return Request(
        guest=ground.guest,
        source=ground.source,
        targets=ground.targets,
        others=ground.others,
        unreached=ground.unreached,
        probe=standing.probes.get(name),
        bandwidth_bytes_s=_least(how.bandwidth_bytes_s, link),
        max_downtime_ms=how.max_downtime_ms,
        max_time_s=how.max_time_s,
        stall_timeout_s=standing.stall_timeout_s,
        convergence=how.convergence or standing.convergences.get(name),
        usual=standing.usual_of(name),
        post_copy=how.post_copy,
        tuning=replace(how.tuning, post_copy_bandwidth_bytes_s=post_copy_bytes_s),
        encryption=standing.encryption,
        accept_unknown=wish.accept_unknown,
        dry_run=dry_run,
        definition=wish.definition,
        storage=replace(how.storage, choice=how.storage.choice or standing.storage),
        policy=standing.policy,
        groups=standing.groups,
        weights=standing.weights,
        slots=standing.slots,
    )


def _least(*limits: int | None) -> int | None:
    return min((each for each in limits if each is not None), default=None)


def _unreached(problems: dict[str, VmferryError]) -> list[Unreached]:
    return [Unreached(name, error.message) for name, error in problems.items()]
