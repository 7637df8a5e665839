"""What a host's shell told of its system: release, daemons and their settings, what QEMU brings along."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from vmferry.facts.conf import ConfFile

CONF_DIRECTORY = "/etc/libvirt"


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit of systemd, or a service of an older init under the name that its unit would have."""

    name: str
    load: str
    """`loaded`, `masked`, `not-found`, ..."""
    active: str
    """`active`, `inactive`, `failed`, ..."""
    enabled: str
    """`enabled`, `disabled`, `static`, ...; empty where it has no unit file."""


@dataclass(frozen=True, slots=True)
class Daemon:
    """One running process of libvirt's."""

    name: str
    """`libvirtd`, `virtqemud`, `virtproxyd`."""
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hook:
    """One hook script that libvirt would run."""

    path: str
    sha256: str


@dataclass(frozen=True)
class SystemFacts:
    """One host's system. A field that is None was not told."""

    # Without slots, as it keeps what is derived from it: some sixty rules ask for the same.

    os_id: str | None = None
    """Of os-release, as `debian` or `rhel`; releases older than that file are named as it would."""
    os_like: tuple[str, ...] = ()
    """The releases that it says it descends from."""
    os_version: str | None = None
    """As `13` or `7.9`: the longest that the host tells."""
    kernel: str | None = None
    init: str | None = None
    """`systemd`, or `sysv` for what came before; None: neither was seen to run, as in a chroot."""
    units: tuple[Unit, ...] | None = None
    daemons: tuple[Daemon, ...] | None = None
    confs: tuple[ConfFile, ...] | None = None
    """Those of libvirt's files that are there."""
    max_startups: tuple[int, int, int] | None = None
    """Sshd's `MaxStartups`: sessions not yet logged in before it drops some, percent dropped, and the most."""
    userfaultfd: int | None = None
    """The sysctl vm.unprivileged_userfaultfd; None: the kernel has none."""
    userfaultfd_device: bool = False
    kvm: bool | None = None
    """/dev/kvm is there."""
    nested: bool | None = None
    """KVM lets guests run KVM guests; None also where KVM is not loaded."""
    hooks: tuple[Hook, ...] | None = None
    qemu_modules: frozenset[str] | None = None
    """Names of QEMU's block drivers that are modules, as `block-rbd`."""
    firmware: tuple[tuple[str, int], ...] | None = None
    """(path, size in bytes) of ROM and firmware images in the usual directories."""
    selinux: str | None = None
    """`enforcing`, `permissive` or `disabled`."""
    selinux_booleans: tuple[tuple[str, bool], ...] = ()
    """Of those named virt_*."""
    apparmor: bool | None = None
    swtpm: str | None = None
    """Its version; None also where there is no swtpm."""

    def conf(self, name: str) -> ConfFile | None:
        """The file of that name, an empty one where it is missing; None: the files were not told."""
        if self.confs is None:
            return None
        path = f"{CONF_DIRECTORY}/{name}"
        return self._by_path.get(path) or ConfFile(path)

    @cached_property
    def _by_path(self) -> dict[str, ConfFile]:
        return {each.path: each for each in reversed(self.confs or ())}

    def unit(self, name: str) -> Unit | None:
        """None: not told, or there is no such unit."""
        return self._by_unit.get(name)

    @cached_property
    def _by_unit(self) -> dict[str, Unit]:
        return {each.name: each for each in reversed(self.units or ()) if each.load != "not-found"}

    @cached_property
    def is_modular(self) -> bool:
        """True where virtqemud serves QEMU; False where libvirtd does, and where neither is seen."""
        running = {daemon.name for daemon in self.daemons or ()}
        if running & {"libvirtd", "virtqemud"}:
            return "libvirtd" not in running
        return not self._any("libvirtd", "active") and (
            self._any("virtqemud", "active")
            or (self._any("virtqemud", "enabled") and not self._any("libvirtd", "enabled"))
        )

    def _any(self, daemon: str, state: str) -> bool:
        units = [self.unit(f"{daemon}.{kind}") for kind in ("service", "socket")]
        return any(state in (unit.active, unit.enabled) for unit in units if unit is not None)
