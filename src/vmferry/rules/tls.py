"""The certificates by which hosts prove who they are: there, in their time, signed, and of the right name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

from vmferry.facts.ends import data_host, peer_of, qemu_setting
from vmferry.facts.host import HostFacts
from vmferry.facts.move import MoveFacts, PairFacts
from vmferry.facts.tls import Certificate, Role, TlsFile, Use
from vmferry.facts.wish import MoveWish
from vmferry.model.finding import Finding, Severity
from vmferry.model.tuning import Encryption
from vmferry.rules.alike import by_hosts, of_the_same
from vmferry.rules.registry import Voice, host_rule, move_rule, pair_rule

DAY_S = 86_400
SOON_DAYS = 30


@host_rule(
    "transport.tls-days",
    "certificates are good for a month to come",
    "libvirt: The server certificate ... has expired; The certificate hasn't got a known issuer",
    severity=Severity.WARN,
)
def days_left(host: HostFacts, say: Voice) -> Iterator[Finding]:
    """Of every certificate that libvirt or QEMU would use, whether or not they are told to."""
    required = f"more than {SOON_DAYS} days left"
    if host.tls is None:
        return
    for path, each in {file.path: cert for file in host.tls.files for cert in file.certificates}.items():
        subject, days = f"{host.name}:{path}", (each.not_after_s - host.tls.now_s) // DAY_S
        if days < SOON_DAYS:
            remedy = f"renew {path} on {host.name}, then: virt-admin server-update-tls libvirtd"
            yield say.warn(subject, _when(each, host.tls.now_s), required, remedy)
        else:
            yield say.ok(subject, _when(each, host.tls.now_s), required)


@pair_rule(
    "transport.tls",
    "by TLS, source and target can prove to each other who they are",
    "libvirt: Unable to access credentials ...; The server certificate ... has expired; Certificate does not match the "
    "hostname",
)
def libvirt_tls(pair: PairFacts, say: Voice) -> Iterator[Finding]:
    peer = peer_of(pair.target)
    if peer is None or peer.transport != "tls":
        return
    query = parse_qs(urlsplit(pair.target.peer_uri or "").query)
    name = None if query.get("no_verify", ["0"])[0] != "0" else peer.host
    works = pair.path.peer is not None and pair.path.peer.hostname is not None
    yield from _judge(_Meeting(pair.source, pair.target, Use.LIBVIRT, name, peer.host), say, works)


INIT = "vmferry tls init"


def decided(move: MoveFacts) -> MoveFacts:
    """With `tls` in its wish where what the user has laid down comes to that for these two hosts.

    Certificates that are there and no good are no reason to go in the clear: then they are said, and nothing goes.
    """
    how = move.wish.encryption
    wanted = how is Encryption.REQUIRE or (how is Encryption.AUTO and _hindrance(move) is None)
    return replace(move, wish=_encrypted(move.wish)) if wanted and not move.wish.tls else move


@of_the_same
def _encrypted(wish: MoveWish) -> MoveWish:
    return replace(wish, tls=True)


def _hindrance(move: MoveFacts) -> str | None:
    """Why the two were never meant to encrypt what goes between them, or None."""
    if move.wish.tunnelled or move.wish.zerocopy:
        return "tunnelled data and zero-copy go without it"
    for host, roles in ((move.source, (Role.CA, Role.CLIENT)), (move.target.host, (Role.CA, Role.SERVER))):
        if host.tls is None:
            return f"the certificates of {host.name} could not be looked at"
        for role in roles:
            file = host.tls.file(Use.MIGRATION, role)
            if file is None or file.problem == "missing":
                return f"{host.name} has no {file.path if file is not None else f'certificate for {role}'}"
    return None


@move_rule(
    "transport.tls-migration",
    "the data of the migration are encrypted where a host insists on it",
    "libvirt: this libvirtd instance allows migration only with VIR_MIGRATE_TLS flag; "
    "QEMU: Unable to access credentials /etc/pki/qemu/server-cert.pem",
    key=by_hosts,
)
def migration_tls(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    source, target = move.source, move.target.host
    forcing = [host for host in (source, target) if qemu_setting(host, "migrate_tls_force") == 1]
    if move.wish.tls:
        name = move.wish.tls_destination or data_host(target)
        yield from _judge(_Meeting(source, target, Use.MIGRATION, name, name or target.name), say, False)
    elif move.wish.encryption is Encryption.AUTO and not forcing:
        yield from _clear(move, say)
    for host in forcing:
        required = f"the migration goes by TLS, as migrate_tls_force of qemu.conf on {host.name} has it"
        remedy = f'{INIT}, with tls = "auto" in [migration]; or on {host.name}: migrate_tls_force = 0 in qemu.conf'
        if move.wish.tls:
            yield say.ok(host.name, "it does", required)
        else:
            yield say.refuse(host.name, "this one goes in the clear", required, remedy)


def _clear(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    """Where nobody could look there may be no way to encrypt it either; that is no reason to hesitate."""
    target, seen = move.target.host, move.source.tls is not None and move.target.host.tls is not None
    tell = say.warn if seen else say.note
    observed = f"it goes in the clear: {_hindrance(move)}"
    yield tell(target.name, observed, "memory and disks go encrypted", f'{INIT}; or tls = "off" in [migration]')


@dataclass(frozen=True, slots=True)
class _Meeting:
    """A source that will connect to a target by TLS."""

    source: HostFacts
    target: HostFacts
    use: Use
    name: str | None
    """What the target's certificate has to be for; None: it is not looked at."""
    subject: str

    @property
    def required(self) -> str:
        what = "libvirt's" if self.use is Use.LIBVIRT else "QEMU's"
        return f"{what} certificates on {self.source.name} and {self.target.name} that fit each other"


@dataclass(frozen=True, slots=True)
class _Trouble:
    host: HostFacts
    file: TlsFile
    text: str


def _judge(meeting: _Meeting, say: Voice, works: bool) -> Iterator[Finding]:
    """`works`: a connection came about just now, so that what is wrong does not matter yet."""
    here, there = meeting.source.tls, meeting.target.tls
    if here is None or there is None:
        blind = meeting.source if here is None else meeting.target
        if works:
            yield say.ok(meeting.subject, "a connection came about", meeting.required)
        else:
            remedy = f"make ssh to {blind.name} work; or there: virt-pki-validate"
            yield say.unknown(blind.name, "its certificates could not be looked at", meeting.required, remedy)
        return
    troubles = list(_troubles(meeting))
    for each in troubles:
        remedy = f"{INIT} --host {each.host.name}; or there: put a good one at {each.file.path}, restart what uses it"
        tell = say.warn if works else say.refuse
        yield tell(f"{each.host.name}:{each.file.path}", each.text, meeting.required, remedy)
    if not troubles:
        yield say.ok(meeting.subject, "they fit", meeting.required)


def _troubles(meeting: _Meeting) -> Iterator[_Trouble]:
    source, target = meeting.source, meeting.target
    ends = ((source, Role.CLIENT, target), (target, Role.SERVER, source))
    for host, role, other in ends:
        own, ca = _file(host, meeting.use, role), _file(host, meeting.use, Role.CA)
        trusted = _file(other, meeting.use, Role.CA)
        for file in (ca, own):
            if file is not None:
                yield from (_Trouble(host, file, text) for text in _flaws(file, host))
        if own is not None and trusted is not None and own.certificates and trusted.certificates:
            if own.certificates[0].signed_by not in {each.fingerprint for each in trusted.certificates}:
                yield _Trouble(host, own, f"the CA of {other.name} ({trusted.path}) did not sign it")
            elif role is Role.SERVER and meeting.name is not None and not _is_for(own.certificates[0], meeting.name):
                names = ", ".join(own.certificates[0].names) or "nobody"
                yield _Trouble(host, own, f"it is for {names}, not for {meeting.name}")


def _file(host: HostFacts, use: Use, role: Role) -> TlsFile | None:
    return host.tls.file(use, role) if host.tls is not None else None


def _flaws(file: TlsFile, host: HostFacts) -> Iterator[str]:
    if file.problem is not None:
        yield file.problem
    if file.key_problem is not None:
        yield f"its key {file.key} is {file.key_problem}"
    elif file.use is Use.MIGRATION and not _may_read(file.key_access, host.qemu_owner):
        yield f"its key {file.key} ({file.key_access}) is not for the user of QEMU ({host.qemu_owner})"
    for each in file.certificates[:1]:
        now_s = host.tls.now_s if host.tls is not None else each.not_before_s
        if not each.not_before_s <= now_s <= each.not_after_s:  # RFC 5280, 4.1.2.5: through its last second
            yield _when(each, now_s)


def _may_read(access: str | None, owner: str | None) -> bool:
    """QEMU's user may read the key, as far as can be told: that user may be in any group but root's."""
    if access is None or owner is None:
        return True
    ids, _, mode = access.partition(" ")
    (uid, gid), (own_uid, own_gid) = ids.split(":"), owner.split(":")
    bits = int(mode, 8)
    if own_uid == "0":
        return True
    if uid == own_uid:
        return bool(bits & 0o400)
    return bool(bits & 0o004 or (bits & 0o040 and (gid != "0" or own_gid == "0")))


def _when(certificate: Certificate, now_s: int) -> str:
    if now_s < certificate.not_before_s:
        return f"it is good from {_day(certificate.not_before_s)} only"
    if now_s > certificate.not_after_s:
        return f"it expired on {_day(certificate.not_after_s)}"
    days = (certificate.not_after_s - now_s) // DAY_S
    return f"{days} days left, until {_day(certificate.not_after_s)}"


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")


def _is_for(certificate: Certificate, name: str) -> bool:
    """A name of the certificate may begin with `*`, which stands for one word."""
    wanted = name.lower().rstrip(".")
    for each in (held.lower() for held in certificate.names):
        if each == wanted or (each.startswith("*.") and "." in wanted and each[1:] == wanted[wanted.index(".") :]):
            return True
    return False
