"""Look at everything that must be true after the switch. Nothing is changed here, whatever is found."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vmferry.errors import VmferryError
from vmferry.facts.guest import GuestFacts
from vmferry.model.guest import GuestState, Probe
from vmferry.model.migration import Verified
from vmferry.ports import HostPort, Prober
from vmferry.service.parallel import all_at_once

LIMIT_S = 10.0
ONE_HOST_S = 5.0
"""For the hosts that the guest must not be on: one of them that hangs must not use up the time of all."""

ANSWER_S = 5.0
"""How long the guest has for its first answer from the target."""

ONE_COPY = "one running copy"


def verify(
    facts: GuestFacts,
    source: HostPort,
    target: HostPort,
    others: Sequence[HostPort],
    probe: Probe | None,
    prober: Prober,
) -> tuple[Verified, ...]:
    """All of it at the same time; one line a thing, `ok` None where it could not be looked at.

    `facts`: the guest as it should be on the target.
    """
    checks: list[tuple[str, Callable[[], tuple[bool | None, str]]]] = [
        (ONE_COPY, lambda: _one_copy(facts, source, target, others)),
        ("definition on the target only", lambda: _definition(facts, source, target)),
        ("disks without an error", lambda: _disks(facts, target)),
        ("answers on the network", lambda: _answers(probe, prober)),
    ]
    answers = all_at_once([call for _, call in checks], LIMIT_S)
    return tuple(_verified(what, answer) for (what, _), answer in zip(checks, answers, strict=True))


def _verified(what: str, answer: tuple[bool | None, str] | Exception) -> Verified:
    """Whatever kept it from being looked at leaves it open: the guest has moved, and no error may hide that."""
    if isinstance(answer, Exception):
        return Verified(what, None, answer.message if isinstance(answer, VmferryError) else f"{answer!r}")
    return Verified(what, *answer)


def _one_copy(
    facts: GuestFacts, source: HostPort, target: HostPort, others: Sequence[HostPort]
) -> tuple[bool | None, str]:
    uuid = facts.guest.uuid
    wanted = {GuestState.PAUSED} if facts.guest.state is GuestState.PAUSED else {GuestState.RUNNING, GuestState.BLOCKED}
    state = target.guest_state(uuid)
    if state not in wanted:
        return False, f"on {target.entry.name} it is {state or 'absent'}"
    elsewhere = [source, *others]
    answers = all_at_once([_state_of(host, uuid) for host in elsewhere], ONE_HOST_S)
    unasked = [h.entry.name for h, a in zip(elsewhere, answers, strict=True) if isinstance(a, Exception)]
    second = [h.entry.name for h, a in zip(elsewhere, answers, strict=True) if isinstance(a, GuestState) and a.active]
    if second:
        return False, f"it is {state} on {target.entry.name} and ALSO active on {', '.join(second)}"
    if source.entry.name in unasked:
        return None, f"it is {state} on {target.entry.name}; {source.entry.name} could not be asked"
    silent = f"; {', '.join(unasked)} could not be asked" if unasked else ""
    return True, f"it is {state} on {target.entry.name} and on no other host that was asked{silent}"


def _state_of(host: HostPort, uuid: str) -> Callable[[], GuestState | None]:
    return lambda: host.guest_state(uuid)


def _definition(facts: GuestFacts, source: HostPort, target: HostPort) -> tuple[bool | None, str]:
    uuid = facts.guest.uuid
    if not facts.guest.persistent:
        return True, "the guest is transient, as it was"
    if source.guest_state(uuid) is not None:
        return False, f"{source.entry.name} still has a definition"
    if not target.guest_persistent(uuid):
        return False, f"{target.entry.name} has no persistent definition"
    return True, f"persistent on {target.entry.name}, gone from {source.entry.name}"


def _disks(facts: GuestFacts, target: HostPort) -> tuple[bool | None, str]:
    problems = target.disk_problems(facts.guest.uuid)
    if problems:
        return False, "; ".join(f"{disk}: {problem}" for disk, problem in problems)
    arrived = target.guest_facts(facts.guest.uuid).guest.disks
    wanted = [(disk.target, disk.source) for disk in facts.guest.disks]
    after = [(disk.target, disk.source) for disk in arrived]
    if wanted != after:
        return False, f"the disks differ: {wanted} wanted, {after} there"
    return True, f"{len(after)} disk{'' if len(after) == 1 else 's'}, the same sources, no I/O error"


def _answers(probe: Probe | None, prober: Prober) -> tuple[bool | None, str]:
    if probe is None or (probe.address is None and probe.url is None):
        return None, "no address of the guest is known"
    try:
        return prober.answers(probe, ANSWER_S)
    except VmferryError as error:
        return None, error.message
