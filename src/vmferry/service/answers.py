"""Whether a guest answers after its switch: on the network, and by the agent in it."""

from __future__ import annotations

from collections.abc import Callable

from vmferry.errors import VmferryError
from vmferry.model.guest import Probe
from vmferry.model.job import Plan
from vmferry.ports import Prober
from vmferry.service.sides import Sides
from vmferry.xml.nics import ports
from vmferry.xml.parse import parse

ANSWER_S = 5.0
"""How long the guest has for its first answer from the target."""

ARP_S = 1.0

Seen = tuple[bool | None, str]
"""As `Verified`."""


def answers(plan: Plan, sides: Sides, prober: Prober) -> Seen:
    """On the network, where an address is known; the agent's word alone only where none is."""
    if plan.user_paused:
        return None, "it was paused during the copy, and is paused again"
    calls: list[Callable[[], Seen]] = [lambda: _outside(plan, prober), lambda: _agent(plan, sides)]
    told = sides.together(calls, ANSWER_S + 1)
    (outside, seen), (agent, agents) = ((None, f"{each}") if isinstance(each, Exception) else each for each in told)
    if plan.address is None and plan.url is None:
        return agent, f"{seen}; {agents}"
    if outside is False and plan.address is not None and plan.url is None and _has_address(plan, sides, prober):
        return True, f"{seen}, but its card answers ARP"
    if outside:
        return True, seen
    words = [seen, *([agents] if agent is not None else []), *([_cards(plan, sides)] if outside is False else [])]
    return outside, "; ".join(words)


def _outside(plan: Plan, prober: Prober) -> Seen:
    if plan.address is None and plan.url is None:
        return None, "no address of the guest is known"
    try:
        return prober.answers(Probe(plan.address, plan.url), ANSWER_S)
    except VmferryError as error:
        return None, error.message


def _has_address(plan: Plan, sides: Sides, prober: Prober) -> bool:
    """By its own card: what else it answers is its firewall's matter."""
    try:
        nics = sides.host(sides.target_name).guest_facts(plan.guest_uuid).guest.nics
        return bool(prober.has_address(plan.address or "", [nic.mac for nic in nics], ARP_S))
    except VmferryError:
        return False


def _agent(plan: Plan, sides: Sides) -> Seen:
    if plan.paused:
        return None, "its agent was not asked, since it is paused"
    try:
        told = sides.host(sides.target_name).agent_answers(plan.guest_uuid)
    except VmferryError as error:
        return None, error.message
    if told is None:
        return None, "no agent in it is connected"
    return told, "its agent answers" if told else "its agent does not answer"


def _cards(plan: Plan, sides: Sides) -> str:
    """Where to look for a guest that does not answer."""
    try:
        facts = sides.host(sides.target_name).guest_facts(plan.guest_uuid)
        plugged = ports(parse(facts.live_xml, "the running definition"))
    except VmferryError as error:
        return f"its cards could not be seen: {error.message}"
    cards = [
        f"{nic.mac} at {plugged.get(nic.mac, 'no device')}, {nic.kind} {nic.source or ''}".strip()
        for nic in facts.guest.nics
    ]
    return f"on {sides.target_name} look at {'; '.join(cards)}" if cards else "it has no card"
