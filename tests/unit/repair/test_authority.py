"""What the authority makes, read back by another reader than the one that made it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID

from vmferry.facts.tls import Role
from vmferry.repair.authority import (
    Authority,
    authority_certificate,
    common_name,
    key_pem,
    names_in,
    pem,
    read_authority,
    read_certificates,
    sign,
)

NOW = datetime(2026, 11, 25, tzinfo=UTC)
KEY, OTHER_KEY, HOST_KEY = (generate_private_key(SECP256R1()) for _ in range(3))
AUTHORITY = Authority((authority_certificate(KEY, 7, NOW),), KEY)
NAMES = ("h1.example.org", "10.1.0.1", "fd00::1")


def signed(role: Role = Role.SERVER, days: int = 365, authority: Authority = AUTHORITY) -> x509.Certificate:
    (found,) = read_certificates(sign(authority, HOST_KEY, role, NAMES, 8, NOW, days).pem)
    return found


def test_the_authoritys_own_certificate() -> None:
    own = AUTHORITY.current
    assert own.subject == own.issuer
    assert common_name(own).startswith("vmferry CA ")
    assert own.serial_number == 7
    assert own.extensions.get_extension_for_oid(ExtensionOID.BASIC_CONSTRAINTS).critical
    constraints = own.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (constraints.ca, constraints.path_length) == (True, 0)
    assert own.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    assert own.not_valid_after_utc == NOW + timedelta(days=3650)


@pytest.mark.parametrize(
    ("role", "usage"), [(Role.SERVER, ExtendedKeyUsageOID.SERVER_AUTH), (Role.CLIENT, ExtendedKeyUsageOID.CLIENT_AUTH)]
)
def test_a_hosts_certificate(role: Role, usage: x509.ObjectIdentifier) -> None:
    found = signed(role)
    found.verify_directly_issued_by(AUTHORITY.current)
    assert common_name(found) == "h1.example.org"
    assert names_in(found) == set(NAMES)
    assert list(found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [usage]
    assert not found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert found.not_valid_before_utc == NOW - timedelta(hours=1)
    assert found.not_valid_after_utc == NOW + timedelta(days=365)
    assert found.public_key() == HOST_KEY.public_key()


def test_older_versions_of_libvirt_do_not_insist_on_a_usage_that_only_rsa_has() -> None:
    usage = signed().extensions.get_extension_for_class(x509.KeyUsage)
    assert (usage.critical, usage.value.digital_signature, usage.value.key_encipherment) == (False, True, False)


def test_none_outlives_its_authority() -> None:
    assert signed(days=5000).not_valid_after_utc == AUTHORITY.current.not_valid_after_utc


def test_a_long_name_is_cut_where_it_has_to_be_and_whole_where_it_counts() -> None:
    name = f"{'a' * 60}.example.org"
    (found,) = read_certificates(sign(AUTHORITY, HOST_KEY, Role.SERVER, [name], 8, NOW, 1).pem)
    assert names_in(found) == {name}
    assert len(found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value) == 64


def test_what_it_made_and_what_it_did_not() -> None:
    other = Authority((authority_certificate(OTHER_KEY, 9, NOW),), OTHER_KEY)
    assert AUTHORITY.made(signed())
    assert not AUTHORITY.made(signed(authority=other))
    assert other.name != AUTHORITY.name


def test_a_renewed_authority_goes_on_for_what_it_signed_before() -> None:
    newer = Authority((authority_certificate(KEY, 10, NOW + timedelta(days=3000)), *AUTHORITY.certificates), KEY)
    assert newer.made(signed())
    signed().verify_directly_issued_by(newer.current)
    assert newer.was_one_of(AUTHORITY.certificates)
    assert not newer.is_one_of(AUTHORITY.certificates)


def test_it_is_kept_and_read_again() -> None:
    read = read_authority(pem(*AUTHORITY.certificates), key_pem(KEY))
    assert (read.certificates, read.key.private_numbers()) == (AUTHORITY.certificates, KEY.private_numbers())


@pytest.mark.parametrize("certificates", ["", "nonsense", pem(authority_certificate(OTHER_KEY, 1, NOW))])
def test_certificates_of_another_key(certificates: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_authority(certificates, key_pem(KEY))


@pytest.mark.parametrize(
    "text", ["", "nonsense", "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n", "\udcff"]
)
def test_a_file_that_holds_none(text: str) -> None:
    assert read_certificates(text) == ()


def test_a_key_is_not_shown() -> None:
    assert "BEGIN" not in f"{key_pem(KEY)!r} {key_pem(KEY)}"
    assert "BEGIN PRIVATE KEY" in key_pem(KEY).reveal()
