"""Look at one host, and at the others for what it lacks, and say what would be mended. Changes nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from vmferry.errors import VmferryError
from vmferry.facts.host import HostFacts
from vmferry.model.finding import Finding
from vmferry.model.host import HostEntry
from vmferry.ports import Mender, Menders
from vmferry.repair.change import Change, Item, Kind, Left, Plan, Wanted
from vmferry.repair.daemons import daemon_changes, daemons_in_use
from vmferry.repair.guests import vectors_changes
from vmferry.repair.keys import merged, of_daemon, wanted_keys, wanted_uuid
from vmferry.repair.pools import HostStorage, asked_pools, directory_of, pool_changes, wanted_pools
from vmferry.rules import all_rules, judge_host
from vmferry.rules.registry import Scope
from vmferry.service.fleet import Fleet
from vmferry.service.parallel import all_at_once

LIMIT_S = 20.0
"""For what the other hosts tell of their pools."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    findings: tuple[Finding, ...]
    plan: Plan


def diagnose(
    mender: Mender, facts: HostFacts, others: Sequence[HostFacts], peers: Sequence[Mender], fresh_uuid: str
) -> Diagnosis:
    """`facts` of the host itself, with its problem where libvirt does not answer; `peers`: the other hosts."""
    units = mender.units()
    system = facts.system or mender.system()
    findings = _findings(replace(facts, system=system))
    daemons = daemons_in_use(units)
    switched, masked = daemon_changes(units)
    uuid, twins = wanted_uuid(facts, others, daemons, fresh_uuid)
    wanted = [*wanted_keys(system, findings, daemons), *uuid]
    wanted += [
        of_daemon(change.name, ()) for change in switched
    ]  # one that does not run may have a file that is broken
    files, broken = _file_changes(mender, merged(wanted))
    plan = Plan((*files, *switched), (*masked, *twins, *broken))
    if facts.problem is not None:
        why = "libvirt does not answer, so they could not be looked at; run this again when it does"
        return Diagnosis(findings, replace(plan, left=(*plan.left, Left("storage pools and guests", why))))
    rest, more = _through_libvirt(mender, peers)
    return Diagnosis(findings, Plan((*plan.changes, *rest), (*plan.left, *more)))


def look(mender: Mender, menders: Menders, fleet: Fleet, fresh_uuid: str) -> Diagnosis:
    """All of the fleet is asked; a host that does not answer is no reason to stop."""
    name = mender.entry.name
    answers = fleet.ask(lambda host: host.facts())
    facts = {host: _facts(host, answer) for host, answer in answers.items()}
    others = {host: each for host, each in facts.items() if host != name}
    entries = [entry for entry in fleet.entries if entry.name in others and others[entry.name].problem is None]
    with contextlib.ExitStack() as closing:
        opened = all_at_once([_opener(menders, entry, fleet.timeout_s) for entry in entries], fleet.timeout_s)
        peers = [peer for peer in opened if not isinstance(peer, Exception)]
        for peer in peers:
            closing.callback(peer.close)
        return diagnose(mender, facts[name], list(others.values()), peers, fresh_uuid)


def _facts(host: str, answer: HostFacts | VmferryError) -> HostFacts:
    return HostFacts(host, problem=answer.message) if isinstance(answer, VmferryError) else answer


def _opener(menders: Menders, entry: HostEntry, timeout_s: float) -> Callable[[], Mender]:
    return lambda: menders.open(entry, timeout_s)


def _findings(facts: HostFacts) -> tuple[Finding, ...]:
    """What `host check` says; where libvirt is silent, also what the shell alone tells of its settings."""
    said = judge_host(facts)
    if facts.problem is None:
        return said
    rules = [rule for rule in all_rules() if rule.scope is Scope.HOST and rule.id.startswith("daemon.config.")]
    return said + tuple(finding for rule in rules for finding in rule.findings(facts) if finding not in said)


def _file_changes(mender: Mender, wanted: Iterable[Wanted]) -> tuple[tuple[Change, ...], tuple[Left, ...]]:
    changes, left = [], []
    for each in wanted:
        edited = mender.edited(each)
        if edited.problem:
            left.append(Left(each.path, edited.problem))
        elif edited.after != edited.before:
            items = tuple(Item(f"{item.what} in {each.path}", item.before, item.after) for item in edited.items)
            changes.append(Change(Kind.FILE, each.path, edited.before, edited.after, items, each.restarts))
    return tuple(changes), tuple(left)


def _through_libvirt(mender: Mender, peers: Sequence[Mender]) -> tuple[tuple[Change, ...], tuple[Left, ...]]:
    here = _storage(mender)
    answers = all_at_once([_teller(peer) for peer in peers], LIMIT_S)
    others = [answer for answer in answers if isinstance(answer, HostStorage)]
    paths = {directory_of(pool.xml) for pool in (*here.pools, *wanted_pools(here, others))}
    places = {path: mender.place(path) for path in paths if path is not None}
    pools, unmade = pool_changes(here, others, places)
    guests, unlowered = vectors_changes(mender.definitions())
    unseen = [_unseen(peer.entry.name, answer) for peer, answer in zip(peers, answers, strict=True)]
    return (*pools, *guests), (*unmade, *unlowered, *(left for left in unseen if left is not None))


def _unseen(host: str, answer: HostStorage | Exception) -> Left | None:
    """What another host did not tell. A fault of our own is no answer of a host: it is raised."""
    if isinstance(answer, HostStorage):
        return None
    if not isinstance(answer, VmferryError | TimeoutError):
        raise answer
    return Left(f"storage pools that only host {host} has", str(answer))


def _teller(peer: Mender) -> Callable[[], HostStorage]:
    return lambda: _storage(peer)


def _storage(mender: Mender) -> HostStorage:
    pools = mender.pools()
    paths = {path for pool in pools if (path := directory_of(pool.xml)) is not None}
    return HostStorage(
        mender.entry.name, pools, {path: mender.place(path) for path in paths}, asked_pools(mender.definitions())
    )
