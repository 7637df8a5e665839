"""What a host's root file system is made of: data, so that its hash says whether a cached image is the right one."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

_FORMAT = 1
"""To be raised when image.py makes something else of the same recipe."""

_PACKAGES = (
    "dbus",
    "iproute2",
    "libvirt-clients",
    "libvirt-daemon-driver-qemu",
    "libvirt-daemon-system",
    "nftables",
    "openssh-client",
    "openssh-server",
    "qemu-block-extra",
    "qemu-system-x86",
    "qemu-utils",
    "systemd-sysv",
    "udev",
)

_ENABLED = (
    "libvirtd-admin.socket",
    "libvirtd-ro.socket",
    "libvirtd.service",
    "libvirtd.socket",
    "ssh.service",
    "virtlogd-admin.socket",
    "virtlogd.service",
    "virtlogd.socket",
)
"""Of the units that installation enables: timers, terminals and servers of other hosts' cost memory and time."""

_MASKED = (
    "console-getty.service",
    "getty.target",
    "modprobe@.service",
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
    "systemd-firstboot.service",
    "systemd-logind.service",
    "systemd-machined.service",
    "systemd-tmpfiles-clean.timer",
    "var-lib-machines.mount",
)
"""Units that are on without being enabled."""

_SYSTEM_SERVICES = "usr/share/dbus-1/system-services"

_REMOVED = (
    "etc/libvirt/qemu/networks/autostart/default.xml",
    "etc/libvirt/qemu/networks/default.xml",
    "etc/machine-id",
    "etc/ssh/ssh_host_ecdsa_key",
    "etc/ssh/ssh_host_ed25519_key",
    "etc/ssh/ssh_host_rsa_key",
    "var/lib/dbus/machine-id",
    # With these two libvirt would register guests with machined, where a guest that comes back finds its old scope.
    f"{_SYSTEM_SERVICES}/org.freedesktop.login1.service",
    f"{_SYSTEM_SERVICES}/org.freedesktop.machine1.service",
)

_FILES = {
    "etc/libvirt/qemu.conf": (
        'user = "root"\ngroup = "root"\nsecurity_driver = "none"\n'
        # A container's control groups are not to be written by libvirt.
        "cgroup_controllers = [ ]\n"
    ),
    # All hosts see the same firmware tables; libvirt refuses to migrate between hosts of one UUID.
    "etc/libvirt/libvirtd.conf": 'host_uuid_source = "machine-id"\n',
    # Copied from the machine by the tools that make the root, and not to be reached from the lab.
    "etc/resolv.conf": "# The lab has no name server: all its names are in /etc/hosts.\n",
    "etc/systemd/system/libvirtd.service.d/lab.conf": "[Service]\nEnvironment=LIBVIRTD_ARGS=\n",
    "etc/systemd/journald.conf.d/lab.conf": "[Journal]\nStorage=volatile\nRuntimeMaxUse=16M\n",
    "etc/ssh/sshd_config.d/lab.conf": (
        "HostKey /etc/ssh/ssh_host_ed25519_key\nUsePAM no\nUseDNS no\nMaxStartups 100\n"
    ),
}


@dataclass(frozen=True, slots=True)
class Recipe:
    release: str
    packages: tuple[str, ...]
    enabled: tuple[str, ...] = _ENABLED
    masked: tuple[str, ...] = _MASKED
    removed: tuple[str, ...] = _REMOVED
    files: tuple[tuple[str, str], ...] = tuple(_FILES.items())

    @property
    def key(self) -> str:
        document = json.dumps([_FORMAT, asdict(self)], sort_keys=True)
        return f"{self.release}-{hashlib.sha256(document.encode()).hexdigest()[:12]}"


def make_recipe(release: str, packages: tuple[str, ...]) -> Recipe:
    """`packages` come on top of what every hypervisor host has."""
    return Recipe(release, tuple(sorted({*_PACKAGES, *packages})))


def customize(root: Path, recipe: Recipe) -> None:
    """What apt does not do. `root` is a fresh root that nothing runs in."""
    units = root / "etc/systemd/system"
    for link in (*units.glob("*.wants/*"), *units.glob("*.requires/*")):
        if link.name not in recipe.enabled:
            link.unlink()
    units.mkdir(parents=True, exist_ok=True)
    for unit in recipe.masked:
        units.joinpath(unit).unlink(missing_ok=True)
        units.joinpath(unit).symlink_to("/dev/null")
    for name in recipe.removed:
        root.joinpath(name).unlink(missing_ok=True)
    for name, text in recipe.files:
        write(root, name, text)
    # Tells systemd that nothing is to be rebuilt (the linker's cache) because /usr has changed.
    for name in ("etc/.updated", "var/.updated"):
        write(root, name, "")


def write(root: Path, name: str, text: str, mode: int = 0o644) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
