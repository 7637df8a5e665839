"""What a host can give its guests: CPUs, NUMA nodes, huge pages, secrets, by libvirt's word."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DomainSupport:
    """The domain capabilities of one kind of guest, of the default machine."""

    virt_type: str
    """`kvm` or `qemu`."""
    arch: str
    cpu_xml: str | None = None
    """The host's CPU as a guest can have it (`host-model`), as a `<cpu>`."""
    features: frozenset[str] | None = None
    """All features of that CPU, those of its model too; None: not told."""
    models: frozenset[str] = frozenset()
    """Named models that a guest can have here."""
    tpm_backends: frozenset[str] | None = None
    """None: its libvirt does not tell."""


@dataclass(frozen=True, slots=True)
class CommonCpu:
    """What all hosts that told of their CPU can give guests of one kind, by libvirt's word."""

    virt_type: str
    arch: str
    cpu_xml: str
    """A `<cpu>`."""


@dataclass(frozen=True, slots=True)
class HugePages:
    """The host's pages of one size on one NUMA node."""

    size_bytes: int
    total: int
    free: int | None = None
    """None: not told."""


@dataclass(frozen=True, slots=True)
class NumaCell:
    """One NUMA node of the host."""

    id: int
    memory_bytes: int
    cpus: frozenset[int]
    pages: tuple[HugePages, ...] = ()
    """Of every size but the ordinary one."""
    free_bytes: int | None = None
    """Not used by anything, caches included; None: not told."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret that libvirt holds; never its value."""

    uuid: str
    kind: str
    """`none`, `volume`, `ceph`, `iscsi`, `tls`, `vtpm`."""
    usage: str
