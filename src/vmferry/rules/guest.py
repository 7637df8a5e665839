"""The guest itself can be moved live, and nobody on the target has its name or UUID."""

from __future__ import annotations

from collections.abc import Iterator

from vmferry.facts.guest import GuestFacts
from vmferry.facts.move import MoveFacts
from vmferry.model.finding import Finding
from vmferry.model.guest import GuestState
from vmferry.rules.registry import Voice, guest_rule, move_rule


@guest_rule("guest.running", "the guest runs", "libvirt: Requested operation is not valid: domain is not running")
def guest_running(facts: GuestFacts, say: Voice) -> Iterator[Finding]:
    guest = facts.guest
    required = "a running guest"
    if guest.state in (GuestState.RUNNING, GuestState.BLOCKED):
        yield say.ok(guest.name, "it runs", required)
    elif guest.state is GuestState.PAUSED:
        yield say.warn(guest.name, "it is paused", required, f"virsh resume {guest.name}, or it arrives paused")
    else:
        remedy = f"virsh start {guest.name} on {guest.host}"
        yield say.refuse(guest.name, f"its state is {guest.state}", required, remedy)


@guest_rule(
    "guest.no-job",
    "no job of libvirt runs on the guest",
    "libvirt: Timed out during operation: cannot acquire state change lock",
)
def no_job(facts: GuestFacts, say: Voice) -> Iterator[Finding]:
    guest, job = facts.guest, facts.job
    if job is None:
        yield say.ok(guest.name, "no job runs", "no running job")
    else:
        remedy = f"wait for its end: virsh domjobinfo {guest.name} on {guest.host}"
        yield say.refuse(guest.name, f"its {job} runs", "no running job", remedy)


@move_rule(
    "guest.identity",
    "the guest's name and UUID are free on the target",
    "libvirt: domain '...' already exists with uuid ...",
)
def identity_free(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    guest, target = move.guest.guest, move.target.host
    required = "no guest of this name or UUID on the target"
    taken = [known for known in target.guests if guest.name == known.name or guest.uuid == known.uuid]
    for known in taken:
        kind = "running" if known.active else "shut off"
        observed = f"{target.name} has a {kind} guest {known.name} with UUID {known.uuid}"
        look = f"virsh -c {target.name}'s URI dominfo {known.uuid}"
        mend = "stop here and find out which copy is right" if known.active else "undefine or rename it if it is stale"
        yield say.refuse(target.name, observed, required, f"look: {look}; {mend}")
    if not taken:
        yield say.ok(target.name, "both are free", required)
