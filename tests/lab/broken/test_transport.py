"""The way from h1 to h2 that is broken on purpose: ports, names, certificates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from vmferry.errors import Failed
from vmferry.lab.layout import Layout

from .conftest import Check, On, follow, until
from .tiny import Tiny

CHAIN = "add table inet filter; add chain inet filter input { type filter hook input priority 0; }"
FIRST, MIDDLE, LAST = 49152, 49183, 49215
PKI = "/etc/pki"
SERVER, CLIENT = f"{PKI}/libvirt/servercert.pem", f"{PKI}/libvirt/clientcert.pem"
SOON_S, YEAR_S = 12, 365 * 86_400
RESTART = "systemctl reset-failed; systemctl start libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket libvirtd"

Configured = Callable[[str, str], str]
Put = Callable[..., datetime]


@pytest.fixture(scope="module")
def guest(tiny: Tiny) -> str:
    tiny.start()
    return tiny.name


@pytest.fixture
def configured(lab: Layout, tmp_path: Path) -> Configured:
    """configured(BEFORE, AFTER): another configuration file, the lab's own with that changed."""

    def configured(before: str, after: str) -> str:
        text, path = lab.config.read_text(), tmp_path / "config.toml"
        assert before in text
        path.write_text(text.replace(before, after))
        return str(path)

    return configured


@pytest.fixture
def firewall(on: On) -> Iterator[On]:
    """firewall("h2", RULE): beside what a new chain for what comes in has already."""

    def firewall(host: str, rule: str) -> str:
        return on(host, f"nft '{CHAIN}'; nft 'add rule inet filter input {rule}'")

    yield firewall
    on("h2", "nft delete table inet filter")


def follow_nft(on: On, remedy: str) -> None:
    """Of the ways that the remedy names, that of a host without firewalld."""
    host, _, rest = remedy.removeprefix("on ").partition(": ")
    on(host, rest[rest.index("nft insert") :].rstrip(")"))


@pytest.mark.parametrize(
    ("rule", "observed"),
    [
        (f"tcp dport {FIRST}-{LAST} drop", f"no answer from port {LAST}: a firewall drops it, or the host is gone"),
        (f"tcp dport {FIRST}-{LAST} reject with icmp type admin-prohibited", f"port {LAST}: No route to host"),
    ],
)
def test_ports_that_a_firewall_closes(check: Check, on: On, firewall: On, rule: str, observed: str) -> None:
    firewall("h2", rule)
    found = check().the("transport.migration-ports", "refuse")
    assert observed in found["observed"]
    follow_nft(on, found["remedy"])
    assert check().passes("transport.migration-ports")


@pytest.mark.parametrize(("first", "answers"), [(LAST, MIDDLE), (FIRST + 1, FIRST)])
def test_ports_of_which_a_firewall_closes_some(check: Check, on: On, firewall: On, first: int, answers: int) -> None:
    firewall("h2", f"tcp dport {first}-{LAST} drop")
    found = check().the("transport.migration-ports", "warn")
    assert f"port {answers} answers, but no answer from port {LAST}" in found["observed"]
    follow_nft(on, found["remedy"])
    assert check().passes("transport.migration-ports")


def test_a_port_of_libvirt_that_a_firewall_closes(check: Check, on: On, firewall: On) -> None:
    address = on("h1", "getent hosts h1").split()[0]
    firewall("h2", f"ip saddr {address} tcp dport 22 drop")
    found = check().the("transport.libvirt-port", "refuse")
    assert "no answer from port 22" in found["observed"]
    follow_nft(on, found["remedy"])
    mended = check()
    assert mended.passes("transport.libvirt-port")
    assert mended.passes("transport.peer")


def test_a_name_that_resolves_to_localhost(check: Check, on: On) -> None:
    on("h1", "cp -p /etc/hosts /run/hosts; sed -i 's/^[0-9.]* h2$/127.0.0.1 h2/' /etc/hosts")
    try:
        checked = check()
        found = checked.the("transport.resolve", "refuse")
        assert (found["subject"], found["observed"]) == ("h2", "on h1 it is 127.0.0.1: itself")
        assert found["remedy"] == "on h1: correct h2 in /etc/hosts or in the name server"
        assert checked.the("transport.peer", "refuse")["observed"] == "h1 answers; h2 calls itself h2"
    finally:
        on("h1", "cat /run/hosts >/etc/hosts; rm /run/hosts")
    mended = check()
    assert mended.passes("transport.resolve")
    assert mended.passes("transport.peer")


def test_a_host_that_calls_itself_localhost(check: Check, on: On, guest: str, configured: Configured) -> None:
    """Where no address for the data is configured, libvirt asks the target for its name, and refuses this one."""
    address = on("h2", "getent hosts h2-mig").split()[0]
    config = ("--config", configured(f'migration_address = "{address}"\n', ""))
    on("h2", "hostnamectl set-hostname localhost")
    try:
        found = check(*config).the("transport.resolve", "refuse")
        assert found["observed"] == "h2 calls itself localhost"
        with pytest.raises(Failed, match="resolved to localhost"):
            on("h1", f"virsh migrate --live {guest} qemu+ssh://root@h2/system")
        follow(on, found["remedy"].partition("; or ")[0])
        assert check(*config).passes("transport.resolve")
    finally:
        on("h2", "hostnamectl set-hostname h2")


@pytest.fixture
def put(on: On) -> Iterator[Put]:
    """put("h2", SERVER, name, lifetime_s): a new certificate and its key, of one authority; returns when it ends."""
    authority, issuer = ec.generate_private_key(ec.SECP256R1()), name_of("the lab")
    now = datetime.now(UTC)

    def made(subject: str, key: ec.EllipticCurvePrivateKey, lifetime_s: int) -> x509.CertificateBuilder:
        builder = x509.CertificateBuilder().subject_name(name_of(subject)).issuer_name(issuer)
        builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
        until_when = datetime.now(UTC) + timedelta(seconds=lifetime_s)
        return builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(until_when)

    def signed(builder: x509.CertificateBuilder) -> str:
        made = builder.sign(authority, hashes.SHA256())
        return made.public_bytes(serialization.Encoding.PEM).decode()

    root = signed(
        made("the lab", authority, YEAR_S).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
    )

    def put(host: str, path: str, subject: str, lifetime_s: int = YEAR_S) -> datetime:
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.DNSName(subject)])
        certificate = signed(made(subject, key, lifetime_s).add_extension(names, critical=False))
        write(on, host, path, certificate)
        write(on, host, path.replace("libvirt/", "libvirt/private/").replace("cert", "key"), text_of(key))
        write(on, host, f"{PKI}/CA/cacert.pem", root)
        return x509.load_pem_x509_certificate(certificate.encode()).not_valid_after_utc

    yield put
    for host in ("h1", "h2"):
        on(host, f"rm -rf {PKI}")


def name_of(subject: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])


def text_of(key: ec.EllipticCurvePrivateKey) -> str:
    none = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, none).decode()


def write(on: On, host: str, path: str, text: str) -> None:
    on(host, f"mkdir -p {path.rpartition('/')[0]}; cat >{path} <<'E'\n{text}\nE")


@dataclass(frozen=True, slots=True)
class ByTls:
    """How h1 gets to the libvirt of h2 by TLS."""

    options: tuple[str, str]
    """Of the check."""
    ends: datetime
    """The certificate of h2."""


@pytest.fixture
def by_tls(on: On, put: Put, configured: Configured) -> Iterator[ByTls]:
    put("h1", CLIENT, "h1")
    on("h2", "systemctl stop libvirtd; systemctl start libvirtd-tls.socket")
    ends = put("h2", SERVER, "h2", SOON_S)
    on("h2", RESTART)
    try:
        yield ByTls(("--config", configured("qemu+ssh://root@h2/system", "qemu+tls://h2/system")), ends)
    finally:
        on("h2", f"systemctl stop libvirtd.service libvirtd-tls.socket; {RESTART}")


def test_a_certificate_that_has_expired(check: Check, on: On, put: Put, by_tls: ByTls) -> None:
    """It ends while the daemon runs: one that is started with such a certificate does not come up at all."""
    soon = check(*by_tls.options)
    assert "0 days left" in soon.the("transport.tls-days", "warn")["observed"]
    assert soon.passes("transport.tls")
    assert soon.passes("transport.peer")
    until(lambda: datetime.now(UTC) > by_tls.ends + timedelta(seconds=1))
    late = check(*by_tls.options)
    found = late.the("transport.tls", "refuse")
    assert found["subject"] == f"h2:{SERVER}"
    assert found["observed"] == f"it expired on {by_tls.ends:%Y-%m-%d}"
    assert f"put a good one at {SERVER}" in found["remedy"]
    assert "certificate" in late.the("transport.peer", "refuse")["observed"]
    renewal = late.the("transport.tls-days", "warn")["remedy"]
    put("h2", SERVER, "h2")
    on("h2", renewal.partition(", then: ")[2])
    mended = check(*by_tls.options)
    assert mended.passes("transport.tls")
    assert mended.passes("transport.tls-days")
    assert mended.passes("transport.peer")
