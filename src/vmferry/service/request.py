"""What is asked for, with the hosts connected: one migration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from vmferry.facts.wish import MoveWish
from vmferry.model.group import NO_GROUPS, Groups
from vmferry.model.guest import Guest, Probe
from vmferry.model.slots import UNLIMITED, Slots
from vmferry.model.storage import UNSAID, Storage, StorageWish
from vmferry.model.tuning import PLAIN, STALL_S, Convergence, Encryption, Tuning
from vmferry.model.weights import USUAL_WEIGHTS, Weights
from vmferry.ports import HostPort
from vmferry.rules.policy import NO_POLICY, Policy
from vmferry.service.check import Checked
from vmferry.service.survey import Unreached

PATIENCE_S = 30.0
"""Libvirt needs a moment to clean up a target whose QEMU died; a dead peer is seen by its keepalive after 30 s."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for, with the hosts already connected."""

    guest: Guest
    source: HostPort
    targets: Sequence[HostPort]
    """The hosts to choose from; one where the user named it."""
    others: Sequence[HostPort] = ()
    """Every other connected host: where a second copy of the guest must not run."""
    unreached: Sequence[Unreached] = ()
    probe: Probe | None = None
    """The user's own word on how the guest is seen; None leaves it to the guest's metadata."""
    bandwidth_bytes_s: int | None = None
    max_downtime_ms: int | None = None
    max_time_s: float | None = None
    """For the copy."""
    stall_timeout_s: float | None = STALL_S
    """As of the plan."""
    convergence: Convergence | None = None
    """None: the guest's own word, else `usual`."""
    usual: Convergence = Convergence.BALANCED
    post_copy: bool | None = None
    """The user's own word; None: where the policy has a use for it and it is safe."""
    tuning: Tuning = PLAIN
    encryption: Encryption = Encryption.OFF
    """What is laid down; `tuning.tls` is the user's own word for this one."""
    accept_unknown: bool = False
    """Go on although something could not be looked at: the user's own word."""
    dry_run: bool = False
    checked: Checked | None = None
    """By a plan, moments ago."""
    policy: Policy = NO_POLICY
    definition: str | None = None
    """The user's own definition of the guest for the target, as XML."""
    storage: StorageWish = UNSAID
    slots: Slots = UNLIMITED
    """How many may run beside it, here and everywhere."""
    groups: Groups = NO_GROUPS
    weights: Weights = USUAL_WEIGHTS
    settle_limit_s: float = PATIENCE_S
    """How long the hosts may take to agree on who runs the guest after a copy that failed."""


def move_wish(request: Request) -> MoveWish:
    """What the rules judge: post-copy only where the user asks for it, since else it is done without."""
    tuning = request.tuning
    left_open = request.post_copy is None and request.convergence is not Convergence.CAREFUL
    wish = MoveWish(
        persistent=request.guest.persistent,
        post_copy=request.post_copy is True,
        parallel=tuning.parallel,
        connections=tuning.parallel_connections,
        zerocopy=tuning.zerocopy,
        compression=tuning.compression,
        compression_tuning=tuning.compression_tuning,
        auto_converge=tuning.auto_converge,
        auto_converge_initial=tuning.auto_converge_initial,
        auto_converge_increment=tuning.auto_converge_increment,
        encryption=request.encryption,
        tls=tuning.tls,
        tls_destination=tuning.tls_destination,
        bandwidth_bytes_s=request.bandwidth_bytes_s,
        post_copy_bandwidth_bytes_s=None if left_open else tuning.post_copy_bandwidth_bytes_s,
        max_downtime_ms=request.max_downtime_ms,
        definition=request.definition,
        groups=request.groups,
        weights=request.weights,
    )
    return with_disks(wish, request.storage)


def with_disks(wish: MoveWish, storage: StorageWish) -> MoveWish:
    """Which of them are copied, and where to. A definition of the user's own says by itself where the disks are."""
    choice = storage.choice or Storage.AUTO
    return replace(
        wish,
        storage=Storage.SHARED.value if wish.definition is not None else choice.value,
        migrate_disks=storage.disks,
        places=storage.places,
        onto_existing=storage.onto_existing,
        synchronous_writes=storage.synchronous,
    )
