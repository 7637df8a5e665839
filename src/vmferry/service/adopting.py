"""Take charge of a migration that no job of this store knows: begun by virsh, by another store, or before this one was
lost.

Nothing is taken for granted: which host sends and which receives is what libvirt on both says now. From then on it is a
job like any other whose worker died in the middle of its copy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vmferry.errors import Refused, UserError, VmferryError
from vmferry.facts.look import INCOMING, OUTGOING, Look
from vmferry.flow.effects import Effect, What
from vmferry.flow.journal import Entry, Kind
from vmferry.flow.sights import Sight, sight
from vmferry.flow.states import Event, State
from vmferry.model.guest import GuestState
from vmferry.model.job import Job, Lease, Plan
from vmferry.model.migration import MigrationResult
from vmferry.ports import Store
from vmferry.service.fleet import Fleet
from vmferry.service.inventory import list_guests
from vmferry.service.migrate import Tools
from vmferry.service.record import Record
from vmferry.service.steps import stamp

RECEIVING = (Sight.ARRIVING, Sight.POST_COPY, Sight.POST_COPY_BROKEN)
SENDING = (Sight.MOVING, Sight.SWITCHING, Sight.POST_COPY, Sight.POST_COPY_BROKEN)


@dataclass(frozen=True, slots=True)
class Underway:
    """A migration as both hosts have it."""

    uuid: str
    source: str
    target: str


def find_underway(fleet: Fleet, store: Store, wanted: str) -> Underway:
    """Raises UserError for an unknown guest, Refused where it is not being migrated between two hosts that answer."""
    known = [guest for guest in list_guests(fleet, store).guests if wanted in (guest.name, guest.uuid)]
    if not known:
        raise UserError(f"there is no guest {wanted!a} on any host that answers; see vmferry guest list")
    uuid = known[0].uuid
    if any(guest.uuid != uuid for guest in known):
        raise UserError(f"{wanted} is the name of more than one guest; give the UUID instead")
    looks = fleet.ask(lambda host: host.look(uuid), [guest.host for guest in known])
    source = _the_one(looks, SENDING, OUTGOING)
    target = _the_one(looks, RECEIVING, INCOMING)
    if source is None or target is None or source == target:
        places = ", ".join(f"{name}: {_said(look)}" for name, look in sorted(looks.items()))
        text = f"guest {wanted} is not being migrated from one host to another ({places}): nothing to take charge of"
        raise Refused(text)
    return Underway(uuid, source, target)


def _the_one(looks: Mapping[str, Look | VmferryError | None], sights: tuple[Sight, ...], job: str) -> str | None:
    """The job tells the two halves of a post-copy apart, where libvirt still has it."""
    fitting = {name: look for name, look in looks.items() if isinstance(look, Look) and sight(look) in sights}
    with_job = [name for name, look in fitting.items() if look.job == job]
    names = with_job or list(fitting)
    return names[0] if len(names) == 1 else None


def _said(look: Look | VmferryError | None) -> str:
    return look.message if isinstance(look, VmferryError) else str(sight(look))


def take_charge(fleet: Fleet, tools: Tools, found: Underway) -> tuple[Job, Lease]:
    """A job for it, held by this worker. Raises Refused where the store has one already."""
    source = fleet.host(found.source)
    facts = source.guest_facts(found.uuid)
    guest, probe = facts.guest, facts.probe
    plan = Plan(
        guest_uuid=found.uuid,
        paused=guest.state is GuestState.PAUSED and facts.reason is None,
        persistent=guest.persistent,
        memory_bytes=guest.memory_bytes,
        disks=tuple((disk.target, disk.source) for disk in guest.disks),
        address=probe.address if probe else None,
        url=probe.url if probe else None,
    )
    result = MigrationResult(tools.new_job(), guest.name, found.source, found.target, outcome=None)
    job = Job(result, plan, State.PLANNED, tools.worker)
    first = Entry(Kind.STATE, State.PLANNED, text="begun by somebody else", at=stamp(tools.now()), worker=tools.worker)
    lease = tools.jobs.open(job, first, tools.worker)
    record = Record(tools.jobs, tools.clock, tools.now, lease, job, [first])
    reached = [State.CHECKED, State.RESERVED, State.PREPARED, State.COPYING]
    entered = [record.entry(Kind.STATE, state=state, event=Event.GO) for state in reached]
    record.write(*entered, record.entry(Kind.INTENT, effect=Effect(What.COPY, found.source)))
    return record.job, lease
