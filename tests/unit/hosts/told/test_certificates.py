"""Certificates as the shell tells them: their public part, opened here."""

from __future__ import annotations

import time

import pytest

from vmferry.facts.tls import Role, TlsFacts, TlsFile, Use
from vmferry.hosts.told.certificates import read_certificates

from ...certificates import Issued, issue

CA = issue("an authority", ca=True)
OTHER_CA = issue("another authority", ca=True)
BETWEEN = issue("between", by=CA, ca=True)
SERVER = issue("h2", by=CA, alternatives=("h2.example.org", "10.0.0.2", "fd00::2"))


def told(role: Role, own: str, ca: str = CA.pem, key: str = "readable") -> list[str]:
    lines = [f"file libvirt {role} readable /etc/pki/own file.pem", "ca readable /etc/pki/ca.pem", f"key {key} /k.pem"]
    return [*lines, *(f"cert {line}" for line in own.splitlines()), *(f"issuer {line}" for line in ca.splitlines())]


def read(*lines: str) -> TlsFacts:
    facts = read_certificates({"certificates": ["now 1800000000", *lines]})
    assert facts is not None
    return facts


def server(own: str, ca: str = CA.pem) -> TlsFile:
    found = read(*told(Role.SERVER, own, ca)).file(Use.LIBVIRT, Role.SERVER)
    assert found is not None
    return found


def test_a_certificate_and_its_authority() -> None:
    facts = read(*told(Role.SERVER, SERVER.pem))
    ca, own = facts.files
    assert (facts.now_s, ca.role, ca.path, own.path) == (
        1_800_000_000,
        Role.CA,
        "/etc/pki/ca.pem",
        "/etc/pki/own file.pem",
    )
    (authority,), (certificate,) = ca.certificates, own.certificates
    assert certificate.subject == "CN=h2"
    assert certificate.names == ("h2.example.org", "10.0.0.2", "fd00::2")
    assert certificate.signed_by == authority.fingerprint
    assert certificate.not_before_s < time.time() < certificate.not_after_s
    assert (own.problem, own.key, own.key_problem) == (None, "/k.pem", None)


def test_without_other_names_the_common_name_counts() -> None:
    assert server(issue("h9", by=CA).pem).certificates[0].names == ("h9",)


@pytest.mark.parametrize(
    ("own", "ca", "signed"),
    [
        (SERVER, CA.pem, True),
        (SERVER, OTHER_CA.pem, False),
        (SERVER, OTHER_CA.pem + CA.pem, True),
        (issue("h2", by=BETWEEN), CA.pem, False),
        (issue("an authority"), CA.pem, False),
    ],
    ids=["its own", "another", "one of two", "one that is not told", "the name only"],
)
def test_who_signed_it(own: Issued, ca: str, signed: bool) -> None:
    assert (server(own.pem, ca).certificates[0].signed_by is not None) is signed


def test_a_chain_leads_to_the_authority() -> None:
    assert server(issue("h2", by=BETWEEN).pem + BETWEEN.pem).certificates[0].signed_by is not None


def test_a_client_s_file_comes_without_the_authority_again() -> None:
    facts = read(*told(Role.SERVER, SERVER.pem), *told(Role.CLIENT, SERVER.pem, key="missing"))
    assert [file.role for file in facts.files] == [Role.CA, Role.SERVER, Role.CLIENT]
    assert facts.files[-1].key_problem == "missing"


@pytest.mark.parametrize(
    ("own", "problem"),
    [
        ("", "no certificate in it"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "damaged"),
        (SERVER.pem[:300], "damaged"),
        ("-----BEGIN CERTIFICATE-----\n\x00\xff\n-----END CERTIFICATE-----", "damaged"),
    ],
    ids=["empty", "no ASN.1", "cut off", "binary"],
)
def test_what_is_no_certificate_is_a_problem(own: str, problem: str) -> None:
    found = server(own)
    assert found.certificates == ()
    assert problem in (found.problem or "")


@pytest.mark.parametrize("lines", [(), ("now",), ("now x",), ("now -1",), ("now 99999999999999999999999",)])
def test_without_a_clock_nothing_was_told(lines: tuple[str, ...]) -> None:
    assert read_certificates({"certificates": lines}) is None
    assert read_certificates({}) is None


@pytest.mark.parametrize(
    "line", ["", "file", "file libvirt", "file x server readable /p", "cert x", "ca", "key", "\x00"]
)
def test_odd_lines_are_passed_over(line: str) -> None:
    assert read(line).files == ()


@pytest.mark.parametrize(
    ("line", "access"),
    [
        ("access 64055:109 400", "64055:109 400"),
        ("access root:root 600", None),
        ("access 0:0", None),
        ("other 1", None),
    ],
)
def test_whose_the_key_is(line: str, access: str | None) -> None:
    lines = [
        "now 1800000000",
        "file migration server readable /c.pem",
        "ca missing /ca.pem",
        "key readable /k.pem",
        line,
    ]
    facts = read_certificates({"certificates": lines})
    assert facts is not None
    assert facts.files[-1].key_access == access
