"""Which files of certificates a host needs, and which of those that are there may be replaced.

What somebody else made is theirs: a CA, a certificate or a key that is not of our authority is replaced only where the
user says so.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from cryptography import x509

from vmferry.facts.ends import qemu_setting
from vmferry.facts.host import HostFacts
from vmferry.facts.tls import Role, TlsFile, Use
from vmferry.model.host import HostEntry
from vmferry.model.secret import Secret
from vmferry.repair.authority import Authority, Sign, common_name, day, is_address, names_in, pem, read_certificates
from vmferry.repair.change import Change, Item, Kind, Left, Place, Plan, key_text
from vmferry.rules.effective import LOOPBACK, listener, listens

REPLACE = "give --replace to put ours in its place"
ROOT, ROOT_MODE, QEMU_MODE = "0:0", "600", "400"
USES = {Use.LIBVIRT: "libvirt's", Use.MIGRATION: "QEMU's"}

_DNS = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_-]*\.?)*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Seen:
    """One host's files as they are, whatever they hold."""

    facts: HostFacts
    names: tuple[str, ...]
    """By which others reach it; see `names_of`."""
    texts: Mapping[str, str | None] = field(default_factory=dict)
    """Of files of certificates, by path; None: it is not there."""
    keys: Mapping[str, str | None] = field(default_factory=dict)
    """Of keys, as texts of changes have them."""
    places: tuple[Place, ...] = ()
    """The directories that all of these are in."""

    @property
    def files(self) -> tuple[TlsFile, ...]:
        return self.facts.tls.files if self.facts.tls is not None else ()


@dataclass(frozen=True, slots=True)
class Terms:
    now: datetime
    renew_days: int
    """A certificate that ends sooner is made anew."""
    replace: bool = False
    """Also what somebody else made."""
    only_renew: bool = False
    """What is not there is left so."""


def names_of(entry: HostEntry, facts: HostFacts) -> tuple[str, ...]:
    """All names and addresses by which other hosts and we reach it, its own name first. Those that mean any host, and
    what no certificate can hold, are left out.
    """
    said = qemu_setting(facts, "migration_host")
    uris = (urlsplit(uri).hostname for uri in (entry.uri, entry.peer_uri) if uri)
    named = (facts.hostname, *uris, entry.migration_address, said if isinstance(said, str) else None)
    words = (word.rstrip(".").lower() for word in named if word)
    return tuple(dict.fromkeys(word for word in words if word not in LOOPBACK and _can_be_held(word)))


def _can_be_held(word: str) -> bool:
    return "%" not in word and (is_address(word) or (len(word) <= 253 and _DNS.fullmatch(word) is not None))


def directories_of(files: Iterable[TlsFile]) -> tuple[str, ...]:
    paths = (path for file in files for path in (file.path, file.key) if path)
    return tuple(dict.fromkeys(posixpath.dirname(path) for path in paths))


def credentials_plan(seen: Seen, authority: Authority, terms: Terms, sign: Sign) -> Plan:
    """What it takes for the host to prove who it is, and to believe the others."""
    if not seen.files:
        return Plan(left=(Left("certificates", "its shell did not tell of them; let vmferry log in there as root"),))
    if not seen.names:
        why = "no name is known by which others reach it; give it a peer_uri or a migration_address"
        return Plan(left=(Left("certificates", why),))
    writing = _Writing(seen, authority, terms, sign)
    for use in Use:
        writing.write_set(use)
    return Plan((*writing.directories(), *writing.changes), tuple(writing.left), writing.secrets)


class _Writing:
    """One host's plan while it is made. A file that two sets share is written once."""

    def __init__(self, seen: Seen, authority: Authority, terms: Terms, sign: Sign) -> None:
        self.seen, self.authority, self.terms, self.sign = seen, authority, terms, sign
        self.changes: list[Change] = []
        self.left: list[Left] = []
        self.secrets: dict[str, Secret] = {}

    def write_set(self, use: Use) -> None:
        files = {file.role: file for file in self.seen.files if file.use is use}
        if use is Use.MIGRATION and self.seen.facts.qemu_owner is None:
            self.left.append(Left("QEMU's certificates", "its libvirt does not tell as whom QEMU runs"))
        elif Role.CA in files and self._write_authority(files[Role.CA]):
            for role in (Role.SERVER, Role.CLIENT):
                if role in files:
                    self._write_certificate(files[role])

    def _write_authority(self, file: TlsFile) -> bool:
        """Whether the host will believe what we sign."""
        text = self.seen.texts.get(file.path)
        held = read_certificates(text or "")
        if self.authority.is_one_of(held):
            return True
        ours = self.authority.was_one_of(held)
        if text is None and self.terms.only_renew:
            return False
        if text is not None and not (ours or self.terms.replace):
            what = f"the CA of somebody else ({common_name(held[0])})" if held else "no CA's certificate that we know"
            self.left.append(Left(file.path, f"{what} is there, so {USES[file.use]} certificates are left; {REPLACE}"))
            return False
        after = f"{self.authority.name}, until {day(self.authority.current.not_valid_after_utc)}"
        self._put(Kind.FILE, file.path, text, pem(self.authority.current), (_told(held, text), after), file.use)
        return True

    def _write_certificate(self, file: TlsFile) -> None:
        text, key = self.seen.texts.get(file.path), self.seen.keys.get(file.key or "")
        held = read_certificates(text or "")
        ours = bool(held) and self.authority.made(held[0])
        if text is None and key is None and self.terms.only_renew:
            return
        if (text is not None or key is not None) and not ours and not self.terms.replace:
            what = f"the certificate of somebody else ({common_name(held[0])})" if held else "a file or key of no CA's"
            self.left.append(Left(file.path, f"{what} is there; {REPLACE}"))
            return
        if ours and not self._wants(file, held[0], key):
            return
        if file.key in self.secrets:
            if file.path not in {change.name for change in self.changes}:
                self.left.append(Left(file.path, f"its key {file.key} is that of another certificate too"))
            return
        signed = self.sign(file.role, self.seen.names)
        owner, mode = self._access(file)
        names = ", ".join(self.seen.names)
        after = f"{file.role} certificate of {self.authority.name} for {names}, until {day(signed.until)}"
        if file.key is not None:
            self.secrets.setdefault(file.key, signed.key)
            text_of_key = key_text(signed.key, owner, mode)
            items = ("missing" if key is None else "a key", f"a new key, for user {_user(owner)} only")
            self._put(Kind.KEY, file.key, key, text_of_key, items, file.use)
        self._put(Kind.FILE, file.path, text, signed.pem, (_told(held, text), after), file.use)

    def _wants(self, file: TlsFile, held: x509.Certificate, key: str | None) -> bool:
        """One of ours that has to be made anew: it ends, lacks a name, or its key is not there for who uses it."""
        left = held.not_valid_after_utc - self.terms.now
        ends = left.total_seconds() < self.terms.renew_days * 86_400
        if self.terms.only_renew:
            return ends
        owner, mode = self._access(file)
        lacks = not set(self.seen.names) <= names_in(held)
        return ends or lacks or key is None or key.split()[1:] != [owner, mode]

    def _access(self, file: TlsFile) -> tuple[str, str]:
        """(owner, mode) of its key. One that QEMU reads too is QEMU's."""
        shared = any(each.use is Use.MIGRATION and each.key == file.key for each in self.seen.files)
        owner = self.seen.facts.qemu_owner
        return (owner, QEMU_MODE) if shared and owner is not None else (ROOT, ROOT_MODE)

    def _put(self, kind: Kind, path: str, before: str | None, after: str, told: tuple[str, str], use: Use) -> None:
        if path not in {change.name for change in self.changes}:
            restarts = self._restarts() if use is Use.LIBVIRT else ()
            self.changes.append(Change(kind, path, before, after, (Item(path, *told),), restarts))

    def _restarts(self) -> tuple[str, ...]:
        """QEMU reads its own with every migration; a libvirt that listens for TLS has read them when it began."""
        system = self.seen.facts.system
        return (f"{listener(system)}.service",) if system is not None and listens(self.seen.facts, "tls") else ()

    def directories(self) -> Iterator[Change]:
        """Those that the files will be in, the uppermost first."""
        wanted = {posixpath.dirname(change.name) for change in self.changes}
        missing: dict[str, None] = {}
        for place in self.seen.places:
            if place.path in wanted and place.mode is None:
                missing |= dict.fromkeys((*place.missing, place.path))
        for path in sorted(missing):
            mode = "700" if posixpath.basename(path) == "private" else "755"
            yield Change(Kind.DIRECTORY, path, None, mode, (Item(f"directory {path}", "missing", mode),))


def _user(owner: str) -> str:
    number = owner.partition(":")[0]
    return "root" if number == "0" else number


def _told(held: Sequence[x509.Certificate], text: str | None) -> str:
    if text is None:
        return "missing"
    if not held:
        return "no certificate"
    return f"{common_name(held[0]) or 'a certificate'}, until {day(held[0].not_valid_after_utc)}"
