"""When a migration goes by TLS: what the user has laid down, and what the two hosts have for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vmferry.facts.tls import Role, TlsFacts, Use
from vmferry.facts.wish import MoveWish
from vmferry.model.finding import Severity
from vmferry.model.tuning import Encryption
from vmferry.rules import all_rules
from vmferry.rules.tls import decided

from .cases import with_source, with_target
from .subjects.tls import HERE, OTHER_CA, THERE, certificate, tls

NONE = tls("missing", "missing")
EXPIRED = tls(certificate("h2.example.org", "10.1.0.2", days=-1))
OTHER_NAME = tls(certificate("h9"))
FOREIGN = tls(certificate("h2.example.org", "10.1.0.2", signed_by="other"), OTHER_CA)
UNREADABLE = tls("unreadable")


def without(facts: TlsFacts, role: Role) -> TlsFacts:
    """One whose file of that role is not there, for migrations."""
    files = (
        replace(file, certificates=(), problem="missing") if (file.use, file.role) == (Use.MIGRATION, role) else file
        for file in facts.files
    )
    return replace(facts, files=tuple(files))


def outcome(here: TlsFacts | None, there: TlsFacts | None, wish: MoveWish) -> tuple[bool, Severity | None]:
    """Whether it is wanted encrypted, and the worst that its rule says."""
    target = with_target(tls=there).target
    move = decided(replace(with_source(tls=here), target=target, wish=wish))
    (rule,) = (rule for rule in all_rules() if rule.id == "transport.tls-migration")
    said = [finding.severity for finding in rule.findings(move)]
    worst = [each for each in (Severity.REFUSE, Severity.UNKNOWN, Severity.WARN, Severity.INFO) if each in said]
    return move.wish.tls, worst[0] if worst else None


AUTO, REQUIRE, OFF = Encryption
INFO, WARN, UNKNOWN, REFUSE = Severity


@pytest.mark.parametrize(
    ("how", "here", "there", "expected"),
    [
        (AUTO, HERE, THERE, (True, INFO)),
        (AUTO, NONE, NONE, (False, WARN)),
        (AUTO, HERE, NONE, (False, WARN)),
        (AUTO, NONE, THERE, (False, WARN)),
        (AUTO, without(HERE, Role.CLIENT), THERE, (False, WARN)),
        (AUTO, without(HERE, Role.SERVER), THERE, (True, INFO)),
        (AUTO, HERE, without(THERE, Role.SERVER), (False, WARN)),
        (AUTO, HERE, without(THERE, Role.CLIENT), (True, INFO)),
        (AUTO, None, THERE, (False, INFO)),
        (AUTO, HERE, None, (False, INFO)),
        (AUTO, HERE, EXPIRED, (True, REFUSE)),
        (AUTO, HERE, OTHER_NAME, (True, REFUSE)),
        (AUTO, HERE, FOREIGN, (True, REFUSE)),
        (AUTO, HERE, UNREADABLE, (True, REFUSE)),
        (REQUIRE, HERE, THERE, (True, INFO)),
        (REQUIRE, NONE, NONE, (True, REFUSE)),
        (REQUIRE, HERE, NONE, (True, REFUSE)),
        (REQUIRE, HERE, EXPIRED, (True, REFUSE)),
        (REQUIRE, HERE, None, (True, UNKNOWN)),
        (OFF, HERE, THERE, (False, None)),
        (OFF, NONE, NONE, (False, None)),
    ],
)
def test_what_is_laid_down(
    how: Encryption, here: TlsFacts | None, there: TlsFacts | None, expected: tuple[bool, Severity | None]
) -> None:
    """A certificate that is there and no good is no way to have data go in the clear."""
    assert outcome(here, there, MoveWish(encryption=how)) == expected


@pytest.mark.parametrize("wish", [MoveWish(tunnelled=True), MoveWish(zerocopy=True, parallel=True)])
def test_what_excludes_it(wish: MoveWish) -> None:
    assert outcome(HERE, THERE, replace(wish, encryption=AUTO)) == (False, WARN)
    assert outcome(HERE, THERE, replace(wish, encryption=REQUIRE))[0]


def test_the_users_own_word_counts() -> None:
    assert outcome(HERE, NONE, MoveWish(encryption=AUTO, tls=True)) == (True, REFUSE)


def test_the_remedy_is_named() -> None:
    move = decided(replace(with_target(tls=NONE), wish=MoveWish(encryption=REQUIRE)))
    (rule,) = (rule for rule in all_rules() if rule.id == "transport.tls-migration")
    move = replace(move, source=replace(move.source, tls=HERE))
    refused = [each for each in rule.findings(move) if each.severity is Severity.REFUSE]
    assert refused
    assert all(each.remedy.startswith("vmferry tls init --host h2") for each in refused)
    assert {each.subject for each in refused} == {"h2:/etc/pki/migration/CA.pem", "h2:/etc/pki/migration/server.pem"}
