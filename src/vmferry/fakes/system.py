"""What a fake host tells of its system: a Debian whose settings give nothing to complain of."""

from __future__ import annotations

from vmferry.facts.conf import ConfFile, Setting
from vmferry.facts.system import Daemon, SystemFacts, Unit

_ACTIVE = ("libvirtd.service", "virtlogd.socket", "virtlockd.socket")
SYSTEM = SystemFacts(
    os_id="debian",
    os_version="13",
    kernel="6.12.48-amd64",
    init="systemd",
    units=tuple(Unit(name, "loaded", "active", "enabled") for name in _ACTIVE),
    daemons=(Daemon("libvirtd", ()), Daemon("virtlogd", ()), Daemon("virtlockd", ())),
    confs=(ConfFile("/etc/libvirt/qemu.conf", (Setting("lock_manager", "lockd", 1),)),),
    max_startups=(10, 30, 100),
    userfaultfd=1,
    kvm=True,
    nested=False,
    hooks=(),
    qemu_modules=frozenset({"block-iscsi", "block-rbd"}),
    firmware=(("/usr/share/seabios/bios-256k.bin", 262144), ("/usr/share/qemu/efi-virtio.rom", 262144)),
    selinux="disabled",
    apparmor=True,
)
