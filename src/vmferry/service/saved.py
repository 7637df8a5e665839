"""The guests of a snapshot, by what a person calls them."""

from __future__ import annotations

from vmferry.errors import UserError
from vmferry.facts.guest import GuestFacts
from vmferry.facts.snapshot import Snapshot
from vmferry.service.closest import did_you_mean


def find_saved(snapshot: Snapshot, wanted: str) -> GuestFacts:
    """By name or UUID. Raises UserError where there is none, or more than one."""
    matches = [guest for guest in snapshot.guests if wanted in (guest.guest.name, guest.guest.uuid)]
    if not matches:
        hint = did_you_mean(wanted, (guest.guest.name for guest in snapshot.guests))
        raise UserError(f"there is no guest {wanted!a} in the facts of {snapshot.taken}{hint}; save them with it")
    if len(matches) > 1:
        places = ", ".join(f"{each.guest.uuid} on {each.guest.host}" for each in matches)
        raise UserError(f"{wanted} is the name of more than one guest: {places}; give the UUID instead")
    return matches[0]


def need_target(snapshot: Snapshot, guest: GuestFacts, to: str | None) -> None:
    """Raises UserError for a target of which there are no facts, and for the source itself."""
    names = [host.name for host in snapshot.hosts]
    if to is not None and to not in names:
        raise UserError(f"there is no host {to!a} in the facts of {snapshot.taken}{did_you_mean(to, names)}")
    if to == guest.guest.host:
        raise UserError(f"guest {guest.guest.name} is on {to} already; name another host with --to")
