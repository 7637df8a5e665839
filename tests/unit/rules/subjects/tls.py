"""Cases of the rules of tls."""

from __future__ import annotations

from dataclasses import replace

from vmferry.facts.move import MoveFacts
from vmferry.facts.path import TriedPeer
from vmferry.facts.tls import Certificate, Role, TlsFacts, TlsFile, Use
from vmferry.facts.wish import MoveWish
from vmferry.model.tuning import Encryption

from ..cases import OK, PASSING, REFUSE, UNKNOWN, WARN, Cases, with_source, with_target
from ..passing_network import PATH
from .transport import qemu_conf

NOW_S = 1_800_000_000
DAY_S = 86_400
URI = "qemu+tls://h2.example.org/system"


def certificate(*names: str, days: int = 365, begins: int = -1, signed_by: str | None = "ca") -> Certificate:
    begin_s, end_s = NOW_S + begins * DAY_S, NOW_S + days * DAY_S
    return Certificate(f"CN={names[0]}", names, begin_s, end_s, f"print of {names[0]}", signed_by)


CA = replace(certificate("ca"), fingerprint="ca")
OTHER_CA = replace(CA, fingerprint="other")


def tls(own: Certificate | str, ca: Certificate | str = CA, key: str | None = None) -> TlsFacts:
    """Both sets, each with that certificate for both ends; a string instead: why there is none."""

    def file(use: Use, role: Role, found: Certificate | str) -> TlsFile:
        path = f"/etc/pki/{use}/{role}.pem"
        if isinstance(found, str):
            return TlsFile(use, role, path, problem=found)
        return TlsFile(use, role, path, (found,))

    files = []
    for use in Use:
        files.append(file(use, Role.CA, ca))
        files += [replace(file(use, role, own), key="/k.pem", key_problem=key) for role in (Role.SERVER, Role.CLIENT)]
    return TlsFacts(NOW_S, tuple(files))


HERE = tls(certificate("h1.example.org"))
THERE = tls(certificate("h2.example.org", "10.1.0.2"))


def meeting(
    here: TlsFacts | None = HERE, there: TlsFacts | None = THERE, works: bool = False, uri: str = URI
) -> MoveFacts:
    """The passing move over a URI of TLS with these certificates."""
    move = with_target(peer_uri=uri, tls=there)
    peer = TriedPeer(uri, "h2") if works else TriedPeer(uri, problem="it does not open")
    return replace(move, source=replace(PASSING.source, tls=here), path=replace(PATH, peer=peer))


def encrypted(there: TlsFacts | None = THERE) -> MoveFacts:
    """A migration over QEMU's TLS."""
    move = replace(with_source(tls=HERE), target=with_target(tls=there).target)
    return replace(move, wish=MoveWish(tls=True))


def with_key(access: str, owner: str | None) -> MoveFacts:
    """The target's keys are that user's, and its QEMU runs as another one or the same."""
    move = encrypted(replace(THERE, files=tuple(replace(file, key_access=access) for file in THERE.files)))
    return replace(move, target=replace(move.target, host=replace(move.target.host, qemu_owner=owner)))


def clear(there: TlsFacts | None) -> MoveFacts:
    """One that would be encrypted if both hosts could."""
    return replace(encrypted(there), wish=MoveWish(encryption=Encryption.AUTO))


FORCED = qemu_conf("migrate_tls_force", 1)

CASES: Cases = {
    "transport.tls-days": [
        ("long", with_target(tls=THERE), OK, "365 days left"),
        ("soon", with_target(tls=tls(certificate("h2", days=29))), WARN, "29 days left"),
        ("over", with_target(tls=tls(certificate("h2", days=-3))), WARN, "it expired on"),
    ],
    "transport.tls": [
        ("they fit", meeting(), OK, "they fit"),
        ("a name with a star", meeting(there=tls(certificate("*.example.org"))), OK, "they fit"),
        ("a star for two words", meeting(there=tls(certificate("*.org"))), REFUSE, "not for h2.example.org"),
        ("another name", meeting(there=tls(certificate("h9"))), REFUSE, "it is for h9, not for h2.example.org"),
        ("names are not looked at", meeting(there=tls(certificate("h9")), uri=f"{URI}?no_verify=1"), OK, "they fit"),
        ("expired", meeting(there=tls(certificate("h2.example.org", days=-1))), REFUSE, "it expired on"),
        ("not yet good", meeting(here=tls(certificate("h1", begins=2))), REFUSE, "it is good from"),
        ("missing", meeting(here=tls("missing")), REFUSE, "missing"),
        ("no CA", meeting(there=tls(certificate("h2.example.org"), ca="missing")), REFUSE, "missing"),
        (
            "no key",
            meeting(there=tls(certificate("h2.example.org"), key="missing")),
            REFUSE,
            "its key /k.pem is missing",
        ),
        ("another CA", meeting(there=tls(certificate("h2.example.org"), OTHER_CA)), REFUSE, "the CA of h2"),
        ("signed by nobody", meeting(here=tls(certificate("h1", signed_by=None))), REFUSE, "did not sign it"),
        ("it works all the same", meeting(there=tls("missing"), works=True), WARN, "missing"),
        ("not seen, but it works", meeting(there=None, works=True), OK, "a connection came about"),
        ("not seen", meeting(there=None), UNKNOWN, "could not be looked at"),
    ],
    "transport.tls-migration": [
        ("forced, and it does", replace(FORCED, wish=MoveWish(tls=True)), UNKNOWN, "could not be looked at"),
        ("forced, and it does not", FORCED, REFUSE, "in the clear"),
        ("wanted", encrypted(), OK, "they fit"),
        ("wanted, without certificates", encrypted(tls("missing")), REFUSE, "missing"),
        ("wanted, for another name", encrypted(tls(certificate("h2"))), REFUSE, "it is for h2, not for 10.1.0.2"),
        *(
            (f"a key {access} for {owner}", with_key(access, owner), severity, words)
            for access, owner, severity, words in (
                ("64055:109 400", "64055:109", OK, "they fit"),
                ("0:0 600", "0:0", OK, "they fit"),
                ("0:109 640", "64055:109", OK, "they fit"),
                ("0:36 640", "64055:109", OK, "they fit"),
                ("0:0 644", "64055:109", OK, "they fit"),
                ("0:0 600", None, OK, "they fit"),
                ("0:0 600", "64055:109", REFUSE, "(0:0 600) is not for the user of QEMU (64055:109)"),
                ("0:0 640", "64055:109", REFUSE, "is not for the user"),
                ("0:109 600", "64055:109", REFUSE, "is not for the user"),
                ("64055:109 000", "64055:109", REFUSE, "is not for the user"),
            )
        ),
        ("in the clear", clear(tls("missing")), WARN, "in the clear: h2 has no /etc/pki/migration/server.pem"),
        ("in the clear, not looked at", clear(None), OK, "the certificates of h2 could not be looked at"),
    ],
}
