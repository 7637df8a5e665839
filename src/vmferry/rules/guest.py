"""The guest itself can be moved live, and nobody on the target has its name or UUID."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from vmferry.facts.guest import GuestFacts, Reason
from vmferry.facts.host import KnownGuest
from vmferry.facts.move import MoveFacts
from vmferry.model.finding import Finding, Severity
from vmferry.model.guest import Guest, GuestState
from vmferry.rules.alike import by_files
from vmferry.rules.registry import Voice, guest_rule, move_rule

FOR_NOW = (
    Reason.SAVE,
    Reason.DUMP,
    Reason.SNAPSHOT,
    Reason.STARTING_UP,
    Reason.SHUTTING_DOWN,
    Reason.MIGRATION,
    Reason.POST_COPY,
)
"""What pauses a guest and ends by itself."""


@guest_rule(
    "guest.running",
    "the guest runs",
    "libvirt: domain is not running; cannot migrate domain with I/O error; Can't migrate the vm that was paused due to "
    "previous migration",
)
def guest_running(facts: GuestFacts, say: Voice) -> Iterator[Finding]:
    guest, reason = facts.guest, facts.reason
    required = "a running guest"
    if reason is not None:
        yield _judge_reason(facts, reason, required, say)
    elif guest.state in (GuestState.RUNNING, GuestState.BLOCKED):
        yield say.ok(guest.name, "it runs", required)
    elif guest.state is GuestState.PAUSED:
        yield say.warn(guest.name, "it is paused", required, f"virsh resume {guest.name}, or it arrives paused")
    else:
        yield say.refuse(guest.name, f"its state is {guest.state}", required, _revival(guest))


def _revival(guest: Guest) -> str:
    match guest.state:
        case GuestState.SUSPENDED:
            return f"on {guest.host}: virsh dompmwakeup {guest.name}"
        case GuestState.SHUTTING_DOWN:
            return f"wait until it is shut off or has started again: virsh domstate {guest.name} on {guest.host}"
        case GuestState.CRASHED:
            return f"on {guest.host}: virsh destroy {guest.name}, then virsh start {guest.name}"
        case _:
            return f"virsh start {guest.name} on {guest.host}"


def _judge_reason(facts: GuestFacts, reason: Reason, required: str, say: Voice) -> Finding:
    guest = facts.guest
    observed = f"it is {guest.state} by {reason}"
    if reason is Reason.IO_ERROR:
        remedy = f"on {guest.host}: virsh domblkerror {guest.name}; mend that storage, then virsh resume {guest.name}"
    elif reason is Reason.POST_COPY_FAILED:
        remedy = "its memory is on two hosts: mend the network between them, then virsh migrate ... --postcopy-resume"
    elif reason in (Reason.MIGRATION, Reason.RESUME_FAILED) and facts.job is None:
        observed += ", and no job runs: one that ended badly left it so"
        remedy = f"look for a running copy: virsh domstate {guest.uuid} on every host; only if there is none, resume it"
    elif reason in FOR_NOW:
        remedy = f"wait for its end: virsh domjobinfo {guest.name} on {guest.host}"
    else:
        remedy = (
            f"on {guest.host}: virsh console {guest.name}, to see why; then virsh reset or virsh resume {guest.name}"
        )
    return say.refuse(guest.name, observed, required, remedy)


@guest_rule(
    "guest.no-job",
    "no job of libvirt runs on the guest",
    "libvirt: another migration job is already running; cannot acquire state change lock",
)
def no_job(facts: GuestFacts, say: Voice) -> Iterator[Finding]:
    guest, job = facts.guest, facts.job
    if job is None:
        yield say.ok(guest.name, "no job runs", "no running job")
    else:
        remedy = f"wait for its end: virsh domjobinfo {guest.name} on {guest.host}"
        yield say.refuse(guest.name, f"its {job} runs", "no running job", remedy)


@guest_rule(
    "guest.block-job",
    "no block job runs on the guest's disks",
    "libvirt: domain has active block job",
)
def no_block_job(facts: GuestFacts, say: Voice) -> Iterator[Finding]:
    guest, required = facts.guest, "no running block job"
    if facts.block_jobs is None:
        if facts.job is None:
            yield say.unknown(guest.name, "its block jobs are not known", required, f"virsh blockjob {guest.name} DISK")
        return
    for job in facts.block_jobs:
        done = "" if job.percent is None else f", {job.percent} % done"
        remedy = f"wait for its end, or on {guest.host}: virsh blockjob {guest.name} {job.target} --abort"
        if job.kind in ("copy", "active commit") and job.percent == 100:
            remedy += ", or --pivot to take the copy"
        yield say.refuse(job.target, f"a {job.kind} job runs{done}", required, remedy)
    if not facts.block_jobs:
        yield say.ok(guest.name, "none runs", required)


@guest_rule(
    "guest.snapshots",
    "libvirt keeps no snapshots of the guest",
    "libvirt: cannot migrate domain with ... snapshots",
)
def no_snapshots(facts: GuestFacts, say: Voice) -> Iterator[Finding]:
    guest, required = facts.guest, "no snapshots"
    if facts.snapshots is None:
        yield say.unknown(guest.name, "its snapshots are not known", required, f"virsh snapshot-list {guest.name}")
    elif not facts.snapshots:
        yield say.ok(guest.name, "none is kept", required)
    else:
        shown = ", ".join(f"{each.name!a} ({'internal' if each.internal else 'external'})" for each in facts.snapshots)
        delete = f"virsh snapshot-delete {shlex.quote(guest.name)}"
        commands = "; ".join(f"{delete} {shlex.quote(each.name)} --metadata" for each in facts.snapshots)
        remedy = f"on {guest.host}, which leaves the images as they are: {commands}"
        yield say.refuse(guest.name, shown, required, f"{remedy} (keep virsh snapshot-dumpxml of each to redefine it)")


@guest_rule(
    "guest.checkpoints",
    "no checkpoints would be left behind",
    "libvirt: the definitions of checkpoints stay on the source and go with the guest's own",
    severity=Severity.WARN,
)
def no_checkpoints(facts: GuestFacts, say: Voice) -> Iterator[Finding]:
    guest, required = facts.guest, "no checkpoints"
    if facts.checkpoints:
        shown = ", ".join(f"{name!a}" for name in facts.checkpoints)
        remedy = f"on {guest.host}: virsh checkpoint-dumpxml {guest.name} NAME for each; redefine them on the target"
        yield say.warn(guest.name, shown, required, remedy)
    elif facts.checkpoints is not None:
        yield say.ok(guest.name, "there are none", required)


@move_rule(
    "guest.identity",
    "the guest's name and UUID are free on the target",
    "libvirt: domain '...' already exists with uuid ...; domain '...' is already active",
    alike=by_files,
)
def identity_free(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    guest, target = move.guest.guest, move.target.host
    required = "no guest of this name or UUID on the target"
    taken = [known for known in target.guests if guest.name == known.name or guest.uuid == known.uuid]
    for known in taken:
        kind = "running" if known.active else "shut off"
        observed = f"{target.name} has a {kind} guest {known.name} with UUID {known.uuid}{_differing(guest, known)}"
        yield say.refuse(target.name, observed, required, _settle(target.name, known))
    if not taken:
        yield say.ok(target.name, "both are free", required)


def _differing(guest: Guest, known: KnownGuest) -> str:
    """What its definition says otherwise, as far as it is told."""
    found = []
    if known.name != guest.name:
        found.append(f"the name is not {guest.name}")
    if known.uuid != guest.uuid:
        found.append(f"the UUID is not {guest.uuid}")
    if known.memory_bytes is not None and known.memory_bytes != guest.memory_bytes:
        found.append(f"{known.memory_bytes >> 20} MiB of memory, not {guest.memory_bytes >> 20}")
    disks = tuple(disk.source for disk in guest.disks if disk.source and not (disk.read_only or disk.shareable))
    if known.disks and set(known.disks) != set(disks):
        found.append(f"disks {', '.join(known.disks)}, not {', '.join(disks) or 'none'}")
    return f" ({', '.join(found)})" if found else ""


def _settle(target: str, known: KnownGuest) -> str:
    look = f"on {target}: virsh dumpxml {known.uuid}"
    if known.active:
        return f"{look}; stop here and find out which copy is right, then shut the other down and undefine it"
    return f"{look}; if it is stale: virsh undefine {known.uuid} --keep-nvram --keep-tpm there, or virsh domrename it"
