"""What libvirt on the source is told, for a copy and for going on with a broken one."""

from __future__ import annotations

from dataclasses import replace

from vmferry.facts.move import MoveFacts
from vmferry.model.bandwidth import each_disk
from vmferry.model.host import HostEntry
from vmferry.model.job import Plan
from vmferry.model.migration import MigrationOrder
from vmferry.model.tuning import PLAIN


def copy_order(plan: Plan, entry: HostEntry, move: MoveFacts, definition: str | None) -> MigrationOrder:
    """`entry`: the target. `definition`: the user's own, as XML."""
    tuning = plan.tuning
    if plan.post_copy and tuning.post_copy_bandwidth_bytes_s is None:
        # A limit is one of the link: it does not end where the guest begins to run on the other side.
        tuning = replace(tuning, post_copy_bandwidth_bytes_s=plan.bandwidth_bytes_s)
    return MigrationOrder(
        guest_uuid=plan.guest_uuid,
        peer_uri=entry.peer_uri or entry.uri,
        data_uri=data_uri(entry.migration_address),
        persistent=plan.persistent,
        bandwidth_bytes_s=plan.bandwidth_bytes_s,
        edits=move.target.edits,
        target_xml=definition,
        tuning=tuning,
        post_copy=plan.post_copy,
        copies=plan.copies,
        incremental=plan.incremental,
        synchronous_writes=plan.synchronous_writes,
        detect_zeroes=plan.detect_zeroes,
        disk_bandwidth_bytes_s=each_disk(plan),
    )


def resume_order(plan: Plan, entry: HostEntry) -> MigrationOrder:
    """All else is as it was when it began."""
    tuning = replace(PLAIN, tls=plan.tuning.tls, tls_destination=plan.tuning.tls_destination)
    return MigrationOrder(
        guest_uuid=plan.guest_uuid,
        peer_uri=entry.peer_uri or entry.uri,
        data_uri=data_uri(entry.migration_address),
        persistent=plan.persistent,
        tuning=tuning,
        resume=True,
    )


def data_uri(migration_address: str | None) -> str | None:
    """Where the memory goes, in libvirt's form."""
    if migration_address is None:
        return None
    return f"tcp://[{migration_address}]" if ":" in migration_address else f"tcp://{migration_address}"
