"""Tries from a host towards others, all of them in one round trip to its shell, and their answers as facts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from vmferry.errors import HostUnreachable
from vmferry.facts.path import (
    NeighbourPlan,
    PathFacts,
    PathPlan,
    Port,
    PortPlan,
    Reach,
    Resolved,
    TriedNeighbour,
    TriedPeer,
    TriedPort,
)
from vmferry.hosts.shell import Shell

AT_ONCE = 8
"""So many targets are tried at the same time: each is an ssh of its own from that host."""

_TIMED_OUT = "124"
_REACHES = (
    ("Connection refused", Reach.REFUSED),
    ("No route to host", Reach.BARRED),
    ("Network is unreachable", Reach.BARRED),
    ("Permission denied", Reach.BARRED),
    ("Operation not permitted", Reach.BARRED),
    ("Connection timed out", Reach.SILENT),
    ("Name or service not known", Reach.UNRESOLVED),
    ("name resolution", Reach.UNRESOLVED),
    ("No address associated", Reach.UNRESOLVED),
)
_SURE_STATES = ("REACHABLE", "PERMANENT")


def probe(plans: Sequence[PathPlan], shell: Shell) -> tuple[PathFacts, ...]:
    """One answer a plan, in order. A host that cannot try is no error: it says why."""
    if not shell.available:
        return tuple(PathFacts(problem="there is no shell on this host; declare ssh") for _ in plans)
    found: list[PathFacts] = []
    for start in range(0, len(plans), AT_ONCE):
        some = plans[start : start + AT_ONCE]
        requests = [request for plan in some for request in _requests(plan)]
        try:
            lines = shell.ask([line.format(index) for index, line in enumerate(requests)]) if requests else ()
            found += _resorted(some, tuple(_read(some, _numbered(lines))), shell)
        except HostUnreachable as error:
            found += [PathFacts(problem=error.message) for _ in some]
    return tuple(found)


def _resorted(plans: Sequence[PathPlan], found: Sequence[PathFacts], shell: Shell) -> Iterator[PathFacts]:
    """With the tries that are made only now, of the ways on which no port for migration was reached."""
    needed = {
        index: plan.last_resort for index, plan in enumerate(plans) if plan.last_resort and _is_closed(found[index])
    }
    asked = [f"port {number} {each.host} {each.port}" for number, each in enumerate(needed.values())]
    said = _numbered(shell.ask(asked)) if asked else {}
    tried = {index: _port(each, said.get(number, "")) for number, (index, each) in enumerate(needed.items())}
    for index, facts in enumerate(found):
        yield replace(facts, ports=(*facts.ports, tried[index])) if index in tried else facts


def _is_closed(facts: PathFacts) -> bool:
    tried = [each.reach for each in facts.ports if each.use is Port.MIGRATION]
    return bool(tried) and all(reach in (Reach.SILENT, Reach.BARRED) for reach in tried)


def _numbered(lines: Sequence[str]) -> Mapping[int, str]:
    """What each request was answered."""
    parts = (line.partition(" ") for line in lines)
    return {int(index): said for index, _, said in parts if index.isascii() and index.isdigit()}


def _requests(plan: PathPlan) -> Iterator[str]:
    """In the order in which `_read` takes the answers; `{}` is for the number."""
    yield from (f"resolve {{}} {name}" for name in plan.names)
    yield from (f"port {{}} {each.host} {each.port}" for each in plan.ports)
    if plan.peer_uri is not None:
        yield f"peer {{}} {silenced(plan.peer_uri)}"
    yield from (f"neighbour {{}} {each.link} {each.address}" for each in plan.neighbours)


def silenced(uri: str) -> str:
    """The URI with ssh kept from asking anything, whatever the user has said."""
    parts = urlsplit(uri)
    if not parts.scheme.endswith("ssh"):
        return uri
    query = [word for word in parts.query.split("&") if word and not word.startswith("no_tty=")]
    return parts._replace(query="&".join([*query, "no_tty=1"])).geturl()


def _read(plans: Sequence[PathPlan], said: Mapping[int, str]) -> Iterator[PathFacts]:
    lines = iter([said.get(index, "") for index in range(sum(len(list(_requests(plan))) for plan in plans))])
    for plan in plans:
        yield PathFacts(
            names=tuple(_name(name, next(lines)) for name in plan.names),
            ports=tuple(_port(each, next(lines)) for each in plan.ports),
            peer=None if plan.peer_uri is None else _peer(plan.peer_uri, next(lines)),
            neighbours=tuple(_neighbour(each, next(lines)) for each in plan.neighbours),
        )


def _name(name: str, line: str) -> Resolved:
    what, _, rest = line.partition(" ")
    if what != "name":
        return Resolved(name, None)
    found = (entry.split() for entry in rest.split("\t"))
    return Resolved(name, tuple(dict.fromkeys(words[0] for words in found if words)))


def _port(plan: PortPlan, line: str) -> TriedPort:
    what, _, rest = line.partition(" ")
    status, _, said = rest.partition(" ")
    if what != "port":
        return TriedPort(plan.use, plan.host, plan.port, Reach.UNKNOWN, rest or "no answer")
    return TriedPort(plan.use, plan.host, plan.port, reach(status, said), _last(said))


def reach(status: str, said: str) -> Reach:
    """Of a shell's status and words."""
    if status == "0":
        return Reach.OPEN
    if status == _TIMED_OUT:
        return Reach.SILENT
    return next((found for words, found in _REACHES if words in said), Reach.UNKNOWN)


def _last(said: str) -> str:
    """Bash says where it is, then what it met."""
    return said.strip("\t").split("\t")[0].rpartition(": ")[2]


def _peer(uri: str, line: str) -> TriedPeer:
    what, _, rest = line.partition(" ")
    if what != "peer":
        return TriedPeer(uri, problem=rest or "no answer", tried=False)
    lines = [part.strip() for part in rest.split("\t") if part.strip()]
    named = next((part[5:].strip() for part in lines if part.startswith("host=") and part != "host="), None)
    return TriedPeer(uri, named, None if named else "; ".join(lines))


def _neighbour(plan: NeighbourPlan, line: str) -> TriedNeighbour:
    what, _, rest = line.partition(" ")
    facts = (plan.link, plan.address, plan.there, plan.mac)
    if what != "neighbour":
        return TriedNeighbour(*facts, tried=False)
    status, _, words = rest.partition(" ")
    entry, _, said = words.partition("\t")
    found = re.search(r"\blladdr ([0-9a-f:]{17})\b", entry.lower())
    # No route: with a neighbour known, it was he who answered so; without, the kernel gave up looking.
    answered = reach(status, said) in (Reach.OPEN, Reach.REFUSED, Reach.BARRED)
    sure = answered or any(state in entry.split() for state in _SURE_STATES)
    return TriedNeighbour(*facts, answered=found[1] if found else None, fresh=bool(found) and sure)
