"""How a migration is wanted: every option that libvirt may refuse in combination with another."""

from __future__ import annotations

from dataclasses import dataclass

from vmferry.model.group import NO_GROUPS, Groups
from vmferry.model.storage import Place
from vmferry.model.tuning import Encryption
from vmferry.model.weights import USUAL_WEIGHTS, Weights


@dataclass(frozen=True, slots=True)
class MoveWish:
    """The options of one migration. Without any: live, over shared storage, one stream, no TLS of QEMU's own."""

    offline: bool = False
    """The guest is shut off and only its definition goes."""
    persistent: bool = True
    """The target keeps the definition."""
    storage: str = "shared"
    """`shared`: the disks stay where they are; `copy`: they are copied with the guest; `auto`: each as is found."""
    incremental: bool = False
    """Of `copy`: only the top image, onto one that is there already."""
    synchronous_writes: bool = False
    """Of `copy`: the guest's writes wait for the target's."""
    migrate_disks: tuple[str, ...] = ()
    """Of `copy`: targets as `vda`; none: all that can be copied."""
    places: tuple[Place, ...] = ()
    """Of `copy`: where disks are wanted on the target, which are copied for that reason too."""
    onto_existing: tuple[str, ...] = ()
    """Of `copy`: disks for which the target has an image already, which is to be written over."""
    disks_port: int | None = None
    disks_uri: str | None = None
    """`tcp://HOST[:PORT]` or `unix:///PATH`."""
    data_uri: str | None = None
    """Where the memory goes, as `tcp://HOST`; None leaves it to libvirt."""
    listen_address: str | None = None
    tunnelled: bool = False
    """Memory goes through libvirt's own connection."""
    post_copy: bool = False
    parallel: bool = False
    connections: int | None = None
    """Streams of `parallel`."""
    zerocopy: bool = False
    compression: tuple[str, ...] = ()
    """`mt`, `xbzrle`, `zlib`, `zstd`."""
    compression_tuning: tuple[tuple[str, int], ...] = ()
    """Libvirt's parameters of the methods by name, as `compression.xbzrle.cache`."""
    auto_converge: bool = False
    auto_converge_initial: int | None = None
    """Per cent by which the guest is slowed down first."""
    auto_converge_increment: int | None = None
    encryption: Encryption = Encryption.OFF
    """By which `tls` is decided for each target."""
    tls: bool = False
    tls_destination: str | None = None
    """The name that the target's certificate has to have."""
    bandwidth_bytes_s: int | None = None
    post_copy_bandwidth_bytes_s: int | None = None
    max_downtime_ms: int | None = None
    definition: str | None = None
    """The user's own definition of the guest for the target, as XML."""
    groups: Groups = NO_GROUPS
    """Which guests are to be apart, together, or on some hosts only."""
    weights: Weights = USUAL_WEIGHTS
    """By which the targets that are left are put in order."""


NO_WISH = MoveWish()
