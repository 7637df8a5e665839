"""What `check --all` and `facts save` share: the facts of the whole fleet, or of some of its guests."""

from __future__ import annotations

from collections.abc import Sequence

from vmferry.cli.context import App
from vmferry.errors import HostUnreachable, UserError
from vmferry.facts.snapshot import Snapshot
from vmferry.model.guest import Guest
from vmferry.service.closest import did_you_mean
from vmferry.service.inventory import GuestList, list_guests
from vmferry.service.survey import Unreached, found, survey_fleet


def gathered(app: App, wanted: Sequence[str], timeout_s: float) -> Snapshot:
    """`wanted`: names or UUIDs of guests; none: every guest. Raises UserError, HostUnreachable where nobody answers."""
    with app.fleet(timeout_s) as fleet:
        if not fleet.entries:
            raise UserError("no hosts are known yet; add one with vmferry host add NAME URI")
        seen = list_guests(fleet, app.store)
        if len(seen.unreached) == len(fleet.entries):
            reasons = "\n".join(error.message for error in seen.unreached.values())
            raise HostUnreachable(fleet.entries[0].name, "no host answered; mend one of them", detail=reasons)
        for error in seen.unreached.values():
            app.note(error.message)
        hosts = [fleet.host(entry.name) for entry in fleet.entries if entry.name not in seen.unreached]
        unreached = [Unreached(name, error.message) for name, error in seen.unreached.items()]
        return survey_fleet(hosts, _chosen(seen, wanted), unreached)


def _chosen(seen: GuestList, wanted: Sequence[str]) -> tuple[Guest, ...]:
    guests = found(seen.guests)
    for name in wanted:
        if not any(name in (guest.name, guest.uuid) for guest in guests):
            hint = did_you_mean(name, (guest.name for guest in guests))
            raise UserError(f"there is no guest {name!a} on any host that answered{hint}; see vmferry guest list")
    return tuple(guest for guest in guests if not wanted or guest.name in wanted or guest.uuid in wanted)
