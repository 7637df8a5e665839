"""Cases of the rules of qemu_config."""

from __future__ import annotations

from vmferry.facts.conf import ConfValue
from vmferry.facts.move import MoveFacts

from ..cases import OK, PASSING, REFUSE, WARN, Cases
from ..passing_system import with_setting, with_system


def setting(key: str, value: ConfValue | None, side: str = "target") -> MoveFacts:
    return with_setting(PASSING, side, "qemu", **{key: value})


CASES: Cases = {
    "daemon.config.migration_address": [
        ("all", PASSING, OK, "0.0.0.0"),
        ("its own", setting("migration_address", "127.0.0.1"), REFUSE, "does not start"),
    ],
    "daemon.config.migration_host": [
        ("a name", PASSING, OK, "h.example"),
        ("its own", setting("migration_host", "localhost"), REFUSE, "does not start"),
        ("its own in full", setting("migration_host", "localhost.localdomain"), REFUSE, "localdomain"),
    ],
    "daemon.config.migration_port_min": [
        ("as by default", PASSING, OK, "49152 to 49215"),
        ("none", setting("migration_port_min", 0), REFUSE, "does not start"),
        ("after the last", setting("migration_port_min", 50000), REFUSE, "50000 to 49215"),
        ("few", setting("migration_port_min", 49210), WARN, "49210 to 49215"),
    ],
    "daemon.config.migration_port_max": [
        ("as by default", PASSING, OK, "49152 to 49215"),
        ("too high", setting("migration_port_max", 70000), REFUSE, "does not start"),
        ("few", setting("migration_port_max", 49152), WARN, "49152 to 49152"),
    ],
    "daemon.config.migrate_tls_x509_verify": [
        ("verified", PASSING, OK, "= 1"),
        ("not", setting("migrate_tls_x509_verify", 0), WARN, "anybody"),
    ],
    "daemon.config.migrate_tls_x509_cert_dir": [
        ("a path", PASSING, OK, "/etc/pki"),
        ("not from the root", setting("migrate_tls_x509_cert_dir", "pki"), WARN, "pki"),
    ],
    "daemon.config.default_tls_x509_cert_dir": [
        ("a path", PASSING, OK, "/etc/pki"),
        ("not from the root", setting("default_tls_x509_cert_dir", "pki"), WARN, "pki"),
    ],
    "daemon.config.migrate_tls_x509_secret_uuid": [
        ("a UUID", PASSING, OK, "0000"),
        ("none", setting("migrate_tls_x509_secret_uuid", "secret"), WARN, "secret"),
    ],
    "daemon.config.user": [
        ("the same", PASSING, OK, '"qemu" on both'),
        ("another", setting("user", "root"), WARN, 'h1 has "qemu", h2 "root"'),
        ("set on one", setting("user", None), WARN, "default of fedora"),
    ],
    "daemon.config.group": [
        ("the same", PASSING, OK, '"qemu" on both'),
        ("another", setting("group", "kvm"), WARN, '"kvm"'),
    ],
    "daemon.config.security_driver": [
        ("the same", PASSING, OK, '"selinux" on both'),
        ("a list of one", setting("security_driver", ("selinux",)), OK, '"selinux" on both'),
        ("none there", setting("security_driver", "none"), WARN, '"none"'),
        ("what the kernel has", setting("security_driver", None), OK, '"selinux" on both'),
        (
            "another kernel",
            with_system(setting("security_driver", None), selinux="disabled", apparmor=True),
            WARN,
            '"apparmor"',
        ),
    ],
    "daemon.config.migrate_tls_force": [
        ("neither", PASSING, OK, "0 on both"),
        ("one", setting("migrate_tls_force", 1), WARN, "takes only migrations with TLS"),
    ],
    "daemon.config.nbd_tls": [
        ("neither", PASSING, OK, "0 on both"),
        ("one", setting("nbd_tls", 1), WARN, "NBD"),
    ],
    "daemon.config.hugetlbfs_mount": [
        ("the same", PASSING, OK, "/dev/hugepages"),
        ("off on one", setting("hugetlbfs_mount", ""), WARN, "huge pages"),
    ],
}
