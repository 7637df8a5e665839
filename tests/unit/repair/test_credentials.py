"""Which files a host gets: everything where there is nothing, and never what somebody else made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from vmferry.facts.conf import ConfFile, Setting
from vmferry.facts.host import HostFacts
from vmferry.facts.system import Daemon, SystemFacts, Unit
from vmferry.facts.tls import Role, TlsFacts, TlsFile, Use
from vmferry.model.host import HostEntry
from vmferry.model.secret import Secret
from vmferry.repair.authority import Authority, Signed, authority_certificate, pem, sign
from vmferry.repair.change import Change, Kind, Place, Plan, key_text
from vmferry.repair.credentials import Seen, Terms, credentials_plan, names_of

NOW = datetime(2026, 11, 25, tzinfo=UTC)
KEY, OTHER_KEY, HOST_KEY = (generate_private_key(SECP256R1()) for _ in range(3))
OURS = Authority((authority_certificate(KEY, 1, NOW),), KEY)
THEIRS = Authority((authority_certificate(OTHER_KEY, 2, NOW),), OTHER_KEY)
TERMS = Terms(NOW, renew_days=30)
NAMES = ("h1", "10.1.0.1")
QEMU = "64055:109"

CA, PRIVATE, LIBVIRT, PKI = "/etc/pki/CA", "/etc/pki/libvirt/private", "/etc/pki/libvirt", "/etc/pki/qemu"
FILES = (
    TlsFile(Use.LIBVIRT, Role.CA, f"{CA}/cacert.pem"),
    TlsFile(Use.LIBVIRT, Role.SERVER, f"{LIBVIRT}/servercert.pem", key=f"{PRIVATE}/serverkey.pem"),
    TlsFile(Use.LIBVIRT, Role.CLIENT, f"{LIBVIRT}/clientcert.pem", key=f"{PRIVATE}/clientkey.pem"),
    TlsFile(Use.MIGRATION, Role.CA, f"{PKI}/ca-cert.pem"),
    TlsFile(Use.MIGRATION, Role.SERVER, f"{PKI}/server-cert.pem", key=f"{PKI}/server-key.pem"),
    TlsFile(Use.MIGRATION, Role.CLIENT, f"{PKI}/client-cert.pem", key=f"{PKI}/client-key.pem"),
)
SET = {file.path for file in FILES if file.use is Use.MIGRATION} | {f"{PKI}/server-key.pem", f"{PKI}/client-key.pem"}
SYSTEM = SystemFacts(units=(Unit("libvirtd.socket", "loaded", "active", "enabled"),), daemons=(Daemon("libvirtd", ()),))
FACTS = HostFacts("h1", hostname="h1", tls=TlsFacts(0, FILES), qemu_owner=QEMU, system=SYSTEM)
PLACES = (
    Place(CA, None, ("/etc/pki",)),
    Place(LIBVIRT, None, ("/etc/pki",)),
    Place(PRIVATE, None, ("/etc/pki", LIBVIRT)),
    Place(PKI, None, ("/etc/pki",)),
)
EMPTY = Seen(FACTS, NAMES, {}, {}, PLACES)


def signing(authority: Authority = OURS, days: int = 365) -> object:
    def made(role: Role, names: Sequence[str]) -> Signed:
        return sign(authority, HOST_KEY, role, names, 3, NOW, days)

    return made


def planned(seen: Seen, terms: Terms = TERMS, authority: Authority = OURS) -> Plan:
    return credentials_plan(seen, authority, terms, signing(authority))  # type: ignore[arg-type]


def after(plan: Plan) -> Seen:
    """The host with the plan done."""
    texts = {change.name: change.after for change in plan.changes if change.kind is Kind.FILE}
    keys = {change.name: change.after for change in plan.changes if change.kind is Kind.KEY}
    places = tuple(replace(place, mode="755", missing=()) for place in PLACES)
    return Seen(FACTS, NAMES, texts, keys, places)


FULL = after(planned(EMPTY))
FOREIGN = after(planned(EMPTY, authority=THEIRS))


def names(plan: Plan, kind: Kind | None = None) -> list[str]:
    return [change.name for change in plan.changes if kind in (None, change.kind)]


def test_a_host_without_any_gets_all_of_them() -> None:
    plan = planned(EMPTY)
    assert names(plan, Kind.DIRECTORY) == ["/etc/pki", CA, LIBVIRT, PRIVATE, PKI]
    assert {c.name: c.after for c in plan.changes if c.kind is Kind.DIRECTORY}[PRIVATE] == "700"
    assert set(names(plan, Kind.FILE)) == {file.path for file in FILES}
    assert set(names(plan, Kind.KEY)) == {file.key for file in FILES if file.key}
    assert plan.left == ()
    assert plan.changes[0].kind is Kind.DIRECTORY


def test_keys_are_for_whoever_uses_them() -> None:
    texts = {
        change.name: (change.after or "").split()[1:] for change in planned(EMPTY).changes if change.kind is Kind.KEY
    }
    assert texts[f"{PRIVATE}/serverkey.pem"] == ["0:0", "600"]
    assert texts[f"{PKI}/server-key.pem"] == [QEMU, "400"]


def test_no_key_is_in_what_is_written_down() -> None:
    plan = planned(EMPTY)
    assert set(plan.secrets) == set(names(plan, Kind.KEY))
    assert "PRIVATE" not in "".join(f"{change.before} {change.after} {change.items}" for change in plan.changes)
    for change in plan.changes:
        if change.kind is Kind.KEY:
            assert change.after == key_text(plan.secrets[change.name], *(change.after or "").split()[1:])


def test_what_is_good_stays() -> None:
    assert planned(FULL).changes == ()


def without(seen: Seen, path: str) -> Seen:
    texts, keys = ({name: text for name, text in each.items() if name != path} for each in (seen.texts, seen.keys))
    return replace(seen, texts=texts, keys=keys)


KEY_NAME, CERTIFICATE = f"{PKI}/server-key.pem", f"{PKI}/server-cert.pem"
WRONG = key_text(Secret("x"), "0:0", "600")


@pytest.mark.parametrize(
    ("seen", "terms", "wanted"),
    [
        (without(FULL, CERTIFICATE), TERMS, []),  # its key is there: of whom it is, nobody knows
        (without(FULL, CERTIFICATE), replace(TERMS, replace=True), [KEY_NAME, CERTIFICATE]),
        (without(without(FULL, CERTIFICATE), KEY_NAME), TERMS, [KEY_NAME, CERTIFICATE]),
        (without(FULL, KEY_NAME), TERMS, [KEY_NAME, CERTIFICATE]),
        (replace(FULL, keys={**FULL.keys, KEY_NAME: WRONG}), TERMS, [KEY_NAME, CERTIFICATE]),
        (without(FULL, f"{PKI}/ca-cert.pem"), TERMS, [f"{PKI}/ca-cert.pem"]),
        (FULL, replace(TERMS, now=NOW + timedelta(days=334)), []),
        (without(FULL, KEY_NAME), replace(TERMS, only_renew=True), []),
        (EMPTY, replace(TERMS, only_renew=True), []),
        (FULL, replace(TERMS, replace=True), []),
    ],
    ids=["certificate", "replaced", "both", "key", "key of another user", "CA", "31 days", "renew", "none", "good"],
)
def test_what_is_missing_is_made(seen: Seen, terms: Terms, wanted: list[str]) -> None:
    assert names(planned(seen, terms)) == wanted


@pytest.mark.parametrize("terms", [TERMS, replace(TERMS, only_renew=True)], ids=["init", "renew"])
def test_what_ends_soon_is_made_anew(terms: Terms) -> None:
    plan = planned(FULL, replace(terms, now=NOW + timedelta(days=336)))
    assert len(names(plan, Kind.KEY)) == len(plan.secrets) == 4
    assert names(plan, Kind.DIRECTORY) == []
    assert not {f"{CA}/cacert.pem", f"{PKI}/ca-cert.pem"} & set(names(plan))
    assert all(change.before is not None for change in plan.changes)


def test_a_new_name_is_reason_enough() -> None:
    assert len(planned(replace(FULL, names=(*NAMES, "h1.lan"))).secrets) == 4
    assert planned(replace(FULL, names=NAMES[:1])).changes == ()


def test_somebody_elses_are_left_and_said() -> None:
    plan = planned(FOREIGN)
    assert plan.changes == ()
    assert [left.what for left in plan.left] == [f"{CA}/cacert.pem", f"{PKI}/ca-cert.pem"]
    assert all("--replace" in left.why and THEIRS.name in left.why for left in plan.left)


def test_somebody_elses_are_replaced_when_told_to() -> None:
    plan = planned(FOREIGN, replace(TERMS, replace=True))
    assert set(names(plan)) == {*FOREIGN.texts, *FOREIGN.keys}
    assert [change.before for change in plan.changes if change.kind is Kind.FILE] == [
        FOREIGN.texts[name] for name in names(plan, Kind.FILE)
    ]


@pytest.mark.parametrize("text", ["", "nonsense\n"], ids=["empty", "nonsense"])
def test_a_file_that_nobody_can_read_is_somebodys(text: str) -> None:
    plan = planned(replace(EMPTY, texts={f"{PKI}/ca-cert.pem": text}))
    assert SET & set(names(plan)) == set()
    assert [left.what for left in plan.left] == [f"{PKI}/ca-cert.pem"]


def test_a_bundle_that_has_ours_in_it_is_good_enough() -> None:
    both = pem(*THEIRS.certificates, *OURS.certificates)
    assert planned(replace(FULL, texts={**FULL.texts, f"{CA}/cacert.pem": both})).changes == ()


def test_somebody_elses_certificate_beside_our_ca() -> None:
    plan = planned(replace(FULL, texts={**FULL.texts, CERTIFICATE: FOREIGN.texts[CERTIFICATE]}))
    assert (plan.changes, [left.what for left in plan.left]) == ((), [CERTIFICATE])


def test_a_renewed_authority_takes_the_place_of_what_it_was() -> None:
    newer = Authority((authority_certificate(KEY, 5, NOW + timedelta(days=1)), *OURS.certificates), KEY)
    for terms in (TERMS, replace(TERMS, only_renew=True)):
        assert names(planned(FULL, terms, newer)) == [f"{CA}/cacert.pem", f"{PKI}/ca-cert.pem"]


def test_libvirt_is_restarted_only_where_it_listens_for_tls() -> None:
    def restarts(seen: Seen) -> set[tuple[str, ...]]:
        return {change.restarts for change in planned(seen).changes}

    unit = Unit("libvirtd-tls.socket", "loaded", "active", "enabled")
    listening = replace(FACTS, system=replace(SYSTEM, units=(*(SYSTEM.units or ()), unit)))
    assert restarts(EMPTY) == {()}
    plan = planned(replace(EMPTY, facts=listening))
    assert {change.name for change in plan.changes if change.restarts}.isdisjoint(SET)
    assert plan.restarts == ("libvirtd.service",)


def test_one_file_for_both_is_written_once_and_qemu_can_read_its_key() -> None:
    shared = [replace(file, use=Use.LIBVIRT) for file in FILES[3:]]
    facts = replace(FACTS, tls=TlsFacts(0, (*shared, *FILES[3:])))
    plan = planned(replace(EMPTY, facts=facts))
    assert len(names(plan)) == len(set(names(plan)))
    assert {(c.after or "").split()[1] for c in plan.changes if c.kind is Kind.KEY} == {QEMU}


@pytest.mark.parametrize(
    ("seen", "what"),
    [
        (replace(EMPTY, facts=replace(FACTS, tls=None)), "certificates"),
        (replace(EMPTY, names=()), "certificates"),
        (replace(EMPTY, facts=replace(FACTS, qemu_owner=None)), "QEMU's certificates"),
    ],
)
def test_what_cannot_be_known(seen: Seen, what: str) -> None:
    plan = planned(seen)
    assert [left.what for left in plan.left] == [what]
    assert SET.isdisjoint(names(plan))


def conf(key: str, value: str) -> SystemFacts:
    return SystemFacts(confs=(ConfFile("/etc/libvirt/qemu.conf", (Setting(key, value, 1),)),))


@pytest.mark.parametrize(
    ("entry", "facts", "expected"),
    [
        (HostEntry("a", "qemu+ssh://root@10.0.0.1/system"), HostFacts("a", hostname="H1"), ("h1", "10.0.0.1")),
        (
            HostEntry("a", "qemu+ssh://root@h1/system", "qemu+tls://h1.lan:16514/system", "fd00::1"),
            HostFacts("a", hostname="h1"),
            ("h1", "h1.lan", "fd00::1"),
        ),
        (HostEntry("a", "qemu+ssh://root@[fd00::2]/system"), HostFacts("a", hostname="h1."), ("h1", "fd00::2")),
        (HostEntry("a", "qemu:///system"), HostFacts("a", hostname="localhost"), ()),
        (HostEntry("a", "qemu+ssh://root@127.0.0.1/system"), HostFacts("a", hostname="h1"), ("h1",)),
        (
            HostEntry("a", "qemu:///system"),
            HostFacts("a", hostname="h1", system=conf("migration_host", "m")),
            ("h1", "m"),
        ),
        (HostEntry("a", "qemu:///system"), HostFacts("a", hostname="höst x\n"), ()),
        (HostEntry("a", "qemu:///system", None, "fe80::1%eth0"), HostFacts("a", hostname="h_1"), ("h_1",)),
    ],
)
def test_the_names_that_it_is_reached_by(entry: HostEntry, facts: HostFacts, expected: tuple[str, ...]) -> None:
    assert names_of(entry, facts) == expected


def test_every_change_says_what_it_is() -> None:
    for change in planned(EMPTY).changes:
        assert isinstance(change, Change)
        assert change.items
        assert all(item.before and item.after for item in change.items)
