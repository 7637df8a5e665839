"""Every source tries the ways to its targets, all sources at the same time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from vmferry.errors import VmferryError
from vmferry.facts.guest import GuestFacts
from vmferry.facts.host import HostFacts
from vmferry.facts.path import PathFacts, PathPlan
from vmferry.ports import HostPort
from vmferry.service.parallel import all_at_once
from vmferry.service.path_plan import plan_path

Paths = dict[str, dict[str, PathFacts]]
"""A source's and a target's name to what was tried between them."""


def tried_paths(
    hosts: Sequence[HostPort], facts: Mapping[str, HostFacts], guests: Sequence[GuestFacts], limit_s: float
) -> Paths:
    """Hosts of which nothing is known neither try nor are tried."""
    sources = {guest.guest.host for guest in guests}
    trying = [host for host in hosts if host.entry.name in sources and facts[host.entry.name].problem is None]
    plans = {host.entry.name: _plans(host.entry.name, facts, guests) for host in trying}
    answers = all_at_once([_prober(host, plans[host.entry.name]) for host in trying], limit_s)
    return {name: _by_target(plans[name], answer) for name, answer in zip(plans, answers, strict=True)}


def _by_target(plans: Sequence[PathPlan], answer: tuple[PathFacts, ...] | Exception) -> dict[str, PathFacts]:
    if isinstance(answer, tuple):
        return {plan.target: path for plan, path in zip(plans, answer, strict=True)}
    if not isinstance(answer, VmferryError | TimeoutError):
        raise answer
    why = answer.message if isinstance(answer, VmferryError) else str(answer)
    return {plan.target: PathFacts(problem=why) for plan in plans}


def _plans(source: str, facts: Mapping[str, HostFacts], guests: Sequence[GuestFacts]) -> tuple[PathPlan, ...]:
    """Each source begins with those after itself, so that no target meets all sources at once: sshd would drop some."""
    names = list(facts)
    place = names.index(source)
    nics = [nic for guest in guests if guest.guest.host == source for nic in guest.guest.nics]
    others = [facts[name] for name in names[place + 1 :] + names[:place]]
    return tuple(plan_path(facts[source], target, nics) for target in others if target.problem is None)


def _prober(host: HostPort, plans: Sequence[PathPlan]) -> Callable[[], tuple[PathFacts, ...]]:
    return lambda: host.probe(plans)
