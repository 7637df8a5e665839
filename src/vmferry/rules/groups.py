"""Groups of guests, as the configuration has them: apart, together, and on the hosts where they belong."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from vmferry.facts.host import HostFacts
from vmferry.facts.move import MoveFacts
from vmferry.model.finding import Finding, Severity
from vmferry.model.group import Group, Keep
from vmferry.rules.registry import Voice, move_rule


def ungrouped(move: MoveFacts) -> Hashable:
    """All that are in no group pass alike; of the others, who is where decides."""
    groups, hosts = move.wish.groups, (id(move.source), id(move.target.host), id(move.fleet))
    return (id(move.guest), *hosts, groups) if groups.of(move.guest.guest.name) else None


@move_rule(
    "group.apart",
    "guests that are to be apart are on hosts of their own",
    "none: one failure then takes all of them",
    alike=ungrouped,
)
def apart(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    guest, target, groups = move.guest.guest, move.target.host, move.wish.groups
    for group in groups.of(guest.name, Keep.APART):
        domain = groups.domain(target.name, group.label)
        near = [each for each in _seen(move) if groups.domain(each.name, group.label) == domain]
        where = target.name if domain == target.name else f"{group.label} {domain}"
        required = f"no other guest of group {group.name} on {where}"
        there = [f"{name} on {host.name}" for host in near for name in _members(host, group, guest.uuid)]
        if there:
            remedy = "choose another target, or move the other one first"
            yield _said(say, group, target.name, ", ".join(there), required, remedy)
            continue
        told = {host.name for host in near if host.problem is None}
        silent = [name for name in groups.hosts_of(group.label, domain) if name not in told]
        if silent:
            remedy = "see to it, then try again; with --to, only that host is asked"
            yield say.unknown(target.name, f"{', '.join(silent)} did not tell its guests", required, remedy)
        else:
            yield say.ok(target.name, "none", required)


@move_rule(
    "group.together",
    "guests that are to be together stay on one host",
    "none: what they say to each other goes over the network then",
    severity=Severity.WARN,
    alike=ungrouped,
)
def together(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    """One of them has to go first, so nothing is refused."""
    guest, target = move.guest.guest, move.target.host
    for group in move.wish.groups.of(guest.name, Keep.TOGETHER):
        required = f"the others of group {group.name} are on {target.name}"
        places = {host.name: _members(host, group, guest.uuid) for host in _seen(move)}
        others = [f"{name} on {host}" for host, names in places.items() for name in names if host != target.name]
        if others:
            yield say.warn(target.name, ", ".join(others), required, f"move them to {target.name} too")
        else:
            yield say.ok(target.name, ", ".join(places.get(target.name, ())) or "there are no others", required)


@move_rule(
    "group.hosts",
    "a guest goes to a host on which its group belongs",
    "none: as of a licence that holds for some hosts only",
    alike=ungrouped,
)
def hosts(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    target = move.target.host.name
    for group in move.wish.groups.of(move.guest.guest.name):
        if not group.hosts:
            continue
        required = f"one of {', '.join(group.hosts)} (group {group.name})"
        if group.belongs_on(target):
            yield say.ok(target, target, required)
        else:
            yield _said(say, group, target, target, required, "choose one of these")


def _seen(move: MoveFacts) -> tuple[HostFacts, ...]:
    """All hosts of which something is known; the fleet may have been left out."""
    pair = (move.source, move.target.host)
    return (*pair, *(host for host in move.fleet if host.name not in {each.name for each in pair}))


def _members(host: HostFacts, group: Group, but: str) -> list[str]:
    return [each.name for each in host.guests if each.active and each.uuid != but and group.has(each.name)]


def _said(say: Voice, group: Group, subject: str, observed: str, required: str, remedy: str) -> Finding:
    return (say.refuse if group.strict else say.warn)(subject, observed, required, remedy)
