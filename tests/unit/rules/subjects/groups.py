"""Cases of the rules of groups."""

from __future__ import annotations

from dataclasses import replace

from vmferry.facts.host import KnownGuest
from vmferry.facts.move import MoveFacts
from vmferry.model.group import Group, Groups, Keep

from ..cases import OK, PASSING, REFUSE, UNKNOWN, WARN, Cases

OTHER = KnownGuest("web2", "00000000-0000-4000-8000-00000000000b", True)
SELF = KnownGuest(PASSING.guest.guest.name, PASSING.guest.guest.uuid, True)
RACKS = (("h1", "rack", "r1"), ("h2", "rack", "r2"), ("h3", "rack", "r2"))


def grouped(move: MoveFacts = PASSING, **about: object) -> MoveFacts:
    group = Group("web", ("web*",), **about)  # type: ignore[arg-type]
    return replace(move, wish=replace(move.wish, groups=Groups((group,), RACKS)))


def having(host: str, *guests: KnownGuest, problem: str | None = None) -> MoveFacts:
    """Beside what it has in PASSING; h3 is a third host."""
    third = replace(PASSING.source, name="h3", guests=())
    source, target, third = (
        replace(each, guests=(*each.guests, *guests), problem=problem) if each.name == host else each
        for each in (PASSING.source, PASSING.target.host, third)
    )
    fleet = (source, target, third)
    return replace(PASSING, source=source, target=replace(PASSING.target, host=target), fleet=fleet)


APART, TOGETHER = Keep.APART, Keep.TOGETHER
OFF = replace(OTHER, active=False)

CASES: Cases = {
    "group.apart": [
        ("nobody else", grouped(keep=APART), OK, "none"),
        ("on the target", grouped(having("h2", OTHER), keep=APART), REFUSE, "web2 on h2"),
        ("off there", grouped(having("h2", OFF), keep=APART), OK, "none"),
        ("itself", grouped(having("h2", SELF), keep=APART), OK, "none"),
        ("on another", grouped(having("h3", OTHER), keep=APART), OK, "none"),
        ("a host of the rack was not asked", grouped(keep=APART, label="rack"), UNKNOWN, "h3 did not tell"),
        ("in the same rack", grouped(having("h3", OTHER), keep=APART, label="rack"), REFUSE, "web2 on h3"),
        ("in another rack", grouped(having("h1", OTHER), keep=APART, label="rack"), OK, "none"),
        ("no such label", grouped(having("h3", OTHER), keep=APART, label="room"), OK, "none"),
        ("should only", grouped(having("h2", OTHER), keep=APART, strict=False), WARN, "web2 on h2"),
        (
            "one of the rack is silent",
            grouped(having("h3", problem="no route"), keep=APART, label="rack"),
            UNKNOWN,
            "h3 did not tell",
        ),
    ],
    "group.together": [
        ("alone", grouped(keep=TOGETHER), OK, "there are no others"),
        ("the others are there", grouped(having("h2", OTHER), keep=TOGETHER), OK, "web2"),
        ("they stay behind", grouped(having("h1", OTHER), keep=TOGETHER), WARN, "web2 on h1"),
        ("off", grouped(having("h1", OFF), keep=TOGETHER), OK, "there are no others"),
    ],
    "group.hosts": [
        ("there", grouped(hosts=("h2", "h9")), OK, "h2"),
        ("by a pattern", grouped(hosts=("h*",)), OK, "h2"),
        ("elsewhere", grouped(hosts=("h1",)), REFUSE, "h2"),
        ("should only", grouped(hosts=("h1",), strict=False), WARN, "h2"),
    ],
}
