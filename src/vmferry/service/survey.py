"""Gather what the rules need of guests and hosts, all hosts at the same time.

One round of questions about the guests to their sources, then one to every host: what it is, and how it sees what the
guests need. A host that does not answer in time holds nobody up; what it did not say is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar

from vmferry.errors import VmferryError
from vmferry.facts.guest import CpuMatch, DiskSight, GuestFacts
from vmferry.facts.host import HostFacts
from vmferry.facts.move import View
from vmferry.facts.snapshot import Snapshot
from vmferry.model.guest import Guest
from vmferry.ports import HostPort
from vmferry.service.common_cpu import common_cpus
from vmferry.service.disks import REMOVING_S, Sights, see_everywhere
from vmferry.service.elsewhere import look_elsewhere
from vmferry.service.parallel import all_at_once
from vmferry.service.paths import tried_paths
from vmferry.xml.parse import BadXml

LIMIT_S = 20.0
"""For all answers about one guest together. A host that needs longer is not one to send a guest to."""
FLEET_LIMIT_S = 300.0
"""The same for every guest of the fleet."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Unreached:
    """A host of the inventory that gave no connection, and why."""

    name: str
    problem: str


def survey(
    source: HostPort,
    guest: Guest,
    targets: Sequence[HostPort],
    unreached: Sequence[Unreached] = (),
    given: str | None = None,
) -> Snapshot:
    """One guest. Hosts that were not reached come last, with their problem. Raises the error of a source that fails.

    `given`: the user's own definition for the target.
    """
    try:
        facts = source.guest_facts(guest.uuid)
    except BadXml as error:
        facts = _untold(guest, error.message)
    hosts = [source, *targets]
    return look_elsewhere(_gather(hosts, [facts], unreached, LIMIT_S), hosts, given, LIMIT_S)


def survey_fleet(hosts: Sequence[HostPort], guests: Iterable[Guest], unreached: Sequence[Unreached] = ()) -> Snapshot:
    """Many guests, each on its host among `hosts`. A guest of which nothing can be told says why."""
    by_host: dict[str, list[Guest]] = {host.entry.name: [] for host in hosts}
    for guest in guests:
        by_host[guest.host].append(guest)
    looks = [_teller(host, by_host[host.entry.name]) for host in hosts]
    answers = all_at_once(looks, FLEET_LIMIT_S)
    facts: list[GuestFacts] = []
    for host, answer in zip(hosts, answers, strict=True):
        here = by_host[host.entry.name]
        facts += [_untold(guest, _problem(answer)) for guest in here] if isinstance(answer, Exception) else answer
    return look_elsewhere(_gather(hosts, facts, unreached, FLEET_LIMIT_S), hosts, None, FLEET_LIMIT_S)


def _gather(
    hosts: Sequence[HostPort], guests: Sequence[GuestFacts], unreached: Sequence[Unreached], limit_s: float
) -> Snapshot:
    taken = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    # The disks first: what one host leaves beside them is what the others look for.
    looks: list[Callable[[], object]] = [lambda: see_everywhere(hosts, guests, limit_s - REMOVING_S)]
    looks += [host.facts for host in hosts]
    looks += [_comparer(host, guests) for host in hosts]
    answers = iter(all_at_once(looks, limit_s))
    sights = _sights(hosts, next(answers))
    facts = [_host_facts(host, next(answers)) for host in hosts]
    cpus = {host.entry.name: next(answers) for host in hosts}
    facts += [HostFacts(host.name, problem=host.problem) for host in unreached]
    known: dict[View, View] = {}  # hosts that see alike have one view, which is then judged once
    views = {
        guest.guest.uuid: {
            name: known.setdefault(view := _view(guest, number, sights[name], cpus[name]), view) for name in sights
        }
        for number, guest in enumerate(guests)
    }
    paths = tried_paths(hosts, {each.name: each for each in facts}, guests, limit_s)
    common = common_cpus(hosts, facts, guests, views)
    return Snapshot(taken, tuple(facts), tuple(guests), views, paths, common)


def _teller(host: HostPort, guests: Sequence[Guest]) -> Callable[[], list[GuestFacts]]:
    return lambda: [_told(host, guest) for guest in guests]


def _told(host: HostPort, guest: Guest) -> GuestFacts:
    if guest.problem is not None:
        return _untold(guest, guest.problem)
    try:
        return host.guest_facts(guest.uuid)
    except VmferryError as error:
        return _untold(guest, error.message)


def _untold(guest: Guest, problem: str) -> GuestFacts:
    return GuestFacts(replace(guest, problem=problem), live_xml="", virt_type="", arch="", machine="", cpu_xml=None)


def _sights(hosts: Sequence[HostPort], answer: object) -> dict[str, Sights | Exception]:
    if isinstance(answer, dict):
        return answer
    assert isinstance(answer, Exception)
    return {host.entry.name: answer for host in hosts}


def _comparer(host: HostPort, guests: Sequence[GuestFacts]) -> Callable[[], object]:
    """One verdict a guest; guests with the same CPU are one question. No host is asked about its own guests."""

    def compare() -> list[tuple[CpuMatch, str]]:
        known: dict[tuple[str, str, str | None], tuple[CpuMatch, str]] = {}
        verdicts = []
        for guest in guests:
            cpu = (guest.virt_type, guest.arch, guest.cpu_xml)
            if guest.guest.host == host.entry.name:
                verdicts.append((CpuMatch.UNKNOWN, ""))
                continue
            if cpu not in known:
                known[cpu] = host.compare_cpu(guest)
            verdicts.append(known[cpu])
        return verdicts

    return compare


def _view(guest: GuestFacts, number: int, sights: Sights | Exception, cpus: object) -> View:
    """`sights` and `cpus`: a host's answers, of each guest; or why there are none."""
    seen = sights.get(guest.guest.uuid, ()) if isinstance(sights, dict) else _not_seen(guest, _problem(sights))
    cpu, detail = cpus[number] if isinstance(cpus, list) else (CpuMatch.UNKNOWN, _problem(cpus))
    return View(cpu=cpu, cpu_detail=detail, disks=seen)


def _not_seen(guest: GuestFacts, problem: str) -> tuple[DiskSight, ...]:
    return tuple(DiskSight(disk.target, None, problem=problem) for disk in guest.guest.disks)


def _host_facts(host: HostPort, answer: object) -> HostFacts:
    return answer if isinstance(answer, HostFacts) else HostFacts(host.entry.name, problem=_problem(answer))


def _problem(answer: object) -> str:
    """What kept a host from answering. A fault of our own is no answer of a host: it is raised."""
    if isinstance(answer, VmferryError):
        return answer.message
    if isinstance(answer, Exception) and not isinstance(answer, TimeoutError):
        raise answer
    return str(answer)


def found(guests: Iterable[Guest]) -> tuple[Guest, ...]:
    """Each guest once: where it runs, rather than where a definition was left behind."""
    places: dict[str, Guest] = {}
    for guest in guests:
        known = places.setdefault(guest.uuid, guest)
        if guest.state.active and not known.state.active:
            places[guest.uuid] = guest
    return tuple(places.values())
