"""A guest of a fake world."""

from __future__ import annotations

from dataclasses import dataclass

from vmferry.facts.guest import GuestFacts
from vmferry.model.guest import Disk, Guest, GuestState, Nic, Probe
from vmferry.model.tuning import Convergence

MACHINE = "pc-q35-7.2"
CPU_XML = "<cpu mode='custom' match='exact'><model>qemu64</model></cpu>"


@dataclass(frozen=True, slots=True)
class FakeGuest:
    """What is the same of it on every host."""

    name: str
    uuid: str
    memory_bytes: int = 512 << 20
    vcpus: int = 1
    cpus_used: float = 0.0
    """At every moment, of whole CPUs."""
    dirty_rate_bytes_s: int = 0
    disks: tuple[Disk, ...] = ()
    nics: tuple[Nic, ...] = ()
    probe: Probe | None = None
    convergence: Convergence | None = None
    machine: str = MACHINE
    virt_type: str = "kvm"
    max_vectors: tuple[tuple[str, int], ...] = ()
    disk_bytes: int = 64 << 20
    """Of each of its disks, all of it written."""
    disk_writes_bytes_s: int = 0
    """To all of them, as long as it runs."""

    def seen(self, host: str, state: GuestState, persistent: bool) -> Guest:
        return Guest(
            self.name, self.uuid, host, state, self.memory_bytes, self.vcpus, persistent, self.disks, self.nics
        )

    def facts(self, host: str, state: GuestState, persistent: bool, job: str | None = None) -> GuestFacts:
        return GuestFacts(
            guest=self.seen(host, state, persistent),
            live_xml=f"<domain type='{self.virt_type}'><name>{self.name}</name><uuid>{self.uuid}</uuid></domain>",
            virt_type=self.virt_type,
            arch="x86_64",
            machine=self.machine,
            cpu_xml=CPU_XML,
            cpu_mode="custom",
            max_vectors=self.max_vectors,
            probe=self.probe,
            convergence=self.convergence,
            memory_used_bytes=self.memory_bytes,
            job=job,
            capacities=tuple((disk.target, self.disk_bytes) for disk in self.disks if disk.source is not None),
        )
