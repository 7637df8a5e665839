"""What only a store in a file can get wrong."""

from __future__ import annotations

import contextlib
import sqlite3
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from vmferry.errors import Failed
from vmferry.model.host import HostEntry
from vmferry.store import EmbeddedStore, Place, file, tables
from vmferry.store.schema import alembic_config, make_engine

ALPHA = HostEntry("alpha", "qemu+ssh://root@alpha/system")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vmferry.db"


@pytest.fixture
def filled(path: Path) -> Path:
    EmbeddedStore(Place(path)).add_host(ALPHA)
    return path


def refused(path: Path) -> Failed:
    """Reading and writing both say the same, and change nothing."""
    before = path.read_bytes()
    with pytest.raises(Failed) as reading:
        EmbeddedStore(Place(path)).hosts()
    with pytest.raises(Failed) as writing:
        EmbeddedStore(Place(path)).add_host(ALPHA)
    assert path.read_bytes() == before
    assert reading.value.message == writing.value.message
    assert str(path) in reading.value.message
    assert "\n" not in reading.value.message
    return reading.value


def change(path: Path, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


def test_reading_makes_no_file(path: Path) -> None:
    assert EmbeddedStore(Place(path)).hosts() == ()
    assert not path.exists()


def test_another_process_sees_what_was_kept(filled: Path) -> None:
    assert EmbeddedStore(Place(filled)).hosts() == (ALPHA,)


def test_the_file_is_for_its_user_only(filled: Path) -> None:
    assert stat.S_IMODE(filled.stat().st_mode) == 0o600


def test_every_commit_reaches_the_disk(filled: Path) -> None:
    with make_engine(filled).connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL


def test_an_empty_file_becomes_a_store(path: Path) -> None:
    path.touch()
    assert EmbeddedStore(Place(path)).hosts() == ()
    EmbeddedStore(Place(path)).add_host(ALPHA)
    assert EmbeddedStore(Place(path)).hosts() == (ALPHA,)


def test_garbage_is_told_and_left_alone(path: Path) -> None:
    path.write_bytes(b"this is no database at all\n" * 100)
    assert "damaged or is no store" in refused(path).message


def test_a_damaged_page_is_told_and_left_alone(filled: Path) -> None:
    change(filled, "PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(filled.read_bytes())
    content[100:4096] = b"\xff" * (4096 - 100)
    filled.write_bytes(content)
    assert "damaged or is no store" in refused(filled).message


def test_another_programs_database_is_told_and_left_alone(path: Path) -> None:
    change(path, "CREATE TABLE recipes (name TEXT)")
    assert "another program" in refused(path).message


def test_a_newer_store_is_told_and_left_alone(filled: Path) -> None:
    change(filled, "UPDATE alembic_version SET version_num = '9999'")
    assert "newer vmferry" in refused(filled).message


def test_a_store_without_its_table_is_told(filled: Path) -> None:
    change(filled, "DROP TABLE host")
    assert "does not hold what it should" in refused(filled).message


def test_a_record_that_cannot_be_read_is_told(filled: Path) -> None:
    change(filled, "INSERT INTO result (job, guest, source, document) VALUES ('1', 'web', 'alpha', '{')")
    with pytest.raises(Failed, match="cannot be read"):
        EmbeddedStore(Place(filled)).results()


def test_a_directory_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="cannot be opened"):
        EmbeddedStore(Place(tmp_path)).hosts()


def test_a_place_that_cannot_be_looked_at_is_told(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="cannot be opened") as error:
        EmbeddedStore(Place(tmp_path / ("x" * 300))).hosts()
    assert "File name too long" in error.value.detail


def test_a_place_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Failed, match="cannot be made"):
        EmbeddedStore(Place(tmp_path / "file" / "vmferry.db")).add_host(ALPHA)


def test_a_store_in_use_is_told(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vmferry.store.schema.BUSY_S", 0.05)
    with contextlib.closing(sqlite3.connect(filled, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Failed, match="in use by another vmferry"):
            EmbeddedStore(Place(filled)).add_host(HostEntry("beta", "qemu:///system"))
    assert EmbeddedStore(Place(filled)).hosts() == (ALPHA,)


def test_many_at_once_make_one_store(path: Path) -> None:
    entries = [HostEntry(f"h{number}", f"qemu+ssh://h{number}/system") for number in range(8)]
    with ThreadPoolExecutor(len(entries)) as threads:
        list(threads.map(lambda entry: EmbeddedStore(Place(path)).add_host(entry), entries))
    assert EmbeddedStore(Place(path)).hosts() == tuple(entries)


def test_what_is_seen_again_is_not_written_again(filled: Path) -> None:
    store = EmbeddedStore(Place(filled))
    store.remember_guests("alpha", [("web", "1")])
    change(filled, "CREATE TRIGGER guard BEFORE INSERT ON seen_guest BEGIN SELECT RAISE(ABORT, 'written'); END")
    store.remember_guests("alpha", [("web", "1")])
    assert store.remembered_guests() == {"web": "alpha"}


def test_the_migrations_make_the_tables(filled: Path) -> None:
    with make_engine(filled).connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []
        scripts = ScriptDirectory.from_config(alembic_config(connection))
    assert scripts.get_heads() == [file.HEAD]


def test_reading_the_inventory_needs_no_sqlalchemy(filled: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from vmferry.store import EmbeddedStore, Place; "
        f"store = EmbeddedStore(Place(Path({str(filled)!r}))); store.remembered_guests(); "
        "print(store.hosts()[0].name, 'sqlalchemy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["alpha", "False"]
