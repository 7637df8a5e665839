"""Give the hosts of a fleet certificates by which they know each other: look, plan, and change all of them or none."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from vmferry.errors import Failed, InDoubt, Refused, VmferryError
from vmferry.facts.host import HostFacts
from vmferry.facts.tls import Role
from vmferry.model.host import HostEntry
from vmferry.ports import Chest, Mender, Menders
from vmferry.repair.authority import (
    Authority,
    Signed,
    authority_certificate,
    key_pem,
    pem,
    read_authority,
    sign,
)
from vmferry.repair.change import Kind, Left, Plan, Purpose
from vmferry.repair.credentials import Seen, Terms, credentials_plan, directories_of, names_of
from vmferry.rules.effective import listens
from vmferry.service.fix import Fix, Fixed, Say, put_back
from vmferry.service.fleet import Fleet
from vmferry.service.parallel import all_at_once

RENEW_AUTHORITY_DAYS = 365
"""The authority itself is renewed when it has less left, and less than what it is to sign."""
LIMIT_S = 30.0
"""For what all hosts tell of their files together."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The authority, and whether it has to be written down before anything that it signed is handed out."""

    authority: Authority
    made: bool = False
    renewed: bool = False

    def keep(self, chest: Chest) -> None:
        """Raises Refused where another process was faster."""
        if self.made:
            chest.make(pem(*self.authority.certificates), key_pem(self.authority.key))
        elif self.renewed:
            chest.renew(pem(*self.authority.certificates))


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done on one host."""

    mender: Mender
    plan: Plan

    @property
    def host(self) -> str:
        return self.mender.entry.name


def opened(chest: Chest) -> Authority | None:
    """None: there is none yet. Raises Failed where it cannot be used."""
    certificates = chest.certificates()
    if certificates is None:
        return None
    try:
        return read_authority(certificates, chest.key())
    except ValueError as error:
        text = "the certificate authority of vmferry cannot be used; put its folder back from a backup"
        raise Failed(text, detail=str(error)) from None


def authority(chest: Chest, now: datetime, days: int) -> Kept:
    """The one that there is, renewed where it would not outlive a certificate of `days` days; or a new one."""
    found = opened(chest)
    if found is None:
        key = generate_private_key(SECP256R1())
        return Kept(Authority((authority_certificate(key, x509.random_serial_number(), now),), key), made=True)
    if found.current.not_valid_after_utc - now >= timedelta(days=min(days, RENEW_AUTHORITY_DAYS)):
        return Kept(found)
    newer = authority_certificate(found.key, x509.random_serial_number(), now)
    older = (each for each in found.certificates if each.not_valid_after_utc > now)
    return Kept(Authority((newer, *older), found.key), renewed=True)


def signed(kept: Kept, role: Role, names: Sequence[str], now: datetime, days: int) -> Signed:
    """With a key of its own."""
    key = generate_private_key(SECP256R1())
    return sign(kept.authority, key, role, names, x509.random_serial_number(), now, days)


def now_utc() -> datetime:
    """To the second, as certificates have it."""
    return datetime.now(UTC).replace(microsecond=0)


@contextlib.contextmanager
def menders_of(entries: Sequence[HostEntry], menders: Menders, timeout_s: float) -> Iterator[list[Mender]]:
    """All of these hosts, each with root's shell. Raises the first one's error."""
    with contextlib.ExitStack() as closing:
        answers = all_at_once([_opener(menders, entry, timeout_s) for entry in entries], max(timeout_s, LIMIT_S))
        for answer in answers:
            if not isinstance(answer, Exception):
                closing.callback(answer.close)
        yield [_raised(answer) for answer in answers]


def _opener(menders: Menders, entry: HostEntry, timeout_s: float) -> Callable[[], Mender]:
    def opened() -> Mender:
        mender = menders.open(entry, timeout_s)
        try:
            mender.need_root()
        except VmferryError:
            mender.close()
            raise
        return mender

    return opened


def _raised(answer: Mender | Exception) -> Mender:
    if isinstance(answer, TimeoutError):
        raise Failed(f"not all hosts could be opened: {answer}; nothing was changed") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def plan_work(fleet: Fleet, menders: Sequence[Mender], kept: Kept, terms: Terms, days: int) -> tuple[Work, ...]:
    """All hosts are looked at before anything is done. Changes nothing. Raises the error of a host that fails."""
    facts = fleet.ask(lambda host: host.facts(), [mender.entry.name for mender in menders])
    answers = all_at_once([_looker(mender, facts[mender.entry.name]) for mender in menders], LIMIT_S)

    def signing(role: Role, names: Sequence[str]) -> Signed:
        return signed(kept, role, names, terms.now, days)

    works = []
    for mender, answer in zip(menders, answers, strict=True):
        if isinstance(answer, TimeoutError):
            raise Failed(f"host {mender.entry.name} did not tell of its files: {answer}; nothing was changed")
        if isinstance(answer, Exception):
            raise answer
        works.append(Work(mender, credentials_plan(answer, kept.authority, terms, signing)))
    return tuple(works)


def _looker(mender: Mender, facts: HostFacts | VmferryError) -> Callable[[], Seen]:
    def look() -> Seen:
        if isinstance(facts, VmferryError):
            raise facts
        names = names_of(mender.entry, facts)
        files = facts.tls.files if facts.tls is not None else ()
        return Seen(
            facts,
            names,
            texts={path: mender.observe(Kind.FILE, path) for path in {file.path for file in files}},
            keys={key: mender.observe(Kind.KEY, key) for file in files if (key := file.key) is not None},
            places=tuple(mender.place(path) for path in directories_of(files)),
        )

    return look


def refuse_while_needed(mender: Mender, undone: Fixed) -> None:
    """Raises Refused where libvirt listens for TLS and would not start any more without what is taken away."""
    taken = [change.name for change in undone.changes if change.kind is Kind.FILE and change.after is None]
    name = mender.entry.name
    if taken and listens(HostFacts(name, system=mender.system()), "tls"):
        text = f"libvirt of host {name} listens for TLS and would not start again without {taken[-1]}"
        raise Refused(f"{text}; stop libvirtd-tls.socket (or virtproxyd-tls.socket) there first; nothing was changed")


def do_all(works: Sequence[Work], id: str, say: Say) -> dict[str, Fixed]:
    """By host. Where one fails, all are put back; raises as `Fix.run` does."""
    done: dict[str, Fixed] = {}
    made: list[Mender] = []
    for work in works:
        try:
            if work.plan.changes:
                say(f"host {work.host}")
                done[work.host] = Fix(work.mender, work.plan, id, say, Purpose.TLS).run()
                made.append(work.mender)
            else:
                done[work.host] = Fixed((), left=work.plan.left)
        except (VmferryError, KeyboardInterrupt) as error:
            _put_back_others(made, id, say, error)
            raise
    return done


def _put_back_others(menders: Sequence[Mender], id: str, say: Say, error: BaseException) -> None:
    """Raises InDoubt where that fails."""
    left: list[Left] = []
    for mender in reversed(menders):
        try:
            (record,) = (each for each in mender.records() if each.id == id)
            left += [
                replace(each, what=f"{mender.entry.name}: {each.what}") for each in put_back(mender, record, say).left
            ]
        except VmferryError as problem:
            left.append(Left(mender.entry.name, problem.message))
    if left:
        names = "; ".join(f"{each.what}: {each.why}" for each in left)
        text = f"{error}; and not everything could be put back on the other hosts ({names})"
        raise InDoubt(f"{text}; look at them, then try vmferry tls init --undo") from None
