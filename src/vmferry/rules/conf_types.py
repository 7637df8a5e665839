"""What kind of value libvirt takes for which key: with another one its daemon or its QEMU driver does not start."""

from __future__ import annotations

import enum

from vmferry.facts.conf import ConfValue, Setting


class Kind(enum.StrEnum):
    BOOLEAN = "0 or 1"
    NUMBER = "a whole number"
    STRING = "a string in quotes"
    LIST = "a list of strings in brackets"


_DAEMON = {
    Kind.BOOLEAN: ("listen_tls", "listen_tcp", "tls_no_verify_certificate"),
    Kind.NUMBER: (
        "max_clients",
        "max_queued_clients",
        "max_anonymous_clients",
        "min_workers",
        "max_workers",
        "prio_workers",
        "max_client_requests",
        "keepalive_interval",
        "keepalive_count",
    ),
    Kind.STRING: (
        "tls_port",
        "tcp_port",
        "listen_addr",
        "auth_tls",
        "auth_tcp",
        "auth_unix_rw",
        "key_file",
        "cert_file",
        "ca_file",
        "crl_file",
        "host_uuid",
        "host_uuid_source",
    ),
    Kind.LIST: ("tls_allowed_dn_list",),
}
_QEMU = {
    Kind.BOOLEAN: ("migrate_tls_force", "migrate_tls_x509_verify", "nbd_tls"),
    Kind.NUMBER: ("migration_port_min", "migration_port_max", "keepalive_interval", "keepalive_count"),
    Kind.STRING: (
        "migration_address",
        "migration_host",
        "migrate_tls_x509_cert_dir",
        "migrate_tls_x509_secret_uuid",
        "default_tls_x509_cert_dir",
        "lock_manager",
        "user",
        "group",
    ),
    Kind.LIST: ("security_driver", "hugetlbfs_mount"),
}
_OF_DAEMON = {key: kind for kind, keys in _DAEMON.items() for key in keys}
_OF_QEMU = {key: kind for kind, keys in _QEMU.items() for key in keys}


def wrong_type(path: str, setting: Setting) -> Kind | None:
    """What libvirt wants where it is given something else. Of keys that are not looked at, nothing is said."""
    kinds = _OF_QEMU if path.endswith("/qemu.conf") else _OF_DAEMON
    wanted = kinds.get(setting.key)
    return None if wanted is None or _fits(setting.value, wanted) else wanted


def _fits(value: ConfValue, wanted: Kind) -> bool:
    match wanted:
        case Kind.BOOLEAN:
            return value in (0, 1)
        case Kind.NUMBER:
            return isinstance(value, int)
        case Kind.STRING:
            return isinstance(value, str)
        case Kind.LIST:
            return not isinstance(value, int)  # one string is a list of one
