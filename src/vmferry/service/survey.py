"""Gather what the rules need of one guest and its possible targets, all hosts at the same time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from vmferry.errors import VmferryError
from vmferry.facts.guest import CpuMatch, DiskSight, GuestFacts
from vmferry.facts.host import HostFacts
from vmferry.facts.move import MoveFacts, TargetFacts
from vmferry.model.guest import Disk, Guest
from vmferry.ports import HostPort
from vmferry.service.parallel import all_at_once

LIMIT_S = 20.0
"""For all answers together. A host that needs longer is not one to send a guest to."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Unreached:
    """A host of the inventory that gave no connection, and why."""

    name: str
    problem: str


def survey(
    source: HostPort, guest: Guest, targets: Sequence[HostPort], unreached: Sequence[Unreached] = ()
) -> tuple[MoveFacts, ...]:
    """One MoveFacts a target, in order; those that were not reached come last, with their problem."""
    facts = source.guest_facts(guest.uuid)
    disks = facts.guest.disks
    hosts = [source, *targets]
    looks: list[Callable[[], object]] = [host.facts for host in hosts]
    looks += [_looker(host, disks) for host in hosts]
    looks += [_comparer(host, facts) for host in targets]
    answers = all_at_once(looks, LIMIT_S)
    seen = answers[: len(hosts)]
    sights = answers[len(hosts) : 2 * len(hosts)]
    cpus = answers[2 * len(hosts) :]
    here = _host_facts(source, seen[0])
    here_disks = _sights(disks, sights[0])
    found = [
        TargetFacts(_host_facts(target, seen[i + 1]), *_cpu(cpus[i]), _sights(disks, sights[i + 1]))
        for i, target in enumerate(targets)
    ]
    found += [TargetFacts(HostFacts(host.name, problem=host.problem)) for host in unreached]
    return tuple(MoveFacts(facts, here, here_disks, target) for target in found)


def _looker(host: HostPort, disks: Sequence[Disk]) -> Callable[[], object]:
    return lambda: host.see_disks(disks)


def _comparer(host: HostPort, facts: GuestFacts) -> Callable[[], object]:
    return lambda: host.compare_cpu(facts)


def _host_facts(host: HostPort, answer: object) -> HostFacts:
    return answer if isinstance(answer, HostFacts) else HostFacts(host.entry.name, problem=_problem(answer))


def _sights(disks: Sequence[Disk], answer: object) -> tuple[DiskSight, ...]:
    if isinstance(answer, tuple):
        return answer
    return tuple(DiskSight(disk.target, None, problem=_problem(answer)) for disk in disks)


def _cpu(answer: object) -> tuple[CpuMatch, str]:
    return answer if isinstance(answer, tuple) else (CpuMatch.UNKNOWN, _problem(answer))


def _problem(answer: object) -> str:
    """What kept a host from answering. A fault of our own is no answer of a host: it is raised."""
    if isinstance(answer, VmferryError):
        return answer.message
    if isinstance(answer, Exception) and not isinstance(answer, TimeoutError):
        raise answer
    return str(answer)
