"""What qemu.conf sets: where migrations come in, as whom QEMU runs, and whether two hosts agree on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from vmferry.facts.conf import ConfFile, ConfValue, Setting
from vmferry.facts.host import HostFacts
from vmferry.facts.move import PairFacts
from vmferry.model.finding import Finding, Severity
from vmferry.rules.alike import by_setup, by_systems
from vmferry.rules.effective import LOOPBACK, change, conf, shown, shown_value, value_in
from vmferry.rules.registry import PairCheck, Voice, host_rule, pair_rule

PORT_MIN, PORT_MAX = 49152, 49215
FEW_PORTS = 16
"""A migration takes one port, and one more for each disk that it copies."""
NOT_LOCAL = "libvirt: migration_... must not be the address of the local machine"


def _set(host: HostFacts, key: str) -> tuple[ConfFile, Setting] | None:
    file = conf(host, "qemu")
    setting = file.setting(key) if file is not None else None
    return None if file is None or setting is None else (file, setting)


@host_rule(
    "daemon.config.migration_address",
    "migrations come in on an address that is not the host's own",
    NOT_LOCAL,
    alike=by_setup,
)
def migration_address(host: HostFacts, say: Voice) -> Iterator[Finding]:
    yield from _not_local(host, say, "migration_address")


@host_rule(
    "daemon.config.migration_host",
    "migrations are sent to a name that is not the sender's own",
    NOT_LOCAL,
    alike=by_setup,
)
def migration_host(host: HostFacts, say: Voice) -> Iterator[Finding]:
    """Whether the source resolves the name is tried from the source."""
    yield from _not_local(host, say, "migration_host")


def _not_local(host: HostFacts, say: Voice, key: str) -> Iterator[Finding]:
    if found := _set(host, key):
        file, setting = found
        required = "an address or name by which the other hosts reach this one"
        if isinstance(setting.value, str) and _is_local(setting.value):
            observed = f"{shown(setting)}: libvirt's QEMU driver does not start with it"
            yield say.refuse(host.name, observed, required, change(host, file.path, f"remove or correct {key}"))
        else:
            yield say.ok(host.name, shown(setting), required)


def _is_local(name: str) -> bool:
    return name in LOOPBACK or name.startswith(("127.", "localhost."))


@host_rule(
    "daemon.config.migration_port_min",
    "migrations find free ports",
    "libvirt: migration_port_min: port must be greater than 0; Unable to find an unused port in range 'migration'",
    alike=by_setup,
)
def migration_port_min(host: HostFacts, say: Voice) -> Iterator[Finding]:
    yield from _ports(host, say, "migration_port_min")


@host_rule(
    "daemon.config.migration_port_max",
    "migrations find free ports",
    "libvirt: migration_port_max: port must be between the minimal port ... and 65535",
    alike=by_setup,
)
def migration_port_max(host: HostFacts, say: Voice) -> Iterator[Finding]:
    yield from _ports(host, say, "migration_port_max")


def _ports(host: HostFacts, say: Voice, key: str) -> Iterator[Finding]:
    found = _set(host, key)
    if found is None:
        return
    file, _ = found
    first, last = value_in(file, "migration_port_min", PORT_MIN), value_in(file, "migration_port_max", PORT_MAX)
    if not isinstance(first, int) or not isinstance(last, int):
        return
    required = f"ports between 1 and 65535, {FEW_PORTS} at least: one a migration and one a copied disk"
    observed = f"ports {first} to {last}"
    remedy = change(host, file.path, f"remove {key}, or set {PORT_MIN} and {PORT_MAX}")
    if not 0 < first <= last <= 65535:
        observed = f"{observed}: libvirt's QEMU driver does not start with it"
        yield say.refuse(host.name, observed, required, remedy)
    elif last - first + 1 < FEW_PORTS:
        yield say.warn(host.name, observed, required, remedy)
    else:
        yield say.ok(host.name, observed, required)


@host_rule(
    "daemon.config.migrate_tls_x509_verify",
    "QEMU looks at the certificate of the host that it migrates from",
    "libvirt: migrate_tls_x509_verify",
    severity=Severity.WARN,
    alike=by_setup,
)
def migrate_tls_verify(host: HostFacts, say: Voice) -> Iterator[Finding]:
    if found := _set(host, "migrate_tls_x509_verify"):
        file, setting = found
        required = "certificates of our own authority"
        if setting.value == 0:
            remedy = change(host, file.path, "set migrate_tls_x509_verify = 1")
            yield say.warn(host.name, f"{shown(setting)}: anybody may send a guest", required, remedy)
        else:
            yield say.ok(host.name, shown(setting), required)


@host_rule(
    "daemon.config.migrate_tls_x509_cert_dir",
    "QEMU's certificates for migrations have a full path",
    "libvirt: migrate_tls_x509_cert_dir directory '...' does not exist",
    severity=Severity.WARN,
    alike=by_setup,
)
def migrate_tls_directory(host: HostFacts, say: Voice) -> Iterator[Finding]:
    yield from _full_path(host, say, "migrate_tls_x509_cert_dir")


@host_rule(
    "daemon.config.default_tls_x509_cert_dir",
    "QEMU's certificates have a full path",
    "libvirt: default_tls_x509_cert_dir directory '...' does not exist",
    severity=Severity.WARN,
    alike=by_setup,
)
def default_tls_directory(host: HostFacts, say: Voice) -> Iterator[Finding]:
    yield from _full_path(host, say, "default_tls_x509_cert_dir")


def _full_path(host: HostFacts, say: Voice, key: str) -> Iterator[Finding]:
    """Whether the directory is there and what is in it is looked at with the certificates."""
    if found := _set(host, key):
        file, setting = found
        required = "the full path of a directory"
        if isinstance(setting.value, str) and setting.value.startswith("/"):
            yield say.ok(host.name, shown(setting), required)
        else:
            yield say.warn(
                host.name, shown(setting), required, change(host, file.path, f"write {key} with its full path")
            )


@host_rule(
    "daemon.config.migrate_tls_x509_secret_uuid",
    "the secret that opens QEMU's key is named by its UUID",
    "libvirt: Secret not found: no secret with matching uuid '...'",
    severity=Severity.WARN,
    alike=by_setup,
)
def migrate_tls_secret(host: HostFacts, say: Voice) -> Iterator[Finding]:
    if found := _set(host, "migrate_tls_x509_secret_uuid"):
        file, setting = found
        required = "the UUID of a secret of this host"
        text = setting.value if isinstance(setting.value, str) else ""
        if len(text.replace("-", "")) == 32 and all(each in "0123456789abcdefABCDEF-" for each in text):
            yield say.ok(host.name, shown(setting), required)
        else:
            remedy = change(host, file.path, "set migrate_tls_x509_secret_uuid to one of virsh secret-list")
            yield say.warn(host.name, shown(setting), required, remedy)


@dataclass(frozen=True, slots=True)
class Agreement:
    """A setting of which two hosts should think alike."""

    key: str
    title: str
    reference: str
    default: Callable[[HostFacts], ConfValue]
    why: str
    """What comes of a difference."""


def _own(host: HostFacts) -> str:
    """The default is its distribution's: two hosts of one family have one default."""
    system = host.system
    return f"the default of {(system.os_like or (system.os_id or '?',))[-1] if system is not None else '?'}"


def _security(host: HostFacts) -> str:
    """Libvirt takes the one that the kernel has."""
    system = host.system
    if system is None:
        return "none"
    return "selinux" if system.selinux in ("enforcing", "permissive") else "apparmor" if system.apparmor else "none"


def _off(_: HostFacts) -> int:
    return 0


def _nothing(_: HostFacts) -> str:
    return ""


def _plain(value: ConfValue) -> ConfValue:
    """A list of one is that one."""
    return value[0] if isinstance(value, tuple) and len(value) == 1 else value


AGREEMENTS = (
    Agreement(
        "user",
        "QEMU runs as the same user on both hosts",
        "libvirt: Cannot access storage file '...' (as uid:..., gid:...): Permission denied",
        _own,
        "images on shared storage may be one host's alone",
    ),
    Agreement(
        "group",
        "QEMU runs in the same group on both hosts",
        "libvirt: Cannot access storage file '...' (as uid:..., gid:...): Permission denied",
        _own,
        "images on shared storage may be one host's alone",
    ),
    Agreement(
        "security_driver",
        "both hosts confine guests by the same means",
        "libvirt: Unable to find security driver for model ...",
        _security,
        "a guest that names its label does not start there, and files may be labelled for one host alone",
    ),
    Agreement(
        "migrate_tls_force",
        "both hosts ask for TLS, or neither",
        "libvirt: this libvirtd instance allows migration only with VIR_MIGRATE_TLS flag",
        _off,
        "one of them takes only migrations with TLS",
    ),
    Agreement(
        "nbd_tls",
        "both hosts take TLS for disks on the network, or neither",
        "QEMU: TLS handshake failed",
        _off,
        "an NBD disk that one host opens the other may not",
    ),
    Agreement(
        "hugetlbfs_mount",
        "both hosts look for huge pages in the same place",
        "libvirt: Unable to find any usable hugetlbfs mount for ... KiB",
        _nothing,
        "a guest in huge pages may find none",
    ),
)


def _agreement(agreement: Agreement) -> PairCheck:
    def check(pair: PairFacts, say: Voice) -> Iterator[Finding]:
        here, there = conf(pair.source, "qemu"), conf(pair.target, "qemu")
        if here is None or there is None or not (here.setting(agreement.key) or there.setting(agreement.key)):
            return
        sets = _plain(value_in(here, agreement.key, agreement.default(pair.source)))
        other = _plain(value_in(there, agreement.key, agreement.default(pair.target)))
        required = f"the same {agreement.key} in qemu.conf of both"
        if sets == other:
            yield say.ok(pair.target.name, f"{agreement.key} is {shown_value(sets)} on both", required)
        else:
            named = f"{pair.source.name} has {shown_value(sets)}, {pair.target.name} {shown_value(other)}"
            remedy = change(pair.target, there.path, f"set {agreement.key} as on {pair.source.name}")
            yield say.warn(pair.target.name, f"{named}: {agreement.why}", required, remedy)

    check.__doc__ = f"Where either host sets {agreement.key}: of a difference, {agreement.why}."
    return check


for _each in AGREEMENTS:
    pair_rule(f"daemon.config.{_each.key}", _each.title, _each.reference, severity=Severity.WARN, alike=by_systems)(
        _agreement(_each)
    )
