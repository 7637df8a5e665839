"""Look at everything that must be true after the switch. Nothing is changed here, whatever is found."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vmferry.errors import HostUnreachable, VmferryError
from vmferry.model.guest import GuestState
from vmferry.model.job import Plan
from vmferry.model.migration import Verified
from vmferry.ports import HostPort, Prober
from vmferry.service.answers import answers
from vmferry.service.sides import Sides
from vmferry.xml.disks import disks
from vmferry.xml.parse import parse

LIMIT_S = 10.0
ONE_HOST_S = 5.0
"""For the hosts that the guest must not be on: one of them that hangs must not use up the time of all."""

ONE_COPY, DEFINITION, ANSWERS = "one running copy", "definition on the target only", "answers on the network"


def verify(plan: Plan, sides: Sides, others: Sequence[HostPort], prober: Prober) -> tuple[Verified, ...]:
    """All of it at the same time; one line a thing, `ok` None where it could not be looked at.

    `plan`: the guest as it should be on the target.
    """
    checks: list[tuple[str, Callable[[], tuple[bool | None, str]]]] = [
        (ONE_COPY, lambda: _one_copy(plan, sides, others)),
        (DEFINITION, lambda: _definition(plan, sides)),
        ("disks without an error", lambda: _disks(plan, sides)),
        (ANSWERS, lambda: answers(plan, sides, prober)),
    ]
    told = sides.together([call for _, call in checks], LIMIT_S)
    return tuple(_verified(what, answer, sides) for (what, _), answer in zip(checks, told, strict=True))


def _verified(what: str, answer: tuple[bool | None, str] | Exception, sides: Sides) -> Verified:
    """Whatever kept it from being looked at leaves it open: the guest has moved, and no error may hide that."""
    if isinstance(answer, TimeoutError):
        return Verified(what, None, f"{answer} from {sides.target_name} or {sides.source_name}")
    if isinstance(answer, Exception):
        return Verified(what, None, answer.message if isinstance(answer, VmferryError) else f"{answer!r}")
    return Verified(what, *answer)


def _one_copy(plan: Plan, sides: Sides, others: Sequence[HostPort]) -> tuple[bool | None, str]:
    state = sides.host(sides.target_name).guest_state(plan.guest_uuid)
    if state is None or not state.active:
        return False, f"on {sides.target_name} it is {state or 'absent'}"
    elsewhere = [(sides.source_name, sides.source), *((host.entry.name, host) for host in others)]
    answers = sides.together([_state_of(name, host, plan.guest_uuid) for name, host in elsewhere], ONE_HOST_S)
    told = [(name, answer) for (name, _), answer in zip(elsewhere, answers, strict=True)]
    unasked = [name for name, answer in told if isinstance(answer, Exception)]
    second = [name for name, answer in told if isinstance(answer, GuestState) and answer.active]
    if second:
        return False, f"it is {state} on {sides.target_name} and ALSO active on {', '.join(second)}"
    if sides.source_name in unasked:
        return None, f"it is {state} on {sides.target_name}; {sides.source_name} could not be asked"
    silent = f"; {', '.join(unasked)} could not be asked" if unasked else ""
    if state is GuestState.CRASHED:
        silent += f"; it has crashed: see its console, and virsh reset on {sides.target_name}"
    return True, f"it is {state} on {sides.target_name} and on no other host that was asked{silent}"


def _state_of(name: str, host: HostPort | None, uuid: str) -> Callable[[], GuestState | None]:
    def ask() -> GuestState | None:
        if host is None:
            raise HostUnreachable(name, f"host {name} cannot be reached")
        return host.guest_state(uuid)

    return ask


def _definition(plan: Plan, sides: Sides) -> tuple[bool | None, str]:
    if not plan.persistent:
        return True, "the guest is transient, as it was"
    if sides.host(sides.source_name).guest_state(plan.guest_uuid) is not None:
        return False, f"{sides.source_name} still has a definition"
    if not sides.host(sides.target_name).guest_persistent(plan.guest_uuid):
        return False, f"{sides.target_name} has no persistent definition"
    return True, f"persistent on {sides.target_name}, gone from {sides.source_name}"


def _disks(plan: Plan, sides: Sides) -> tuple[bool | None, str]:
    target = sides.host(sides.target_name)
    problems = target.disk_problems(plan.guest_uuid)
    if problems:
        return False, "; ".join(f"{disk}: {problem}" for disk, problem in problems)
    facts = target.guest_facts(plan.guest_uuid)
    after = tuple((disk.target, disk.source) for disk in facts.guest.disks)
    if plan.disks != after:
        return False, f"the disks differ: {list(plan.disks)} wanted, {list(after)} there"
    if plan.kept is not None and facts.inactive_xml is not None:
        defined = disks(parse(facts.inactive_xml, f"the definition on {sides.target_name}"))
        kept = tuple((disk.target, disk.source) for disk in defined)
        if plan.kept != kept:  # at its next start the guest would write to what is another's here
            return (
                False,
                f"the disks of the definition that is kept differ: {list(plan.kept)} wanted, {list(kept)} there",
            )
    return True, f"{len(after)} disk{'' if len(after) == 1 else 's'}, the same sources, no I/O error"
