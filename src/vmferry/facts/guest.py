"""What its source host answered of one guest."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from vmferry.facts.disk import DiskSight as DiskSight
from vmferry.facts.needs import NO_NEEDS, Needs
from vmferry.model.guest import Guest, Probe
from vmferry.model.tuning import Convergence


class Reason(enum.StrEnum):
    """Why a guest is in a state that is not its ordinary one."""

    MIGRATION = "a migration"
    SAVE = "its save"
    DUMP = "its dump"
    IO_ERROR = "an I/O error"
    WATCHDOG = "its watchdog"
    SHUTTING_DOWN = "its shutdown"
    SNAPSHOT = "a snapshot"
    CRASHED = "a crash"
    STARTING_UP = "its start"
    POST_COPY = "post-copy"
    POST_COPY_FAILED = "a failed post-copy"
    RESUME_FAILED = "a resume that failed"
    """After a migration, a save or a snapshot: libvirt's `api error`."""


@dataclass(frozen=True, slots=True)
class BlockJob:
    """A job of QEMU's on one disk."""

    target: str
    kind: str
    """`pull`, `copy`, `commit`, `active commit`, `backup`."""
    percent: int | None
    """None: QEMU does not know yet how much there is."""


@dataclass(frozen=True, slots=True)
class GuestSnapshot:
    name: str
    internal: bool
    """Kept inside the images; an external one is a chain of files."""


@dataclass(frozen=True, slots=True)
class GuestFacts:
    """One guest on its source host."""

    guest: Guest
    live_xml: str
    """The definition as it runs; the inactive one where the guest is shut off."""
    virt_type: str
    arch: str
    machine: str
    cpu_xml: str | None
    """The `<cpu>` element of the live XML, expanded by libvirt to what the guest really has."""
    cpu_mode: str | None = None
    """Of that element: `custom`, `host-passthrough`, ..."""
    max_vectors: tuple[tuple[str, int], ...] = ()
    """Every place of the definition that sets or implies MSI-X vectors of a virtio device: (place, number)."""
    probe: Probe | None = None
    convergence: Convergence | None = None
    """What its definition's metadata says of how far a migration may go."""
    memory_used_bytes: int | None = None
    """What the first round copies, as nearly as the host can tell; None: not known."""
    job: str | None = None
    """The kind of libvirt job that runs on it, as `outgoing migration`; None: none that libvirt tells of."""
    needs: Needs = NO_NEEDS
    migratable_xml: str | None = None
    """The definition in the form that libvirt migrates and compares with another; None: not told."""
    inactive_xml: str | None = None
    """The definition that its next start takes; None: it has none, it is transient."""
    reason: Reason | None = None
    """Why it is in its state; None: nothing out of the ordinary."""
    snapshots: tuple[GuestSnapshot, ...] | None = ()
    """None: not told."""
    checkpoints: tuple[str, ...] | None = ()
    """None: not told."""
    block_jobs: tuple[BlockJob, ...] | None = ()
    """None: not told."""
    capacities: tuple[tuple[str, int], ...] = ()
    """(target, bytes) of its disks as the guest sees them, by its QEMU; of those for which it said so."""
    sounds: tuple[str, ...] = ()
    """Models of its sound cards; the next, of its graphics cards."""
    videos: tuple[str, ...] = ()
    cpu_features: frozenset[str] | None = None
    """All that its CPU has, those of its model too, as its host's libvirt expands them; None: not told."""


class CpuMatch(enum.StrEnum):
    """Libvirt's own verdict on running the guest's CPU on the target."""

    INCOMPATIBLE = "incompatible"
    IDENTICAL = "identical"
    SUPERSET = "superset"
    UNKNOWN = "unknown"
