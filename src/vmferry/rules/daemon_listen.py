"""Libvirt listens where the other hosts are told to reach it, and lets in only who may come in."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from vmferry.facts.conf import ConfFile
from vmferry.facts.host import HostFacts
from vmferry.model.finding import Finding, Severity
from vmferry.rules.alike import by_setup
from vmferry.rules.effective import (
    LET_IN,
    LOOPBACK,
    NO_SHELL,
    PORTS,
    by_socket,
    change,
    driver_conf,
    listener_conf,
    listens,
    shown,
    transport,
    value,
)
from vmferry.rules.registry import Voice, host_rule

GUIDE = "guide 15.2: migration depends on parameters in /etc/libvirt/libvirtd.conf"
CVE = "CVE-2017-2637: auth_tcp none gives root to anybody on the network"
TLS_FILES = ("ca_file", "cert_file", "key_file")


@host_rule("daemon.config.listen_tls", "libvirt listens for TLS where its URI says so", GUIDE, alike=by_setup)
def listen_tls(host: HostFacts, say: Voice) -> Iterator[Finding]:
    yield from _listen(host, say, "tls")


@host_rule("daemon.config.listen_tcp", "libvirt listens for TCP where its URI says so", GUIDE, alike=by_setup)
def listen_tcp(host: HostFacts, say: Voice) -> Iterator[Finding]:
    yield from _listen(host, say, "tcp")


def _listen(host: HostFacts, say: Voice, way: str) -> Iterator[Finding]:
    """The setting counts only for a libvirtd that was started with --listen, and no socket of systemd counts it."""
    file = listener_conf(host)
    setting = file.setting(f"listen_{way}") if file is not None else None
    heard = listens(host, way)
    if transport(host) == way:
        required = f"libvirt listens for {way}, as in {host.peer_uri}"
        if heard:
            yield say.ok(host.name, "it does", required)
        elif heard is None:
            yield say.unknown(host.name, f"not known: {NO_SHELL}", required, LET_IN)
        else:
            yield say.refuse(host.name, "it does not", required, _listening(host, way))
    elif setting is not None:
        required = "nothing: no host is told to come this way"
        if setting.value == 1 and heard is False:
            observed = f"{shown(setting)} has no effect: libvirtd runs without --listen"
            yield say.note(host.name, observed, required, "none, or remove the line")
        else:
            yield say.ok(host.name, shown(setting), required)


def _listening(host: HostFacts, way: str) -> str:
    system = host.system
    if system is not None and system.init == "sysv":
        return f'on {host.name}: LIBVIRTD_ARGS="--listen" in /etc/sysconfig/libvirtd; service libvirtd restart'
    if system is not None and system.is_modular:
        return f"on {host.name}: systemctl enable --now virtproxyd-{way}.socket"
    socket = f"libvirtd-{way}.socket"
    return f"on {host.name}: systemctl stop libvirtd; systemctl enable --now {socket}; systemctl start libvirtd"


@host_rule("daemon.config.tls_port", "libvirt's TLS port is the one of its URI", GUIDE, alike=by_setup)
def tls_port(host: HostFacts, say: Voice) -> Iterator[Finding]:
    yield from _port(host, say, "tls")


@host_rule("daemon.config.tcp_port", "libvirt's TCP port is the one of its URI", GUIDE, alike=by_setup)
def tcp_port(host: HostFacts, say: Voice) -> Iterator[Finding]:
    yield from _port(host, say, "tcp")


def _port(host: HostFacts, say: Voice, way: str) -> Iterator[Finding]:
    file = listener_conf(host)
    setting = file.setting(f"{way}_port") if file is not None else None
    if file is None or setting is None:
        return
    wanted = str(urlsplit(host.peer_uri or "").port or PORTS[way]) if transport(host) == way else None
    required = f"port {wanted}, as in {host.peer_uri}" if wanted else "nothing: no host is told to come this way"
    if by_socket(host, way) and setting.value != PORTS[way]:
        observed = f"{shown(setting)} has no effect: systemd listens for it"
        remedy = f"on {host.name}: systemctl edit the socket with ListenStream=, or remove the line"
        yield say.note(host.name, observed, required, remedy)
    elif wanted is not None and setting.value != wanted:
        yield say.refuse(host.name, shown(setting), required, change(host, file.path, f'set {way}_port = "{wanted}"'))
    else:
        yield say.ok(host.name, shown(setting), required)


@host_rule(
    "daemon.config.listen_addr", "libvirt listens on an address that the other hosts can reach", GUIDE, alike=by_setup
)
def listen_addr(host: HostFacts, say: Voice) -> Iterator[Finding]:
    file = listener_conf(host)
    setting = file.setting("listen_addr") if file is not None else None
    if file is None or setting is None:
        return
    needed = transport(host) is not None
    required = f"an address that {host.peer_uri} leads to" if needed else "nothing: no host is told to come this way"
    if needed and setting.value in LOOPBACK and not by_socket(host, transport(host) or ""):
        yield say.refuse(host.name, shown(setting), required, change(host, file.path, "remove listen_addr"))
    else:
        yield say.ok(host.name, shown(setting), required)


def _unsupported(host: HostFacts, file: ConfFile, key: str, say: Voice) -> Iterator[Finding]:
    """Of a way to sign in that libvirt does not know: it does not start with it."""
    setting = file.setting(key)
    if setting is not None and setting.value not in ("none", "sasl", "polkit"):
        required = "none, sasl or polkit"
        remedy = change(host, file.path, f"correct {key}")
        yield say.refuse(host.name, f"{shown(setting)}: libvirt does not start with it", required, remedy)


@host_rule(
    "daemon.config.auth_tls",
    "libvirt lets the other hosts in over TLS",
    "libvirt: authentication failed: ...",
    alike=by_setup,
)
def auth_tls(host: HostFacts, say: Voice) -> Iterator[Finding]:
    file = listener_conf(host)
    setting = file.setting("auth_tls") if file is not None else None
    if file is None or setting is None:
        return
    wrong = list(_unsupported(host, file, "auth_tls", say))
    required = "certificates, or credentials that the other hosts have"
    if wrong:
        yield from wrong
    elif setting.value != "none" and transport(host) == "tls":
        remedy = "put credentials for it into /etc/libvirt/auth.conf of every other host"
        yield say.warn(host.name, f"{shown(setting)}: the other hosts must sign in", required, remedy)
    else:
        yield say.ok(host.name, shown(setting), required)


@host_rule("daemon.config.auth_tcp", "nobody comes in over TCP without signing in", CVE, alike=by_setup)
def auth_tcp(host: HostFacts, say: Voice) -> Iterator[Finding]:
    """Also where libvirtd does not listen now: its next start with --listen opens the host to everybody."""
    file = listener_conf(host)
    required = "a sign-in over TCP, or no TCP"
    if file is None:
        if host.system is None or host.system.confs is None:
            yield say.unknown(host.name, f"auth_tcp is not known: {NO_SHELL}", required, LET_IN)
        return
    wrong = list(_unsupported(host, file, "auth_tcp", say))
    if wrong:
        yield from wrong
    elif value(file, "auth_tcp", "sasl") != "none":
        setting = file.setting("auth_tcp")
        yield say.ok(host.name, shown(setting) if setting is not None else "sasl, libvirt's default", required)
    else:
        yield _open_to_all(host, file, say)


def _open_to_all(host: HostFacts, file: ConfFile, say: Voice) -> Finding:
    required = "a sign-in over TCP, or no TCP"
    remedy = change(host, file.path, 'set auth_tcp = "sasl", or remove it and listen_tcp')
    if listens(host, "tcp"):
        return say.refuse(host.name, 'it listens, with auth_tcp = "none"', required, remedy)
    if value(file, "listen_tcp", 0) == 1:
        observed = 'auth_tcp = "none" and listen_tcp = 1: open to everybody as soon as it listens'
        return say.refuse(host.name, observed, required, remedy)
    return say.warn(host.name, 'auth_tcp = "none", and it does not listen', required, remedy)


@host_rule(
    "daemon.config.auth_unix_rw",
    "libvirt's local socket asks who comes",
    "libvirt: authentication unavailable: no polkit agent available to authenticate action",
    alike=by_setup,
)
def auth_unix_rw(host: HostFacts, say: Voice) -> Iterator[Finding]:
    file = driver_conf(host)
    setting = file.setting("auth_unix_rw") if file is not None else None
    if file is None or setting is None:
        return
    wrong = list(_unsupported(host, file, "auth_unix_rw", say))
    required = "polkit, which lets root in"
    remedy = change(host, file.path, 'set auth_unix_rw = "polkit"')
    if wrong:
        yield from wrong
    elif setting.value == "polkit" or value(file, "unix_sock_rw_perms", "") in ("0700", "0770"):
        yield say.ok(host.name, shown(setting), required)
    elif setting.value == "none":
        yield say.warn(host.name, f"{shown(setting)}: every local user may be root", required, remedy)
    else:
        yield say.warn(host.name, f"{shown(setting)}: hosts that come by ssh must sign in again", required, remedy)


@host_rule(
    "daemon.config.tls_no_verify_certificate",
    "libvirt looks at the certificates of those who come over TLS",
    GUIDE,
    severity=Severity.WARN,
    alike=by_setup,
)
def tls_no_verify(host: HostFacts, say: Voice) -> Iterator[Finding]:
    file = listener_conf(host)
    setting = file.setting("tls_no_verify_certificate") if file is not None else None
    if file is None or setting is None:
        return
    required = "certificates of our own authority"
    if setting.value == 1:
        remedy = change(host, file.path, "set tls_no_verify_certificate = 0")
        yield say.warn(host.name, f"{shown(setting)}: any certificate lets in", required, remedy)
    else:
        yield say.ok(host.name, shown(setting), required)


@host_rule(
    "daemon.config.tls_allowed_dn_list",
    "libvirt lets the other hosts' certificates in",
    "libvirt: Client's Distinguished Name is not on the list of allowed clients (tls_allowed_dn_list)",
    alike=by_setup,
)
def tls_allowed_dn_list(host: HostFacts, say: Voice) -> Iterator[Finding]:
    file = listener_conf(host)
    setting = file.setting("tls_allowed_dn_list") if file is not None else None
    if file is None or setting is None:
        return
    required = "the names of the other hosts' certificates are on it"
    remedy = change(host, file.path, "add the other hosts' names to tls_allowed_dn_list, or remove it")
    if transport(host) == "tls" and setting.value == ():
        yield say.refuse(host.name, "an empty list lets nobody in", required, remedy)
    elif transport(host) == "tls":
        yield say.warn(host.name, f"only {shown(setting)} may come in", required, remedy)
    else:
        yield say.ok(host.name, shown(setting), "nothing: no host is told to come this way")


@host_rule(
    "daemon.config.ca_file",
    "libvirt's TLS files are named all or none",
    "libvirt: No CA certificate path set to match ...",
    alike=by_setup,
)
def ca_file(host: HostFacts, say: Voice) -> Iterator[Finding]:
    yield from _tls_file(host, say, "ca_file")


@host_rule(
    "daemon.config.cert_file",
    "libvirt's TLS files are named all or none",
    "libvirt: No server certificate path set to match ...",
    alike=by_setup,
)
def cert_file(host: HostFacts, say: Voice) -> Iterator[Finding]:
    yield from _tls_file(host, say, "cert_file")


@host_rule(
    "daemon.config.key_file",
    "libvirt's TLS files are named all or none",
    "libvirt: No server key path set to match ...",
    alike=by_setup,
)
def key_file(host: HostFacts, say: Voice) -> Iterator[Finding]:
    yield from _tls_file(host, say, "key_file")


def _tls_file(host: HostFacts, say: Voice, key: str) -> Iterator[Finding]:
    """With one of the three set, libvirt takes none of the others from its usual place."""
    file = listener_conf(host)
    if file is None or not any(file.setting(each) for each in TLS_FILES):
        return
    setting = file.setting(key)
    required = f"{', '.join(TLS_FILES)} are set, or none of them"
    if setting is not None and setting.value:
        yield say.ok(host.name, shown(setting), required)
        return
    observed = f"{key} is not set, another of them is: libvirt cannot offer TLS"
    remedy = change(host, file.path, f"set {key} too, or none of {', '.join(TLS_FILES)}")
    if transport(host) == "tls" or listens(host, "tls"):
        yield say.refuse(host.name, observed, required, remedy)
    else:
        yield say.warn(host.name, observed, required, remedy)


@host_rule(
    "daemon.config.crl_file",
    "libvirt's list of revoked certificates has a full path",
    "libvirt: Unable to load x509 certificate revocation list ...",
    severity=Severity.WARN,
    alike=by_setup,
)
def crl_file(host: HostFacts, say: Voice) -> Iterator[Finding]:
    file = listener_conf(host)
    setting = file.setting("crl_file") if file is not None else None
    if file is None or setting is None:
        return
    required = "a full path, or none"
    if setting.value == "" or str(setting.value).startswith("/"):
        yield say.ok(host.name, shown(setting), required)
    else:
        yield say.warn(
            host.name, shown(setting), required, change(host, file.path, "write crl_file with its full path")
        )
