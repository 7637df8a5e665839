"""One suite for every store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from vmferry.errors import UserError
from vmferry.fakes.store import MemoryStore
from vmferry.model.host import HostEntry, HostState, Withdrawal
from vmferry.model.migration import Forecast, Measured, MigrationResult, Outcome, Range, Step, Verified
from vmferry.ports import Store
from vmferry.store import EmbeddedStore, Place
from vmferry.store.postgres import PostgresDatabase, PostgresStore

ALPHA = HostEntry("alpha", "qemu+ssh://root@alpha/system", "qemu+ssh://root@a/system", "10.0.0.1", ("ssh", "root@a"))
BETA = HostEntry("beta", "qemu+tls://beta/system")
RESULT = MigrationResult(
    job="job-1",
    guest="web",
    source="alpha",
    target="beta",
    outcome=Outcome.MIGRATED,
    error_detail="Ünïcode and\nlines",
    forecast=Forecast(Range(1.0, 2.0, 3.0), Range(1, 2, 3), Range(4, 5, 6), True, 3, "guessed"),
    measured=Measured(2.5, 12, None, 1 << 40, 0, 3),
    verification=(Verified("one copy", True, "fine"), Verified("answers", None, "no probe")),
    steps=(Step("check", "done", "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"),),
)


@pytest.fixture(params=["memory", "embedded", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "memory":
        yield MemoryStore()
    elif request.param == "embedded":
        yield EmbeddedStore(Place(tmp_path / "deep" / "vmferry.db"))
    else:
        database = PostgresDatabase(request.getfixturevalue("database_url"), settling_in_s=0)
        yield PostgresStore(database)
        database.close()


def test_a_new_store_is_empty(store: Store) -> None:
    assert (store.hosts(), dict(store.remembered_guests()), store.results()) == ((), {}, ())


def test_hosts_come_back_whole_and_by_name(store: Store) -> None:
    store.add_host(BETA)
    store.add_host(ALPHA)
    assert store.hosts() == (ALPHA, BETA)


def test_withdrawals_are_kept_until_the_host_is_let_in_again(store: Store) -> None:
    assert dict(store.withdrawn()) == {}
    draining = Withdrawal(HostState.DRAINING, "2026-01-01T00:00:00Z")
    empty = replace(draining, state=HostState.MAINTENANCE, left=("uuid-1", "uuid-2"))
    store.withdraw("declared", draining)
    store.withdraw("declared", empty)
    store.withdraw("other", draining)
    assert dict(store.withdrawn()) == {"declared": empty, "other": draining}
    store.readmit("declared")
    store.readmit("nobody")
    assert dict(store.withdrawn()) == {"other": draining}


def test_a_removed_host_leaves_nothing(store: Store) -> None:
    store.add_host(ALPHA)
    store.withdraw("alpha", Withdrawal(HostState.MAINTENANCE, "2026-01-01T00:00:00Z"))
    store.remove_host("alpha")
    assert dict(store.withdrawn()) == {}


def test_a_name_is_taken_once(store: Store) -> None:
    store.add_host(ALPHA)
    with pytest.raises(UserError, match="alpha"):
        store.add_host(replace(BETA, name="alpha"))
    assert store.hosts() == (ALPHA,)


def test_a_uri_is_taken_once(store: Store) -> None:
    store.add_host(ALPHA)
    with pytest.raises(UserError, match="alpha"):
        store.add_host(replace(BETA, uri=ALPHA.uri))
    assert store.hosts() == (ALPHA,)


def test_a_host_goes_with_what_was_seen_on_it(store: Store) -> None:
    store.add_host(ALPHA)
    store.remember_guests("alpha", [("web", "1")])
    store.remove_host("alpha")
    assert (store.hosts(), dict(store.remembered_guests())) == ((), {})


def test_an_unknown_host_cannot_be_removed(store: Store) -> None:
    with pytest.raises(UserError, match="nobody"):
        store.remove_host("nobody")


def test_guests_are_remembered_as_last_seen(store: Store) -> None:
    store.remember_guests("alpha", [("web", "1"), ("db", "2")])
    store.remember_guests("beta", [("mail", "3")])
    store.remember_guests("alpha", [("db", "2")])
    assert store.remembered_guests() == {"db": "alpha", "mail": "beta"}
    store.remember_guests("alpha", [])
    assert store.remembered_guests() == {"mail": "beta"}


def test_two_guests_of_one_name_do_not_disturb(store: Store) -> None:
    store.remember_guests("alpha", [("web", "1")])
    store.remember_guests("beta", [("web", "2")])
    assert list(store.remembered_guests()) == ["web"]


def test_results_come_back_whole_newest_first(store: Store) -> None:
    later = replace(RESULT, job="job-2", outcome=Outcome.ROLLED_BACK, measured=None, target=None)
    store.save_result(RESULT)
    store.save_result(later)
    assert store.results() == (later, RESULT)


def test_results_are_found_by_their_path(store: Store) -> None:
    back = replace(RESULT, job="job-2", source="beta", target="alpha")
    for result in (RESULT, back):
        store.save_result(result)
    assert store.results(source="alpha", target="beta") == (RESULT,)
    assert store.results(source="beta") == (back,)
    assert store.results(target="gamma") == ()


def test_the_last_word_on_a_job_counts(store: Store) -> None:
    store.save_result(RESULT)
    store.save_result(replace(RESULT, outcome=Outcome.IN_DOUBT))
    assert [result.outcome for result in store.results()] == [Outcome.IN_DOUBT]
