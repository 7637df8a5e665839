"""What `check`, `plan` and `migrate` share: finding the guest and its possible targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vmferry.cli.context import App
from vmferry.errors import UserError, VmferryError
from vmferry.model.guest import Guest
from vmferry.ports import HostPort
from vmferry.service.fleet import Fleet
from vmferry.service.inventory import find_entry, find_guest
from vmferry.service.survey import Unreached


@dataclass(frozen=True, slots=True)
class Ground:
    """The guest, its source and the hosts around it, all connected."""

    guest: Guest
    source: HostPort
    targets: Sequence[HostPort]
    others: Sequence[HostPort]
    """Connected hosts that are neither source nor target."""
    unreached: Sequence[Unreached]


def survey_ground(app: App, fleet: Fleet, wanted: str, to: str | None) -> Ground:
    """Raises UserError for an unknown guest or target and for a target that is the source."""
    if to is not None:
        find_entry(fleet.entries, to)
    found = find_guest(fleet, app.store, wanted)
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


def _unreached(problems: dict[str, VmferryError]) -> list[Unreached]:
    return [Unreached(name, error.message) for name, error in problems.items()]
