"""The system's part of the move that every rule lets pass: two hosts of one release, with every setting in a file."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from vmferry.facts.conf import ConfFile, ConfValue, Setting
from vmferry.facts.host import HostFacts
from vmferry.facts.move import MoveFacts
from vmferry.facts.system import Daemon, Hook, SystemFacts, Unit

LIBVIRTD: dict[str, ConfValue] = {
    "listen_tls": 0,
    "listen_tcp": 0,
    "tls_port": "16514",
    "tcp_port": "16509",
    "listen_addr": "192.0.2.1",
    "auth_tls": "none",
    "auth_tcp": "sasl",
    "auth_unix_rw": "polkit",
    "tls_no_verify_certificate": 0,
    "tls_allowed_dn_list": ("DN",),
    "ca_file": "/etc/pki/CA/cacert.pem",
    "cert_file": "/etc/pki/libvirt/servercert.pem",
    "key_file": "/etc/pki/libvirt/private/serverkey.pem",
    "crl_file": "/etc/pki/CA/cacrl.pem",
    "max_clients": 5000,
    "max_queued_clients": 1000,
    "max_anonymous_clients": 20,
    "min_workers": 5,
    "max_workers": 20,
    "prio_workers": 5,
    "max_client_requests": 5,
    "keepalive_interval": 5,
    "keepalive_count": 5,
    "host_uuid_source": "smbios",
}
QEMU: dict[str, ConfValue] = {
    "migration_address": "0.0.0.0",
    "migration_host": "h.example",
    "migration_port_min": 49152,
    "migration_port_max": 49215,
    "migrate_tls_x509_verify": 1,
    "migrate_tls_x509_cert_dir": "/etc/pki/libvirt-migrate",
    "migrate_tls_x509_secret_uuid": "00000000-0000-0000-0000-000000000000",
    "migrate_tls_force": 0,
    "default_tls_x509_cert_dir": "/etc/pki/qemu",
    "nbd_tls": 0,
    "lock_manager": "lockd",
    "user": "qemu",
    "group": "qemu",
    "security_driver": "selinux",
    "hugetlbfs_mount": "/dev/hugepages",
}
ACTIVE = ("libvirtd.service", "virtlogd.socket", "virtlockd.socket")
HOOK = Hook("/etc/libvirt/hooks/qemu", "ab" * 32)


def conf(name: str, settings: dict[str, ConfValue], **changes: Any) -> ConfFile:  # noqa: ANN401 - fields of ConfFile
    lines = tuple(Setting(key, value, line) for line, (key, value) in enumerate(settings.items(), 1))
    return ConfFile(f"/etc/libvirt/{name}.conf", lines, **changes)


CONFS = (conf("libvirtd", LIBVIRTD), conf("qemu", QEMU), conf("qemu-lockd", {"file_lockspace_dir": "/srv/locks"}))

SYSTEM = SystemFacts(
    os_id="rhel",
    os_like=("fedora",),
    os_version="8.4",
    kernel="4.18.0-305.el8.x86_64",
    init="systemd",
    units=tuple(Unit(name, "loaded", "active", "enabled") for name in ACTIVE),
    daemons=(Daemon("libvirtd", ("--timeout", "120")),),
    confs=CONFS,
    max_startups=(10, 30, 100),
    kvm=True,
    nested=True,
    hooks=(),
    qemu_modules=frozenset({"block-rbd"}),
    firmware=(("/usr/share/seabios/bios-256k.bin", 262144), ("/usr/share/qemu-kvm/efi-virtio.rom", 200704)),
    selinux="enforcing",
    selinux_booleans=(("virt_use_nfs", True),),
    apparmor=False,
)


def with_system(move: MoveFacts, side: str = "target", **changes: object) -> MoveFacts:
    """The move with fields of one host's system changed; `side` is `source`, `target` or `both`."""
    if side == "both":
        return with_system(with_system(move, "source", **changes), "target", **changes)
    if side == "source":
        return replace(move, source=_changed(move.source, changes))
    return replace(move, target=replace(move.target, host=_changed(move.target.host, changes)))


def _changed(host: HostFacts, changes: dict[str, object]) -> HostFacts:
    assert host.system is not None
    return replace(host, system=replace(host.system, **changes))  # type: ignore[arg-type]


def with_setting(
    move: MoveFacts, side: str = "target", file: str = "libvirtd", **settings: ConfValue | None
) -> MoveFacts:
    """The move with keys of one of libvirt's files set so; None: the key is not in the file."""
    path = f"/etc/libvirt/{file}.conf"
    if side == "both":
        return with_setting(with_setting(move, "source", file, **settings), "target", file, **settings)
    system = (move.source if side == "source" else move.target.host).system
    assert system is not None
    old = system.conf(f"{file}.conf")
    assert old is not None
    kept = {each.key: each.value for each in old.settings} | settings
    new = conf(file, {key: value for key, value in kept.items() if value is not None})
    others = tuple(each for each in system.confs or () if each.path != path)
    return with_system(move, side, confs=(*others, new))
