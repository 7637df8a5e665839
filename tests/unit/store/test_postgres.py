"""What only a database that is shared over a connection can get wrong."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from vmferry.errors import Failed, UserError
from vmferry.flow.journal import Entry, Kind
from vmferry.flow.states import State
from vmferry.model.host import HostEntry
from vmferry.model.job import Job, Plan
from vmferry.model.migration import MigrationResult
from vmferry.store import tables
from vmferry.store.database import Session
from vmferry.store.postgres import PostgresDatabase, PostgresJobs, PostgresStore

from ...postgres import Cluster

ALPHA = HostEntry("alpha", "qemu+ssh://root@alpha/system")
FIRST = Entry(Kind.STATE, State.PLANNED, at="t0")
JOB = Job(MigrationResult("1", "web", "alpha", "beta", None), Plan("uuid", False, True, 1 << 40), State.PLANNED)


@pytest.fixture
def database(database_url: str) -> Iterator[PostgresDatabase]:
    with closing(PostgresDatabase(database_url, settling_in_s=0)) as made:
        yield made


@pytest.fixture
def own_cluster() -> Iterator[Cluster]:
    """One that may be stopped: the others' is left alone."""
    cluster = Cluster()
    cluster.start()
    yield cluster
    cluster.remove()


def until(condition: Callable[[], bool], limit_s: float = 20.0) -> None:
    end_s = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end_s, "it did not come to be"
        time.sleep(0.05)


@pytest.mark.parametrize("url", ["", "x", "mysql://a/b", "sqlite:///x", "postgresql//", "http://db/x"])
def test_a_url_of_something_else_is_told(url: str) -> None:
    with pytest.raises(UserError, match="postgresql://USER@HOST/NAME"):
        PostgresDatabase(url)


def test_a_database_that_is_not_there_is_told_at_once(cluster: Cluster) -> None:
    with pytest.raises(Failed, match=r"nothing.* does not exist; make it with createdb"):
        PostgresStore(PostgresDatabase(cluster.url("nothing"))).hosts()


def test_a_server_that_is_not_there_is_told_at_once_and_without_the_password() -> None:
    with pytest.raises(Failed, match="does not answer") as error:
        PostgresStore(PostgresDatabase("postgresql://me:secret@/x?host=/nowhere")).hosts()
    assert "secret" not in error.value.message
    assert error.value.detail


def test_a_newer_store_is_told(database: PostgresDatabase, database_url: str) -> None:
    assert database.exists()
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE vmferry.alembic_version SET version_num = '9999'")
    with closing(PostgresDatabase(database_url)) as later, pytest.raises(Failed, match="newer vmferry"):
        later.exists()


def test_a_store_without_its_table_is_told(database: PostgresDatabase, database_url: str) -> None:
    store = PostgresStore(database)
    store.add_host(ALPHA)
    with psycopg.connect(database_url) as connection:
        connection.execute("DROP TABLE vmferry.host")
    with pytest.raises(Failed, match="does not hold what it should"):
        store.hosts()


def test_other_programs_may_have_tables_of_the_same_names(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE TABLE host (recipe text)")
        connection.execute("CREATE TABLE alembic_version (version_num text)")
        connection.execute("INSERT INTO alembic_version VALUES ('abcdef')")
    with closing(PostgresDatabase(database_url)) as database:
        PostgresStore(database).add_host(ALPHA)
        assert PostgresStore(database).hosts() == (ALPHA,)


def test_the_migrations_make_the_tables(database: PostgresDatabase, database_url: str) -> None:
    assert database.exists()
    engine = create_engine(
        database_url.replace("postgresql:", "postgresql+psycopg:"),
        connect_args={"options": "-csearch_path=vmferry"},
    )
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []
    engine.dispose()


def test_many_at_once_make_one_store(database_url: str) -> None:
    databases = [PostgresDatabase(database_url) for _ in range(6)]
    threads = [threading.Thread(target=each.exists) for each in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    PostgresStore(databases[0]).add_host(ALPHA)
    assert PostgresStore(databases[1]).hosts() == (ALPHA,)
    for each in databases:
        each.close()


def test_what_was_committed_though_its_answer_was_lost_is_there_once(
    database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection ends right after each first commit."""
    jobs, store = PostgresJobs(database), PostgresStore(database)
    database.exists()
    attempt = database._patiently

    def losing(work: Callable[..., object]) -> object:
        def once(connection: object, again: bool) -> object:
            if not again:
                attempt(work)
                raise_disconnect()
            return work(connection, again)

        return attempt(once)

    monkeypatch.setattr(database, "_patiently", losing)
    lease = jobs.open(JOB, FIRST, "one")
    for text in ("a", "b"):
        jobs.write(lease, JOB, [Entry(Kind.SAW, text=text, at="t"), Entry(Kind.SAW, text=text + text, at="t")])
    jobs.renew(lease)
    store.add_host(ALPHA)
    monkeypatch.undo()
    assert [entry.text for entry in jobs.journal("1")] == ["", "a", "aa", "b", "bb"]
    assert store.hosts() == (ALPHA,)
    monkeypatch.setattr(database, "_patiently", losing)
    jobs.close(lease)
    taken = jobs.take_over("1", "two")
    assert taken is not None
    jobs.renew(taken)


def raise_disconnect() -> None:
    from sqlalchemy.exc import OperationalError

    raise OperationalError("COMMIT", None, psycopg.OperationalError("the connection is lost"))


def test_a_restart_in_the_middle_is_waited_for(own_cluster: Cluster) -> None:
    with closing(PostgresDatabase(own_cluster.create())) as database:
        jobs = PostgresJobs(database)
        lease = jobs.open(JOB, FIRST, "one")
        own_cluster.stop("immediate")
        writing = threading.Thread(target=jobs.write, args=(lease, JOB, [Entry(Kind.SAW, at="t")]))
        writing.start()
        own_cluster.start()
        writing.join(timeout=60)
        assert len(jobs.journal("1")) == 2
        assert jobs.take_over("1", "two") is None, "the worker has shown itself again, or still has the time to"
        until(lambda: is_present(database, "one"))
        database.leave("one")
        until(lambda: not jobs.held("1"))


def test_a_database_that_stays_away_is_told(own_cluster: Cluster) -> None:
    with closing(PostgresDatabase(own_cluster.create(), patience_s=0.5)) as database:
        jobs = PostgresJobs(database)
        lease = jobs.open(JOB, FIRST, "one")
        own_cluster.stop("immediate")
        with pytest.raises(Failed, match="does not answer; see that it runs"):
            jobs.renew(lease)
        own_cluster.start()
        jobs.renew(lease)


def test_a_session_that_was_ended_comes_again(database: PostgresDatabase, database_url: str) -> None:
    jobs = PostgresJobs(database)
    jobs.open(JOB, FIRST, "one")
    with psycopg.connect(database_url) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    until(lambda: is_present(database, "one"))


def test_one_that_is_frozen_in_a_transaction_holds_up_nobody_for_ever(database_url: str) -> None:
    frozen, living = PostgresDatabase(database_url), PostgresDatabase(database_url)
    jobs = PostgresJobs(living)
    jobs.open(JOB, FIRST, "one")
    thawed = threading.Event()

    def freeze(session: Session) -> None:
        thawed.wait(30)

    stuck = threading.Thread(target=lambda: frozen.transact(freeze, whole=True))
    stuck.start()
    until(lambda: any_locked(database_url))
    assert jobs.take_over("1", "two") is None
    thawed.set()
    stuck.join()
    frozen.close()
    living.close()


def is_present(database: PostgresDatabase, worker: str) -> bool:
    return not database.look(lambda session: session.is_dead(worker))


def any_locked(url: str) -> bool:
    query = "SELECT count(*) FROM pg_locks WHERE mode = 'ShareRowExclusiveLock' AND granted"
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchone() == (1,)


def test_the_embedded_store_needs_no_driver(tmp_path: Path) -> None:
    code = (
        "import sys; from vmferry.wiring import real; from pathlib import Path; "
        f"real().jobs(Path({str(tmp_path)!r}) / 'x.db').jobs(); "
        "print('psycopg' in sys.modules, 'sqlalchemy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
