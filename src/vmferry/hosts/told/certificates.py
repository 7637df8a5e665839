"""The section `certificates` of `look/network.sh`. Only public parts are in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vmferry.facts.tls import Certificate, Role, TlsFacts, TlsFile, Use
from vmferry.hosts.told.sections import Sections

if TYPE_CHECKING:
    from cryptography import x509

MOST_CERTIFICATES = 32
"""Of one file; a CA file that holds all the CAs of the world is not for this."""

_ACCESS = re.compile(r"\d{1,10}:\d{1,10} [0-7]{1,5}", re.ASCII)


@dataclass(slots=True)
class _Told:
    """One certificate's file, the key and the CA file that belong to it."""

    use: Use
    role: Role
    state: str
    path: str
    ca: tuple[str, str] = ("missing", "")
    key: tuple[str, str] = ("missing", "")
    access: str | None = None
    lines: dict[str, list[str]] = field(default_factory=lambda: {"cert": [], "issuer": []})


def read_certificates(sections: Sections) -> TlsFacts | None:
    """None where nothing was told. Odd lines are passed over."""
    lines = sections.get("certificates")
    now = next((line[4:] for line in lines or () if line.startswith("now ")), "")
    if not lines or not (now.isascii() and now.isdigit()) or len(now) > 15:
        return None
    return TlsFacts(int(now), tuple(file for told in _told(lines) for file in _files(told)))


def _told(lines: Sequence[str]) -> list[_Told]:
    found: list[_Told] = []
    for line in lines:
        word, _, rest = line.partition(" ")
        words = rest.split(" ", 3)
        if word == "file" and len(words) == 4 and words[0] in list(Use) and words[1] in list(Role):
            found.append(_Told(Use(words[0]), Role(words[1]), words[2], words[3]))
        elif found and word in ("cert", "issuer"):
            found[-1].lines[word].append(rest)
        elif found and word == "access" and _ACCESS.fullmatch(rest):
            found[-1].access = rest
        elif found and word in ("ca", "key"):
            state, _, path = rest.partition(" ")
            setattr(found[-1], word, (state, path))
    return found


def _files(told: _Told) -> Iterator[TlsFile]:
    issuers, ca_problem = _opened(told.ca[0], told.lines["issuer"])
    own, problem = _opened(told.state, told.lines["cert"])
    key_problem = None if told.key[0] == "readable" else told.key[0]
    cas = tuple(_certificate(each, None) for each in issuers)
    if told.role is Role.SERVER:
        yield TlsFile(told.use, Role.CA, told.ca[1], cas, ca_problem)
    signed_by = _root_of(own, issuers)
    leaf = tuple(_certificate(each, signed_by) for each in own[:1])
    yield TlsFile(told.use, told.role, told.path, leaf, problem, told.key[1], key_problem, told.access)


def _opened(state: str, lines: Sequence[str]) -> tuple[Sequence[x509.Certificate], str | None]:
    """The certificates of a file, or why there are none."""
    if state != "readable":
        return (), state
    if not lines:
        return (), "no certificate in it"
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificates("\n".join(lines).encode())[:MOST_CERTIFICATES], None
    except ValueError as error:
        return (), f"damaged: {error}"


def _root_of(chain: Sequence[x509.Certificate], issuers: Sequence[x509.Certificate]) -> str | None:
    """Fingerprint of the CA that the first of the chain goes back to, by its signature."""
    if not chain:
        return None
    current, between = chain[0], list(chain[1:])
    while True:
        root = next((ca for ca in issuers if _issued(ca, current)), None)
        if root is not None:
            return _fingerprint(root)
        link = next((each for each in between if _issued(each, current)), None)
        if link is None:
            return None
        between.remove(link)
        current = link


def _issued(issuer: x509.Certificate, issued: x509.Certificate) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        issued.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):  # another name, another kind of key, or not its signature
        return False
    return True


def _fingerprint(certificate: x509.Certificate) -> str:
    from cryptography.hazmat.primitives.hashes import SHA256

    return certificate.fingerprint(SHA256()).hex()


def _certificate(opened: x509.Certificate, signed_by: str | None) -> Certificate:
    return Certificate(
        subject=_subject(opened),
        names=_names(opened),
        not_before_s=int(opened.not_valid_before_utc.timestamp()),
        not_after_s=int(opened.not_valid_after_utc.timestamp()),
        fingerprint=_fingerprint(opened),
        signed_by=signed_by,
    )


def _subject(opened: x509.Certificate) -> str:
    try:
        return opened.subject.rfc4514_string()
    except ValueError:
        return "?"


def _names(opened: x509.Certificate) -> tuple[str, ...]:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    try:
        extension = opened.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = extension.get_values_for_type(x509.DNSName)
        return (*names, *(str(each) for each in extension.get_values_for_type(x509.IPAddress)))
    except (x509.ExtensionNotFound, ValueError):
        pass
    try:
        return tuple(str(each.value) for each in opened.subject.get_attributes_for_oid(NameOID.COMMON_NAME))
    except ValueError:
        return ()
