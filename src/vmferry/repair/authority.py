"""A certificate authority of a fleet's own, and what it signs. Keys, serials and the time are handed in.

The keys are elliptic curves': what they do to a connection costs both hosts a tenth of what RSA's would.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from vmferry.facts.tls import Role
from vmferry.model.secret import Secret

AUTHORITY_DAYS = 3650
SKEW = timedelta(hours=1)
"""A host whose clock is behind by so much takes a new certificate all the same."""
MOST_COMMON_NAME = 64

_USAGES = {Role.SERVER: ExtendedKeyUsageOID.SERVER_AUTH, Role.CLIENT: ExtendedKeyUsageOID.CLIENT_AUTH}


@dataclass(frozen=True, slots=True)
class Authority:
    certificates: tuple[x509.Certificate, ...]
    """The newest first, all of one key: what an older one trusts, the newest signs."""
    key: EllipticCurvePrivateKey

    @property
    def current(self) -> x509.Certificate:
        return self.certificates[0]

    @property
    def name(self) -> str:
        return common_name(self.current)

    def made(self, certificate: x509.Certificate) -> bool:
        """It is signed by this authority's key."""
        return any(_issued(each, certificate) for each in self.certificates)

    def is_one_of(self, certificates: Collection[x509.Certificate]) -> bool:
        return self.current in certificates

    def was_one_of(self, certificates: Collection[x509.Certificate]) -> bool:
        return any(each in certificates for each in self.certificates)


@dataclass(frozen=True, slots=True)
class Signed:
    """A certificate as a file, and the key that belongs to it."""

    pem: str
    key: Secret
    until: datetime


Sign = Callable[[Role, Sequence[str]], Signed]
"""Makes a certificate of that role for these names, with a key of its own."""


def authority_certificate(
    key: EllipticCurvePrivateKey, serial: int, now: datetime, days: int = AUTHORITY_DAYS
) -> x509.Certificate:
    """The authority's own. Two of one key have one name, so that the newer takes the older's place."""
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    name = _named(f"vmferry CA {identifier.digest.hex()[:8]}")
    usage = _usage(signs_certificates=True)
    builder = _builder(name, name, key.public_key(), serial).not_valid_before(now - SKEW)
    builder = builder.not_valid_after(now + timedelta(days=days))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    return builder.add_extension(usage, critical=True).add_extension(identifier, critical=False).sign(key, SHA256())


def sign(
    authority: Authority,
    key: EllipticCurvePrivateKey,
    role: Role,
    names: Sequence[str],
    serial: int,
    now: datetime,
    days: int,
) -> Signed:
    """`names`: the first is the common name too. It never outlives its authority."""
    until = min(now + timedelta(days=days), authority.current.not_valid_after_utc)
    own = authority.key.public_key()
    builder = _builder(_named(names[0]), authority.current.subject, key.public_key(), serial)
    builder = builder.not_valid_before(now - SKEW).not_valid_after(until)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    # Not critical: older versions of libvirt and QEMU would insist on a usage that only RSA has.
    builder = builder.add_extension(_usage(signs_certificates=False), critical=False)
    builder = builder.add_extension(x509.ExtendedKeyUsage([_USAGES[role]]), critical=False)
    builder = builder.add_extension(x509.SubjectAlternativeName([_alternative(each) for each in names]), critical=False)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(own)
    builder = builder.add_extension(identifier, critical=False)
    return Signed(pem(builder.sign(authority.key, SHA256())), key_pem(key), until)


def is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def names_in(certificate: x509.Certificate) -> frozenset[str]:
    """Its alternative names, in lower case."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return frozenset()
    addresses = {str(each) for each in found.get_values_for_type(x509.IPAddress)}
    return frozenset({each.lower() for each in found.get_values_for_type(x509.DNSName)} | addresses)


def common_name(certificate: x509.Certificate) -> str:
    """Of its subject; empty where it has none."""
    try:
        found = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except ValueError:
        return ""
    return str(found[0].value) if found else ""


def pem(*certificates: x509.Certificate) -> str:
    return "".join(each.public_bytes(Encoding.PEM).decode() for each in certificates)


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256, in hexadecimal, as facts have it."""
    return certificate.fingerprint(SHA256()).hex()


def key_pem(key: EllipticCurvePrivateKey) -> Secret:
    return Secret(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def read_certificates(text: str) -> tuple[x509.Certificate, ...]:
    """Of a file; none where they cannot be read."""
    try:
        return tuple(x509.load_pem_x509_certificates(text.encode("utf-8", "surrogateescape")))
    except ValueError:
        return ()


def read_authority(certificates: str, key: Secret) -> Authority:
    """Raises ValueError where the two do not belong together, or cannot be read."""
    found = x509.load_pem_x509_certificates(certificates.encode())
    private = load_pem_private_key(key.reveal().encode(), None)
    if not isinstance(private, EllipticCurvePrivateKey):
        raise ValueError("its key is of another kind")
    public = private.public_key()
    if any(not _is_of(each, public) for each in found):
        raise ValueError("the certificate is not the key's")
    return Authority(tuple(found), private)


def _is_of(certificate: x509.Certificate, key: EllipticCurvePublicKey) -> bool:
    return certificate.public_key() == key


def _issued(issuer: x509.Certificate, issued: x509.Certificate) -> bool:
    try:
        issued.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):  # another name, another kind of key, or not its signature
        return False
    return True


def _builder(
    subject: x509.Name, issuer: x509.Name, key: EllipticCurvePublicKey, serial: int
) -> x509.CertificateBuilder:
    return x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key).serial_number(serial)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:MOST_COMMON_NAME])])


def _alternative(name: str) -> x509.GeneralName:
    return x509.IPAddress(ipaddress.ip_address(name)) if is_address(name) else x509.DNSName(name)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def day(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d")
