"""Which hosts there are, what they are, and where a guest is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

from vmferry.errors import Failed, HostUnreachable, InDoubt, Refused, Unknown, UserError, VmferryError
from vmferry.model.guest import Guest, GuestState
from vmferry.model.host import Host, HostEntry, HostState
from vmferry.model.names import entry_problem
from vmferry.ports import HostPort, Store
from vmferry.service.closest import did_you_mean
from vmferry.service.fleet import Fleet, unknown_host


@dataclass(frozen=True, slots=True)
class GuestList:
    """The guests of every host that answered, and the hosts that did not, by name."""

    guests: tuple[Guest, ...]
    unreached: dict[str, VmferryError]


@dataclass(frozen=True, slots=True)
class FoundGuest:
    """The one guest that was meant, on its host; `unreached` might hold another of that name."""

    guest: Guest
    host: HostPort
    unreached: dict[str, VmferryError]


def known_hosts(declared: Sequence[HostEntry], store: Store) -> tuple[HostEntry, ...]:
    """Those of the configuration file, then those of the store; of one name or one URI, the file's."""
    names, uris = {entry.name for entry in declared}, {entry.uri for entry in declared}
    stored = (entry for entry in store.hosts() if entry.name not in names and entry.uri not in uris)
    withdrawn = store.withdrawn()
    return tuple(
        replace(entry, state=withdrawn[entry.name].state) if entry.name in withdrawn else entry
        for entry in (*declared, *stored)
    )


def find_entry(entries: Iterable[HostEntry], name: str) -> HostEntry:
    """Raises UserError."""
    by_name = {entry.name: entry for entry in entries}
    if name not in by_name:
        raise unknown_host(name, by_name)
    return by_name[name]


def add_host(entry: HostEntry, declared: Sequence[HostEntry], store: Store) -> None:
    """Into the store. Raises UserError for a bad or taken name or URI; the host itself is not asked."""
    wrong = entry_problem(entry.name, entry.uri, entry.peer_uri, entry.migration_address)
    if wrong:
        field, problem = wrong
        value = getattr(entry, field)
        raise UserError(f"{field.replace('_', ' ')} {value!a} cannot be used: {problem}")
    for other in known_hosts(declared, store):
        if other.name == entry.name:
            raise UserError(
                f"there is a host {entry.name} already, at {other.uri}; remove it first or take another name"
            )
        if other.uri == entry.uri:
            raise UserError(f"{entry.uri} is already known as host {other.name}; a host has one name")
    store.add_host(entry)


def remove_host(name: str, declared: Sequence[HostEntry], store: Store) -> HostEntry:
    """Out of the store; the host itself is not touched. Raises UserError."""
    if name in {entry.name for entry in declared}:
        raise UserError(f"host {name} is declared in the configuration file; take it out there")
    entry = find_entry(store.hosts(), name)
    store.remove_host(name)
    return entry


def list_hosts(fleet: Fleet) -> tuple[Host, ...]:
    """In the inventory's order; one that does not answer says so in its place."""
    entries = {entry.name: entry for entry in fleet.entries}
    answers = fleet.ask(lambda host: host.describe())
    return tuple(_host(entries[name], answer) for name, answer in answers.items())


def list_guests(fleet: Fleet, store: Store) -> GuestList:
    """Sorted by name, then host. What was seen is remembered for completion in the shell."""
    answers = fleet.ask(lambda host: host.guests())
    unreached = {name: answer for name, answer in answers.items() if isinstance(answer, VmferryError)}
    seen = {name: answer for name, answer in answers.items() if not isinstance(answer, VmferryError)}
    for host, guests in seen.items():
        store.remember_guests(host, sorted((guest.name, guest.uuid) for guest in guests))
    everyone = (guest for guests in seen.values() for guest in guests)
    return GuestList(tuple(sorted(everyone, key=lambda guest: (guest.name, guest.host))), unreached)


def find_guest(fleet: Fleet, store: Store, wanted: str) -> FoundGuest:
    """By name or UUID, over all hosts.

    A leftover definition of a guest that runs elsewhere does not count. Raises UserError where it is on no host or more
    than one guest has the name, HostUnreachable where it may be on a host that does not answer, Refused while it is
    being migrated, InDoubt where one guest runs on two hosts.
    """
    if not fleet.entries:
        raise UserError("no hosts are known yet; add one with vmferry host add NAME URI")
    seen = list_guests(fleet, store)
    matches = [guest for guest in seen.guests if wanted in (guest.name, guest.uuid)]
    if not matches:
        raise _not_found(wanted, seen)
    guest = _the_one(fleet, wanted, matches)
    return FoundGuest(guest, fleet.host(guest.host), seen.unreached)


def find_among(guests: Iterable[Guest], wanted: str) -> tuple[Guest, ...]:
    """By name or UUID, wherever it was seen; but for leftover definitions of one that is active elsewhere."""
    seen = [guest for guest in guests if wanted in (guest.name, guest.uuid)]
    active = {guest.uuid for guest in seen if guest.state.active}
    return tuple(guest for guest in seen if guest.state.active or guest.uuid not in active)


def _the_one(fleet: Fleet, wanted: str, matches: Sequence[Guest]) -> Guest:
    if len({guest.uuid for guest in matches}) > 1:
        raise UserError(f"{wanted} is the name of more than one guest: {_places(matches)}; give the UUID instead")
    seen = matches
    found = _only(seen)
    if found is None:
        seen = _look_closer(fleet, wanted, matches)
        found = _only(seen)
    return found or _none_of(wanted, seen)


def _only(guests: Sequence[Guest]) -> Guest | None:
    """The active one, or the only one."""
    counting = [guest for guest in guests if guest.state.active] or guests
    return counting[0] if len(counting) == 1 else None


def _none_of(wanted: str, guests: Sequence[Guest]) -> NoReturn:
    if not guests:
        raise Failed(f"guest {wanted} moved or ended while it was looked for; try again")
    active = [guest for guest in guests if guest.state.active]
    if active:
        raise InDoubt(f"guest {wanted} is active on more than one host: {_places(active)}; look at them and stop one")
    raise UserError(f"guest {wanted} is shut off and defined on more than one host: {_places(guests)}; undefine one")


@dataclass(frozen=True, slots=True)
class _Look:
    migrates: bool
    """From here."""
    state: GuestState | None
    host_uuid: str | None


def _look_closer(fleet: Fleet, wanted: str, matches: Sequence[Guest]) -> tuple[Guest, ...]:
    """The copies as they are now, of which nobody may be told to end one before it is sure that they are copies.

    A guest that is being migrated has one on its target, and a host under two names shows its guests twice. Raises
    Refused and UserError for these, InDoubt where a host did not say.
    """
    uuid, hosts = matches[0].uuid, [guest.host for guest in matches]
    answers = fleet.ask(lambda host: _look(host, uuid), hosts)
    looks = {name: answer for name, answer in answers.items() if isinstance(answer, _Look)}
    for name, answer in answers.items():
        if isinstance(answer, VmferryError):
            text = f"guest {wanted} is on {' and '.join(hosts)}, and {name} does not say whether it is being migrated"
            raise InDoubt(f"{text}; try again, and stop none before", detail=answer.detail or answer.message)
    _refuse_one_host_twice(wanted, looks)
    sources = [name for name, look in looks.items() if look.migrates]
    if sources:
        targets = " and ".join(name for name in hosts if name not in sources)
        raise Refused(f"guest {wanted} is being migrated from {sources[0]} to {targets}; wait for its end")
    return tuple(replace(guest, state=state) for guest in matches if (state := looks[guest.host].state) is not None)


def _look(host: HostPort, uuid: str) -> _Look:
    """The job before the state: one that ended in between shows in the state."""
    return _Look(host.job_stats(uuid) is not None, host.guest_state(uuid), host.facts().host_uuid)


def _refuse_one_host_twice(wanted: str, looks: dict[str, _Look]) -> None:
    names: dict[str, str] = {}
    for name, look in looks.items():
        other = names.setdefault(look.host_uuid, name) if look.host_uuid else name
        if other != name:
            raise UserError(
                f"guest {wanted} is seen twice, since hosts {other} and {name} are one host (UUID {look.host_uuid}): "
                "remove one of the two from the inventory"
            )


def _places(guests: Iterable[Guest]) -> str:
    return ", ".join(f"{guest.uuid} on {guest.host} ({guest.state})" for guest in guests)


def _not_found(wanted: str, seen: GuestList) -> VmferryError:
    hint = did_you_mean(wanted, (guest.name for guest in seen.guests))
    if not seen.unreached:
        return Unknown(f"there is no guest {wanted!a} on any host{hint}; see vmferry guest list")
    silent = ", ".join(seen.unreached)
    first = next(iter(seen.unreached.values()))
    return HostUnreachable(
        next(iter(seen.unreached)),
        f"guest {wanted!a} is on no host that answered{hint}, and it may be on one that did not: {silent}; try again "
        "when they do",
        detail=first.detail or first.message,
    )


def _host(entry: HostEntry, answer: Host | VmferryError) -> Host:
    if isinstance(answer, VmferryError):
        return Host(entry.name, entry.uri, HostState.UNREACHABLE, problem=answer.message)
    return answer if entry.state is HostState.READY else replace(answer, state=entry.state)
